//! What HumanEval's own solutions come to when a model writes them under each preset: whatever they lose, the
//! pipeline loses for everybody.
//!
//! The numbers were first measured by running the public code's string operations on the solutions.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use infer_code_cad::checkpoint::Tokenizer;
use infer_code_cad::decode::TokenId;
use infer_code_cad::engine::{CausalLm, EngineConfig, EngineError, KvCache, LogitRows, Step};
use infer_code_cad::sandbox::{Judge, Limits, Sandbox, SandboxConfig, Submission, Verdict};
use infer_code_cad::tasks::{StopPreset, Task, load_humaneval};
use infer_code_cad::{
    LanguageModel, Preset, Recipe, SolveConfig, SolveEvent, Solver, Supplies, prepare,
    solve_prepared,
};

/// Llama 3's `<|eot_id|>`.
const END: TokenId = 128_009;
const VOCAB_SIZE: usize = 128_256;

type Scripts = Arc<Mutex<HashMap<Vec<TokenId>, Arc<Vec<TokenId>>>>>;

/// Answers each stream that it knows with its script, and is as good as certain of it.
#[derive(Debug)]
struct Reciter {
    scripts: Scripts,
}

#[derive(Debug, Clone, Default)]
struct Reading {
    stream: Vec<TokenId>,
    script: Option<(usize, Arc<Vec<TokenId>>)>,
}

impl KvCache for Reading {
    fn len(&self) -> usize {
        self.stream.len()
    }

    fn fork(&self) -> Box<dyn KvCache> {
        Box::new(self.clone())
    }

    fn truncate(&mut self, len: usize) {
        self.stream.truncate(len);
        self.script = self.script.take().filter(|(prompt, _)| *prompt <= len);
    }
}

impl CausalLm for Reciter {
    fn vocab_size(&self) -> usize {
        VOCAB_SIZE
    }

    fn max_positions(&self) -> usize {
        8192
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        Box::<Reading>::default()
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        logits.clear();
        for step in batch {
            let reading: &mut Reading = (&mut *step.cache as &mut dyn Any).downcast_mut().unwrap();
            reading.stream.extend_from_slice(step.tokens);
            if step.logits != LogitRows::Last {
                continue;
            }
            if reading.script.is_none() {
                let script = self.scripts.lock().unwrap()[&reading.stream].clone();
                reading.script = Some((reading.stream.len(), script));
            }
            let (prompt, script) = reading.script.as_ref().unwrap();
            let next = script.get(reading.stream.len() - prompt).copied().unwrap_or(END);
            let row = logits.len();
            logits.resize(row + VOCAB_SIZE, 0.0);
            logits[row + next as usize] = 1_000.0;
        }
        Ok(())
    }
}

/// A language model with Llama 3's tokenizer and template.
struct Llama {
    model: LanguageModel,
    scripts: Scripts,
    tasks: Vec<Task>,
    sandbox: Sandbox,
}

impl Llama {
    fn new() -> Option<Self> {
        let files = crate::data("llama-3.2-1b-instruct/tokenizer.json")?;
        let tasks = load_humaneval(&crate::data("HumanEval.jsonl.gz")?).unwrap();
        let tokenizer = Tokenizer::from_bytes(&fs::read(&files).unwrap()).unwrap();
        let scripts = Scripts::default();
        let reciter = Reciter { scripts: scripts.clone() };
        let mut model = LanguageModel::new("reciter".into(), Arc::new(reciter), tokenizer);
        model.eos = vec![END];
        let checkpoint = crate::chat::llama_checkpoint(files.parent().unwrap());
        model.chat_template = checkpoint.chat_template().unwrap().map(Arc::new);
        let sandbox = Sandbox::start(&SandboxConfig::default()).unwrap();
        Some(Self { model, scripts, tasks, sandbox })
    }

