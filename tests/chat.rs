//! Prompts put to a chat model: in its own format, every stream on its own, with one BOS.

use std::any::Any;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use infer_code_cad::checkpoint::{ChatOptions, ChatTemplate, Checkpoint, Tokenizer};
use infer_code_cad::decode::{ContextAware, Greedy, TokenId};
use infer_code_cad::engine::{CausalLm, EngineError, FinishReason, KvCache, LogitRows, Step};
use infer_code_cad::tasks::{Problem, prompts};
use infer_code_cad::{
    Chat, Error, Journal, LanguageModel, PromptFormat, Prompter, RunHeader, Selector, Solution,
    SolveConfig, SolveEvent, Technique, solve,
};

const LLAMA_BOS: TokenId = 128_000;
const LLAMA_EOT: TokenId = 128_009;
const LLAMA_VOCAB_SIZE: usize = 128_256;

/// Answers with a fixed script, whatever the prompt, and remembers the prompts.
#[derive(Debug)]
struct Scripted {
    answer: Vec<TokenId>,
    streams: Arc<Mutex<Vec<Vec<TokenId>>>>,
}

#[derive(Debug, Clone, Default)]
struct History {
    stream: Vec<TokenId>,
    prompt_len: usize,
}

impl KvCache for History {
    fn len(&self) -> usize {
        self.stream.len()
    }

    fn fork(&self) -> Box<dyn KvCache> {
        Box::new(self.clone())
    }

    fn truncate(&mut self, len: usize) {
        self.stream.truncate(len);
    }
}

impl CausalLm for Scripted {
    fn vocab_size(&self) -> usize {
        LLAMA_VOCAB_SIZE
    }

    fn max_positions(&self) -> usize {
        4096
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        Box::<History>::default()
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        logits.clear();
        for step in batch {
            let history: &mut History = (&mut *step.cache as &mut dyn Any).downcast_mut().unwrap();
            history.stream.extend_from_slice(step.tokens);
            if step.logits != LogitRows::Last {
                continue;
            }
            if history.prompt_len == 0 {
                history.prompt_len = history.stream.len();
                self.streams.lock().unwrap().push(history.stream.clone());
            }
            let mut row = vec![0.0; LLAMA_VOCAB_SIZE];
            row[self.answer[history.stream.len() - history.prompt_len] as usize] = 1.0;
            logits.extend(row);
        }
        Ok(())
    }
}

/// A checkpoint of random weights that is configured to chat and to stop as Llama 3.2 is.
fn llama_checkpoint(data: &Path) -> Checkpoint {
    let dir = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let random = root.join("crates/infer-code-cad-checkpoint/tests/fixtures/llama");
    for file in ["config.json", "model.safetensors"] {
        fs::copy(random.join(file), dir.path().join(file)).unwrap();
    }
    for file in ["generation_config.json", "tokenizer_config.json"] {
        fs::copy(data.join(file), dir.path().join(file)).unwrap();
    }
    Checkpoint::open(dir.path()).unwrap()
}

fn cad() -> Technique {
    Technique {
        name: "cad".into(),
        prompter: Prompter::ContextAndQuestion,
        decoder: Box::new(ContextAware::new(0.5, Greedy)),
        selector: Selector::First,
    }
}

fn problem() -> Problem {
    let prompt = "def add(a, b):\n    \"\"\"Return the sum of a and b.\"\"\"\n";
    Problem::from_prompt("add", prompt).unwrap()
}

