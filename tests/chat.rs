//! Prompts put to a chat model: in its own format, every stream on its own, with one BOS.

use std::any::Any;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use infer_code_cad::checkpoint::{ChatOptions, ChatTemplate, Checkpoint, Message, Tokenizer};
use infer_code_cad::decode::TokenId;
use infer_code_cad::engine::{
    CausalLm, EngineConfig, EngineError, FinishReason, KvCache, LogitRows, Step,
};
use infer_code_cad::tasks::{Problem, prompts};
use infer_code_cad::{
    Chat, Error, LanguageModel, Layout, PaperPrompter, PromptFormat, Prompter, Solution,
    SolveConfig, SolveEvent, Solver, Technique, Writer, solve,
};

const LLAMA_BOS: TokenId = 128_000;
const LLAMA_EOT: TokenId = 128_009;
const LLAMA_VOCAB_SIZE: usize = 128_256;

/// Answers with a fixed script, whatever the prompt, and remembers the prompts.
#[derive(Debug)]
struct Scripted {
    vocab_size: usize,
    answer: Vec<TokenId>,
    /// What a stream that ends with it goes on with.
    end: Option<TokenId>,
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
        if len < self.prompt_len {
            self.prompt_len = 0; // the beginning of another prompt
        }
    }
}

impl CausalLm for Scripted {
    fn vocab_size(&self) -> usize {
        self.vocab_size
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
            let mut row = vec![0.0; self.vocab_size];
            let said = history.stream.len() - history.prompt_len;
            // As models do: behind the end of a text comes another one.
            let next = match history.stream.last() {
                Some(&last) if Some(last) == self.end => last,
                _ => self.answer[said],
            };
            row[next as usize] = 1.0;
            logits.extend(row);
        }
        Ok(())
    }
}

/// A checkpoint of random weights that is configured to chat and to stop as Llama 3.2 is.
pub(crate) fn llama_checkpoint(data: &Path) -> Checkpoint {
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
    crate::technique("cad+greedy")
}

fn problem() -> Problem {
    let prompt = "def add(a, b):\n    \"\"\"Return the sum of a and b.\"\"\"\n";
    Problem::from_prompt("add", prompt).unwrap()
}

/// The one solution.
fn run(model: &LanguageModel, config: &SolveConfig) -> Solution {
    let solver = Solver::new(model, &EngineConfig::default());
    let mut solutions = vec![];
    solve(&cad(), &[problem()], &solver, config, &mut |event| {
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
    let streams_read = streams.clone();
    let scripted =
        Scripted { vocab_size: LLAMA_VOCAB_SIZE, answer: script, end: None, streams: streams_read };
    let mut model = LanguageModel::new("scripted".into(), Arc::new(scripted), tokenizer);
    model.eos = checkpoint.eos_token_ids().to_vec();
    model.chat_template = checkpoint.chat_template().unwrap().map(Arc::new);
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

/// Bytes, a BOS and two ends, and a post-processor that ends every text as for training.
fn ending_tokenizer() -> serde_json::Value {
    use serde_json::json;

    let added = |id: u32, content: &str| {
        json!({"id": id, "content": content, "special": true, "single_word": false,
               "lstrip": false, "rstrip": false, "normalized": false})
    };
    let special = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
    let text = json!({"Sequence": {"id": "A", "type_id": 0}});
    // The printable characters, and those that byte-level BPE writes for a blank and a new line.
    let letters = ('!'..='~').chain(['\u{120}', '\u{10a}']).enumerate();
    let vocab: serde_json::Map<_, _> = letters.map(|(id, c)| (c.into(), json!(id))).collect();
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                       "use_regex": false});
    json!({
        "version": "1.0", "normalizer": null, "pre_tokenizer": level, "decoder": level,
        "added_tokens": [added(96, "<s>"), added(97, "</s>"), added(98, "<|im_end|>")],
        "post_processor": {
            "type": "TemplateProcessing", "single": [special("<s>"), text, special("</s>")],
            "pair": [text, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [96], "tokens": ["<s>"]},
                               "</s>": {"id": "</s>", "ids": [97], "tokens": ["</s>"]}},
        },
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    })
}

/// A directory whose files end every text, and name the end of a turn in the template alone.
fn ending_checkpoint() -> Checkpoint {
    let dir = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let random = root.join("crates/infer-code-cad-checkpoint/tests/fixtures/llama");
    for file in ["config.json", "model.safetensors"] {
        fs::copy(random.join(file), dir.path().join(file)).unwrap();
    }
    let template =
        "{% for m in messages %}{{ m.role }}:\r\n{{ m.content }}<|im_end|>\r\n{% endfor %}";
    let config = serde_json::json!({
        "add_eos_token": true, "eos_token": "</s>", "chat_template": template,
    });
    let files = [("tokenizer.json", ending_tokenizer()), ("tokenizer_config.json", config)];
    for (file, content) in files {
        fs::write(dir.path().join(file), content.to_string()).unwrap();
    }
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    // Read while the directory is there.
    assert!(checkpoint.eos_token_ids().ends_with(&[97, 98]), "{:?}", checkpoint.eos_token_ids());
    let bytes = |file| fs::read(dir.path().join(file)).unwrap();
    Checkpoint::from_bytes(
        &bytes("config.json"),
        bytes("tokenizer.json"),
        vec![bytes("model.safetensors").into()],
    )
    .unwrap()
    .with_tokenizer_config(bytes("tokenizer_config.json"))
}