    /// The tasks whose reference solution fails, written as `write` says, drawn and cut as the preset says.
    fn failing(
        &self,
        preset: &str,
        technique: &str,
        write: fn(&Task) -> String,
    ) -> BTreeSet<usize> {
        let run = Run::new(preset, technique, &self.tasks);
        self.judged(&run.tasks, &self.expected(&run, &self.tasks, write))
    }

    /// The programs in what is left of the texts.
    fn expected(&self, run: &Run, tasks: &[Task], write: fn(&Task) -> String) -> Vec<String> {
        let program = |(task, put): (&Task, &Task)| {
            let text = self.until_stop(write(task), &run.config);
            run.config.text_defects.program(run.config.extraction, &put.problem, &text)
        };
        tasks.iter().zip(&run.tasks).map(program).collect()
    }

    /// What is left of a text that ends at a stop token. [`Llama::drawn`] shows that the engine does the same.
    fn until_stop(&self, text: String, config: &SolveConfig) -> String {
        assert!(config.stop.is_empty(), "no preset has stop strings");
        let tokenizer = &self.model.tokenizer;
        let ends = config.stop_tokens.iter().map(|stop| tokenizer.encode_plain(stop).unwrap());
        let ends: Vec<TokenId> = ends.flatten().collect();
        let tokens = tokenizer.encode_plain(&text).unwrap();
        match tokens.iter().position(|token| ends.contains(token)) {
            None => text,
            Some(at) => tokenizer.decode(&tokens[..at]),
        }
    }

