//! Flags, progress and the exit code that the examples share.

#![allow(dead_code, reason = "each example uses its part")]

use std::fmt;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infer_code_cad::metrics::available_bytes;
use infer_code_cad::models::{
    Checkpoint, DType, Device, KvFormat, ModelError, NativeOptions, Pool, Transformer, WeightFormat,
};
use infer_code_cad::retrieval::{Bm25Config, Bm25Index, Retriever, parse_passages};
use infer_code_cad::tasks::{MbppSplit, Problem, load_humaneval, load_mbpp};
use infer_code_cad::{
    Chat, Error, LanguageModel, PaperTechnique, Progress, PromptFormat, Settings, SolveEvent,
    Technique, embedded, hub,
};

/// What ends an example early: shown on one line, without a backtrace.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl<E: Into<Box<dyn std::error::Error>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into().to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Prints the error of a failed run, and turns the outcome into an exit code.
pub(crate) fn exit<E: fmt::Display>(outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line; where nobody reads any more, as in `| head`, it ends the program in silence.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// Parses a count of at least one.
pub(crate) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number of at least 1".to_owned()),
        Ok(count) => Ok(count),
    }
}

/// Breaks once Ctrl-C was pressed; the first call installs the handler. Pressed again, while nobody
/// asks, it ends the process.
pub(crate) fn interrupted() -> ControlFlow<()> {
    static PRESSED: AtomicBool = AtomicBool::new(false);
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // Without a handler Ctrl-C still ends the process; finished problems are on disk then.
        let _ = ctrlc::set_handler(|| {
            if PRESSED.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
    });
    if PRESSED.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Tells on standard error what a user should know of an event.
pub(crate) fn notice(event: &SolveEvent<'_>) {
    if let SolveEvent::RowsLowered { from, to, stream_bytes, available_bytes } = event {
        eprintln!(
            "notice: {to} rows at once instead of {from}: each may take {} MB of the {} MB there are",
            stream_bytes >> 20,
            available_bytes >> 20,
        );
    }
}

/// Where a model comes from.
#[derive(Args)]
pub(crate) struct SourceArgs {
    /// A directory, a .gguf file, org/name[@revision] on the Hugging Face hub or a short name such
    /// as qwen2.5-coder-0.5b; without it the embedded demonstration model.
    #[arg(long)]
    model: Option<String>,
}

/// Which model to run, and how.
#[derive(Args)]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Element type of the weights; without it they stay as they are in the files (on a GPU: f32).
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DTypeArg>,
    /// Holds the weights on the CPU in this format instead.
    #[arg(long, value_enum, conflicts_with = "dtype")]
    pub(crate) weights: Option<WeightsArg>,
    /// Holds the keys and values on the CPU so; without it in f16, with f32 weights in f32.
    #[arg(long, value_enum)]
    kv: Option<KvArg>,
    /// Threads that compute on the CPU; without it as many as it has.
    #[arg(long, value_parser = positive)]
    threads: Option<usize>,
    /// cpu, cuda, cuda:1 or metal; the GPUs need the feature of the same name.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: Device,
}

/// Element types by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DTypeArg {
    /// Single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// Brain floating point.
    Bf16,
}

/// Formats of keys and values by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KvArg {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
}

/// Weight formats by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WeightsArg {
    /// As in the file.
    Stored,
    /// bfloat16.
    Bf16,
    /// 8.5 bits per weight.
    #[value(name = "q8_0")]
    Q8,
    /// 4.5 bits per weight.
    #[value(name = "q4_0")]
    Q4,
    /// 4.5 bits per weight, with minimums.
    #[value(name = "q4_k")]
    Q4K,
    /// 6.6 bits per weight.
    #[value(name = "q6_k")]
    Q6K,
}

impl ModelArgs {
    /// Loads the model.
    pub(crate) fn open(&self) -> Result<LanguageModel, Error> {
        let checkpoint = self.source.checkpoint()?;
        LanguageModel::from_checkpoint(
            self.source.to_string(),
            &checkpoint,
            self.load(&checkpoint)?,
        )
    }