/// The one solution.
fn run(model: &LanguageModel, config: &SolveConfig) -> Solution {
    let mut solutions = vec![];
    solve(&cad(), &[problem()], model, config, &mut |event| {
        if let SolveEvent::Solution { solution, .. } = event {
            solutions.push(solution);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(solutions.len(), 1);
    solutions.remove(0)
}

fn format(prompt_format: PromptFormat) -> SolveConfig {
    SolveConfig { n_samples: 1, prompt_format, ..SolveConfig::default() }
}

#[test]
fn llama_streams_begin_with_one_bos_and_answers_end_with_the_turn() {
    let Some(data) = crate::data("llama-3.2-1b-instruct/tokenizer_config.json") else { return };
    let data = data.parent().unwrap();
    let checkpoint = llama_checkpoint(data);
    assert_eq!(checkpoint.eos_token_ids(), [128_001, 128_008, LLAMA_EOT]);
    let tokenizer = Tokenizer::from_bytes(&fs::read(data.join("tokenizer.json")).unwrap()).unwrap();
    let answer = "Sure:\n```python\ndef add(a, b):\n    return a + b\n```\nDone.";
    let mut script = tokenizer.encode_plain(answer).unwrap();
    script.extend([LLAMA_EOT, 0, 0]);
    let streams = Arc::new(Mutex::new(vec![]));
    let model = LanguageModel {
        name: "scripted".into(),
        causal_lm: Arc::new(Scripted { answer: script, streams: streams.clone() }),
        tokenizer: Arc::new(tokenizer),
        eos: checkpoint.eos_token_ids().to_vec(),
        chat_template: checkpoint.chat_template().unwrap().map(Arc::new),
    };
    let question = prompts::question(&problem());
    for prompt_format in [PromptFormat::default(), PromptFormat::Raw] {
        let chat = prompt_format != PromptFormat::Raw;
        let solution = run(&model, &format(prompt_format));
        assert_eq!(solution.finish, FinishReason::Eos);
        assert_eq!(solution.completion, answer);
        assert!(solution.program.contains("    return a + b"), "{}", solution.program);
        assert!(!solution.program.contains("```"), "{}", solution.program);
        let read = std::mem::take(&mut *streams.lock().unwrap());
        assert_eq!(read.len(), 2);
        for stream in &read {
            assert_eq!(stream[0], LLAMA_BOS);
            assert_eq!(stream.iter().filter(|&&id| id == LLAMA_BOS).count(), 1);
            assert_eq!(stream.contains(&LLAMA_EOT), chat);
        }
        assert!(model.tokenizer.decode(&read[1]).contains(question.trim()));
    }
}

/// The embedded model, taken for one that chats.
fn with_template(source: &str) -> LanguageModel {
    let template = ChatTemplate::new("a test", source, [].into()).unwrap();
    LanguageModel { chat_template: Some(Arc::new(template)), ..crate::model() }
}

fn stream(model: &LanguageModel, format: &PromptFormat) -> Result<String, Error> {
    let mut prompted = format.streams(&Prompter::Plain, &problem(), model)?;
    Ok(prompted.streams.remove(0))
}

#[test]
fn every_stream_is_one_message_of_a_user() {
    let model = with_template("<{{ messages[0].role }}>{{ messages[0].content }}");
    let format = PromptFormat::default();
    let prompted = format.streams(&Prompter::ContextAndQuestion, &problem(), &model).unwrap();
    let framed = |text| format!("<user>{text}");
    let expected = [prompts::cad_context(&problem()), prompts::question(&problem())].map(framed);
    assert_eq!(prompted.streams, expected);
    let raw = stream(&model, &PromptFormat::Raw).unwrap();
    assert_eq!(raw, prompts::vanilla(&problem()));
}

#[test]
fn a_system_message_is_folded_where_the_template_refuses_it() {
    let taken = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
    let refused = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}";
    let chat = Chat { system: Some("Be brief.".into()), ..Chat::default() };
    let chat = PromptFormat::Chat(chat);
    let prompt = prompts::vanilla(&problem());
    let text = stream(&with_template(taken), &chat).unwrap();
    assert_eq!(text, format!("[system]Be brief.[user]{prompt}"));
    let text = stream(&with_template(&format!("{refused}{taken}")), &chat).unwrap();
    assert_eq!(text, format!("[user]Be brief.\n\n{prompt}"));
    let error = stream(&with_template("{{ raise_exception('never') }}"), &chat).unwrap_err();
    assert!(error.to_string().contains("never"), "{error}");
}

#[test]
fn without_a_template_a_chat_is_refused_and_auto_is_raw() {
    let model = crate::model();
    assert!(model.chat_template.is_none());
    let auto = PromptFormat::default();
    assert_eq!(stream(&model, &auto).unwrap(), stream(&model, &PromptFormat::Raw).unwrap());
    let system = Chat { system: Some("Be brief.".into()), ..Chat::default() };
    for format in [PromptFormat::Chat(Chat::default()), PromptFormat::Auto(system)] {
        let error = stream(&model, &format).unwrap_err();
        assert!(matches!(error, Error::NoChatTemplate { .. }), "{error}");
    }
}

#[test]
fn a_result_file_is_not_resumed_with_another_format() {
    let model = with_template("{{ messages[0].content }} {{ date }}");
    let header = |prompt_format| {
        let config = format(prompt_format);
        RunHeader::new(&cad(), &model, "b".into(), &[problem()], &config).unwrap()
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("results.jsonl");
    drop(Journal::open(&path, &header(PromptFormat::default())).unwrap());
    // What auto comes to is recorded, not that it was auto.
    drop(Journal::open(&path, &header(PromptFormat::Chat(Chat::default()))).unwrap());
    let system = Chat { system: Some("Be brief.".into()), ..Chat::default() };
    let mut options = ChatOptions::default();
    options.variables.insert("date".into(), "today".into());
    let dated = Chat { options, ..Chat::default() };
    for other in [PromptFormat::Raw, PromptFormat::Chat(system), PromptFormat::Chat(dated)] {
        let error = Journal::open(&path, &header(other)).unwrap_err();
        assert!(error.to_string().contains("prompt_format \"chat\""), "{error}");
    }
}