    /// The programs of some tasks as they come out of prompts, engine and extraction.
    /// Limits of length are lifted: they are the budget's, not the pipeline's.
    fn drawn(&self, run: &Run, tasks: &[Task], write: fn(&Task) -> String) -> Vec<String> {
        let technique = run.recipe.build(&Supplies::default()).unwrap();
        let config = SolveConfig { n_samples: 1, max_length: None, ..run.config.clone() };
        let problems: Vec<_> = run.tasks.iter().map(|task| task.problem.clone()).collect();
        let solver = Solver::new(&self.model, &EngineConfig::default());
        let prepared = prepare(&technique, &problems, &solver, &config).unwrap();
        for (prompted, task) in prepared.prompts.iter().zip(tasks) {
            let script = Arc::new(self.model.tokenizer.encode_plain(&write(task)).unwrap());
            for stream in &prompted.as_ref().unwrap().streams {
                self.scripts.lock().unwrap().insert(stream.tokens.clone(), script.clone());
            }
        }
        let mut programs = vec![String::new(); tasks.len()];
        solve_prepared(&technique, &problems, &prepared, &solver, &config, &mut |event| {
            match event {
                SolveEvent::Solution { problem, solution, .. } => {
                    programs[problem] = solution.program;
                }
                SolveEvent::Failed { reason, .. } => panic!("{reason}"),
                _ => {}
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        programs
    }

    /// The numbers of the tasks whose program fails.
    fn judged(&self, tasks: &[Task], programs: &[String]) -> BTreeSet<usize> {
        let (next, failing) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
        let judge = || {
            while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                let number: usize = task.problem.task_id["HumanEval/".len()..].parse().unwrap();
                let tests = infer_code_cad::task_tests(task);
                let submission = Submission::new(&programs[number], &tests);
                let report = self.sandbox.judge(&submission, &Limits::default()).unwrap();
                if report.verdict != Verdict::Passed {
                    failing.lock().unwrap().insert(number);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.sandbox.workers() {
                scope.spawn(judge);
            }
        });
        failing.into_inner().unwrap()
    }
}

/// A technique as a preset fills it in.
struct Run {
    recipe: Recipe,
    config: SolveConfig,
    tasks: Vec<Task>,
}

impl Run {
    fn new(preset: &str, technique: &str, tasks: &[Task]) -> Self {
        let preset: Preset = preset.parse().unwrap();
        let recipe = Recipe::under(&preset, technique, &[]).unwrap();
        let (config, tasks) = (preset.config(&recipe), preset.tasks(&recipe, tasks.to_vec()));
        Self { recipe, config, tasks }
    }
}

/// What goes on behind the docstring.
fn body(task: &Task) -> String {
    task.hidden.reference.clone().unwrap()
}

/// What goes on behind the signature.
fn body_behind_signature(task: &Task) -> String {
    format!("\n{}", body(task))
}

/// What a model that chats says.
fn module_in_a_fence(task: &Task) -> String {
    let module = task.canonical_program().unwrap();
    format!("Here is the function:\n\n```python\n{}\n```\n\nIt passes.", module.trim())
}

/// The same up to the stop strings of the public code's name, which stand in more places than its tokens.
fn until_stop_strings(task: &Task) -> String {
    let body = body(task);
    let ends = StopPreset::PaperCode.strings().iter().filter_map(|stop| body.find(stop));
    let end = ends.min().unwrap_or(body.len());
    body[..end].to_owned()
}

const STOPPED_TOKENS: usize = 22;
const STOPPED_STRINGS: usize = 34;
const LEADING_SPACE: usize = 22;
const CLEAN_UP: [usize; 4] = [15, 19, 86, 91];
const HELPER_FIRST: [usize; 5] = [10, 32, 38, 50, 64];

#[test]
fn canonical_solutions_under_each_preset() {
    let Some(llama) = Llama::new() else { return };
    let passing = |preset, technique, write| 164 - llama.failing(preset, technique, write).len();

    for technique in ["vanilla", "rag", "cad", "control"] {
        for write in [body, module_in_a_fence] {
            assert_eq!(passing("default", technique, write), 164, "{technique}");
        }
    }
    assert_eq!(passing("paper", "vanilla", body), 164);
    assert_eq!(passing("paper", "cad", body_behind_signature), 164);
    assert_eq!(passing("default+leading-space", "vanilla", body), 164, "extraction sets it right");

    for technique in ["vanilla", "rag"] {
        assert_eq!(passing("paper-code", technique, body), 139, "{technique}");
    }
    assert_eq!(passing("paper-code+no-clean-up", "vanilla", body), 164 - LEADING_SPACE);
    let unspaced = llama.failing("paper-code+no-leading-space", "vanilla", body);
    assert_eq!(unspaced, BTreeSet::from(CLEAN_UP), "160 pass");
    assert_eq!(passing("default+as-is+leading-space", "vanilla", body), 164 - LEADING_SPACE);
    assert_eq!(llama.failing("default+as-is+clean-up", "vanilla", body), BTreeSet::from(CLEAN_UP));

    let unstopped = llama.failing("paper-code+no-cad-stop", "cad", body_behind_signature);
    let expected: BTreeSet<_> = CLEAN_UP.into_iter().chain(HELPER_FIRST).collect();
    assert_eq!(unstopped, expected, "155 pass");
    assert_eq!(passing("paper-code", "cad", body_behind_signature), 133);
    assert_eq!(passing("default+cad-stop", "cad", body), 164 - STOPPED_TOKENS);
    assert_eq!(passing("default", "vanilla", until_stop_strings), 164 - STOPPED_STRINGS);
}

#[test]
fn the_engine_draws_what_the_golden_numbers_are_of() {
    let Some(llama) = Llama::new() else { return };
    let some: Vec<Task> = llama.tasks.iter().step_by(11).cloned().collect();
    for (preset, technique, write) in [
        ("default", "cad+greedy", body as fn(&Task) -> String),
        ("paper-code", "greedy", body),
        ("paper-code", "cad+greedy", body_behind_signature),
    ] {
        let mut run = Run::new(preset, technique, &some);
        run.config.max_new_tokens = 2_048;
        let expected = llama.expected(&run, &some, write);
        assert_eq!(llama.drawn(&run, &some, write), expected, "{preset}");
    }
}