    /// Loads the weights as asked for.
    pub(crate) fn load(&self, checkpoint: &Checkpoint) -> Result<Transformer, ModelError> {
        if self.device != Device::Cpu {
            let dtype = self.dtype.map_or(DType::F32, DTypeArg::dtype);
            return checkpoint.load_on(self.device, dtype);
        }
        let options = self.options();
        if let Some(available) = available_bytes() {
            checkpoint.check_memory(options.weights, available)?;
        }
        checkpoint.load_native(&options)
    }

    /// How to hold the model on a CPU.
    pub(crate) fn options(&self) -> NativeOptions {
        NativeOptions {
            weights: self.format().unwrap_or(WeightFormat::Stored),
            kv: self.kv.map(|kv| match kv {
                KvArg::F16 => KvFormat::F16,
                KvArg::F32 => KvFormat::F32,
            }),
            pool: Arc::new(self.threads.map_or_else(Pool::all_threads, Pool::new)),
        }
    }

    /// The weight format asked for.
    pub(crate) fn format(&self) -> Option<WeightFormat> {
        let of_dtype = self.dtype.map(|dtype| dtype.dtype().into());
        self.weights.map(WeightsArg::format).or(of_dtype)
    }
}

impl DTypeArg {
    fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

impl WeightsArg {
    fn format(self) -> WeightFormat {
        match self {
            Self::Stored => WeightFormat::Stored,
            Self::Bf16 => WeightFormat::Bf16,
            Self::Q8 => WeightFormat::Q8_0,
            Self::Q4 => WeightFormat::Q4_0,
            Self::Q4K => WeightFormat::Q4_K,
            Self::Q6K => WeightFormat::Q6_K,
        }
    }
}

impl fmt::Display for ModelArgs {
    /// What two runs must have in common to be one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, dtype, weights, kv, device, .. } = self;
        write!(f, "{source} {dtype:?} {weights:?} {kv:?} {device}")
    }
}

impl SourceArgs {
    /// The files of the model.
    pub(crate) fn checkpoint(&self) -> Result<Checkpoint, Error> {
        match &self.model {
            None => embedded::checkpoint(),
            Some(spec) => Ok(Checkpoint::open(&download(spec)?)?),
        }
    }
}

impl fmt::Display for SourceArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            None => f.write_str("tiny"),
            Some(spec) => f.write_str(spec),
        }
    }
}

/// The directory or file of a model, with a bar on standard error while it is downloaded.
fn download(spec: &str) -> Result<PathBuf, Error> {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
    let style = "{prefix} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()));
    let path = hub::resolve(spec, &mut |progress| {
        if bar.is_hidden() && progress.bytes < progress.total {
            // What an earlier run fetched says nothing about the speed of this one.
            bar.set_position(progress.bytes);
            bar.reset_eta();
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_length(progress.total);
        bar.set_prefix(progress.file.to_owned());
        bar.set_position(progress.bytes);
        interrupted()
    });
    bar.finish_and_clear();
    path
}

/// Which problems to solve.
#[derive(Args)]
pub(crate) struct BenchmarkArgs {
    /// The problem set.
    #[arg(long, value_enum, default_value = "tiny")]
    pub(crate) benchmark: Benchmark,
    /// Its file, `.jsonl` or `.jsonl.gz`; the embedded set needs none.
    #[arg(long, required_if_eq_any([("benchmark", "humaneval"), ("benchmark", "mbpp")]))]
    pub(crate) data: Option<PathBuf>,
    /// Which part of MBPP.
    #[arg(long, value_enum, default_value = "test")]
    pub(crate) split: Split,
}

/// Problem sets by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Benchmark {
    /// HumanEval, 164 problems.
    Humaneval,
    /// MBPP, 974 problems in four splits.
    Mbpp,
    /// The embedded problems.
    Tiny,
}

/// Parts of MBPP by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Split {
    /// Tasks 1 to 10.
    Prompt,
    /// Tasks 11 to 510.
    Test,
    /// Tasks 511 to 600.
    Validation,
    /// Tasks 601 to 974.
    Train,
    /// All of them.
    All,
}

impl BenchmarkArgs {
    /// Whether these are the problems that the embedded passages were written for.
    pub(crate) fn is_embedded(&self) -> bool {
        self.benchmark == Benchmark::Tiny
    }