#[test]
fn a_tokenizer_that_ends_texts_ends_no_prompt_and_the_answer_is_not_empty() {
    let checkpoint = ending_checkpoint();
    let tokenizer = checkpoint.tokenizer().unwrap();
    let said = "def add(a, b):\n    return a + b\n";
    let mut answer = tokenizer.encode_plain(said).unwrap();
    answer.extend([98, 0, 0]);
    let streams = Arc::new(Mutex::new(vec![]));
    let (vocab_size, end) = (checkpoint.config().vocab_size, Some(97));
    let scripted = Scripted { vocab_size, answer, end, streams: streams.clone() };
    let model = LanguageModel::with_model("ends".into(), &checkpoint, Arc::new(scripted)).unwrap();
    for prompt_format in [PromptFormat::default(), PromptFormat::Raw] {
        let chat = prompt_format != PromptFormat::Raw;
        let solution = run(&model, &format(prompt_format.clone()));
        assert_eq!((solution.completion.as_str(), solution.finish), (said, FinishReason::Eos));
        let read = std::mem::take(&mut *streams.lock().unwrap());
        assert_eq!(read.len(), 2, "both streams of context-aware decoding");
        for stream in &read {
            assert_eq!((stream[0], stream.contains(&97)), (96, false));
            assert_eq!(stream.contains(&98), chat, "only where the template writes it");
        }
        // What is scored is what is read.
        let solver = Solver::new(&model, &EngineConfig::default());
        let writer = prompt_format.writer(&solver).unwrap();
        for text in ["", "a b"] {
            let stream = writer.raw(text).unwrap();
            let plain = model.tokenizer.encode_plain(text).unwrap();
            assert_eq!(stream.tokens, [&[96], &plain[..]].concat());
            let whole = 0..text.len();
            let behind_bos = 1..1 + plain.len();
            assert_eq!(writer.spans(&stream, &[whole]).unwrap(), [behind_bos]);
        }
    }
}

/// The embedded model, taken for one that chats.
fn with_template(source: &str) -> LanguageModel {
    let template = ChatTemplate::new("a test", source, [].into()).unwrap();
    let mut model = crate::model();
    model.chat_template = Some(Arc::new(template));
    model
}

fn streams(
    model: &LanguageModel,
    format: &PromptFormat,
    layout: Layout,
) -> Result<Vec<String>, Error> {
    let writer = format.writer(&Solver::new(model, &EngineConfig::default()))?;
    let prompted = PaperPrompter::new(layout).prompts(&[problem()], &writer).remove(0)?;
    Ok(prompted.streams.into_iter().map(|stream| stream.text).collect())
}

fn stream(model: &LanguageModel, format: &PromptFormat) -> Result<String, Error> {
    Ok(streams(model, format, Layout::Plain)?.remove(0))
}

#[test]
fn every_stream_is_one_message_of_a_user() {
    let model = with_template("<{{ messages[0].role }}>{{ messages[0].content }}");
    let both = streams(&model, &PromptFormat::default(), Layout::ContextAndQuestion).unwrap();
    let framed = |text| format!("<user>{text}");
    let expected = [prompts::cad_context(&problem()), prompts::question(&problem())].map(framed);
    assert_eq!(both, expected);
    let raw = stream(&model, &PromptFormat::Raw).unwrap();
    assert_eq!(raw, prompts::vanilla(&problem()));
}

#[test]
fn an_answer_may_be_opened() {
    let model =
        with_template("<{{ messages[0].content }}>{% if add_generation_prompt %}:{% endif %}");
    let solver = Solver::new(&model, &EngineConfig::default());
    let write = |format: PromptFormat| {
        let writer = format.writer(&solver).unwrap();
        writer.chat(&[Message::user("ask")], "def f").unwrap().text
    };
    assert_eq!(write(PromptFormat::default()), "<ask>:def f");
    assert_eq!(write(PromptFormat::Raw), "askdef f");
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
fn what_the_format_comes_to_is_told_apart() {
    let model = with_template("{{ messages[0].content }} {{ date }}");
    let settings = |format: PromptFormat| format.settings(&model).unwrap().to_string();
    // What auto comes to counts, not that it was auto.
    assert_eq!(settings(PromptFormat::default()), "chat");
    assert_eq!(settings(PromptFormat::Chat(Chat::default())), "chat");
    assert_eq!(settings(PromptFormat::Raw), "raw");
    let system = Chat { system: Some("Be brief, please.".into()), ..Chat::default() };
    assert_eq!(settings(PromptFormat::Chat(system)), "chat(system=\"Be brief, please.\")");
    let mut options = ChatOptions::default();
    options.variables.insert("date".into(), "today".into());
    let dated = settings(PromptFormat::Chat(Chat { options, ..Chat::default() }));
    assert!(dated.contains("today"), "{dated}");
}