    /// Reads the problems.
    pub(crate) fn load(&self) -> Result<Vec<Problem>, Failure> {
        let split = match self.split {
            Split::Prompt => MbppSplit::Prompt,
            Split::Test => MbppSplit::Test,
            Split::Validation => MbppSplit::Validation,
            Split::Train => MbppSplit::Train,
            Split::All => MbppSplit::All,
        };
        let path = self.data.as_deref().unwrap_or(Path::new(""));
        Ok(match self.benchmark {
            Benchmark::Humaneval => load_humaneval(path)?,
            Benchmark::Mbpp => load_mbpp(path, split)?,
            Benchmark::Tiny => embedded::problems()?,
        })
    }
}

impl fmt::Display for BenchmarkArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.benchmark {
            Benchmark::Mbpp => write!(f, "mbpp {:?}", self.split),
            other => write!(f, "{other:?}"),
        }
    }
}

/// Which technique to run.
#[derive(Args)]
pub(crate) struct TechniqueArgs {
    /// vanilla, cad, rag, cad+rag, sc or cot.
    #[arg(long, default_value = "vanilla")]
    pub(crate) technique: PaperTechnique,
    /// Strength of the contrast in cad and cad+rag.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) alpha: f32,
    /// Passages for rag, one `{"id", "title", "text"}` per line; without it the embedded ones.
    #[arg(long)]
    pub(crate) passages: Option<PathBuf>,
    /// How prompts are put to the model; auto is chat where the model has a chat template.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) prompt_format: PromptFormatArg,
    /// A system message, for a chat.
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
}

/// Prompt formats by name.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum PromptFormatArg {
    /// Chat where the model has a chat template, else raw.
    Auto,
    /// The prompt as it is, as in the paper's Table 4.
    Raw,
    /// The prompt as the message of a user.
    Chat,
}

impl TechniqueArgs {
    /// How to put prompts to the model.
    pub(crate) fn prompt_format(&self) -> Result<PromptFormat, Failure> {
        let chat = Chat { system: self.system.clone(), ..Chat::default() };
        match (self.prompt_format, &self.system) {
            (PromptFormatArg::Auto, _) => Ok(PromptFormat::Auto(chat)),
            (PromptFormatArg::Chat, _) => Ok(PromptFormat::Chat(chat)),
            (PromptFormatArg::Raw, None) => Ok(PromptFormat::Raw),
            (PromptFormatArg::Raw, Some(_)) => {
                Err("a raw prompt has no system message; leave out --system".into())
            }
        }
    }

    /// The technique with the paper's settings and what was asked for. The embedded passages
    /// stand in for missing ones only where `embedded_passages` says that they fit the problems.
    pub(crate) fn build(&self, embedded_passages: bool) -> Result<Technique, Failure> {
        let retriever: Option<Arc<dyn Retriever>> = match &self.passages {
            None if embedded_passages => Some(embedded::retriever()?),
            None => None,
            Some(path) => {
                let named = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
                let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
                let passages = parse_passages(&text).map_err(|error| named(&error))?;
                Some(Arc::new(Bm25Index::new(passages, Bm25Config::default())?))
            }
        };
        let settings = Settings { alpha: self.alpha, retriever, ..Settings::default() };
        Ok(self.technique.build(&settings)?)
    }
}

/// A bar on standard error that counts judged samples.
pub(crate) struct Bar(ProgressBar);

/// Starts a bar for `samples` samples; hidden when standard error is not a terminal.
pub(crate) fn progress(title: &str, samples: usize) -> Bar {
    let bar = ProgressBar::with_draw_target(Some(samples as u64), ProgressDrawTarget::stderr());
    let style = "{prefix:<10} {wide_bar} {pos}/{len} samples, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()));
    bar.set_prefix(title.to_owned());
    Bar(bar)
}

impl Bar {
    /// Counts a judged sample; breaks after Ctrl-C.
    pub(crate) fn show(&self, event: &Progress<'_>) -> ControlFlow<()> {
        match event {
            Progress::Judged { .. } => self.0.inc(1),
            Progress::Writing(event) => notice(event),
            _ => {}
        }
        interrupted()
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
