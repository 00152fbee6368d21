//! Flags, progress and the exit code that the examples share.

#![allow(dead_code, unused_imports, reason = "each example uses its part")]

use std::fmt;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infer_code_cad::{Progress, SolveEvent, Summary, table};

mod benchmark;
mod documents;
mod drawing;
mod embedder;
mod extraction;
mod judge;
mod model;
mod passages;
mod sampling;
mod settings;
mod shard;
mod technique;

pub(crate) use benchmark::{BenchmarkArgs, humaneval, mbpp};
pub(crate) use documents::{DocumentArgs, IndexBar};
pub(crate) use drawing::DrawingArgs;
pub(crate) use embedder::EmbedderArgs;
pub(crate) use extraction::ExtractionArgs;
pub(crate) use judge::{IsolationArgs, JudgeArgs};
pub(crate) use model::{HoldingArgs, ModelArgs, SourceArgs};
pub(crate) use passages::PassageArgs;
pub(crate) use sampling::SamplingArgs;
pub(crate) use settings::SettingArgs;
pub(crate) use shard::ShardArgs;
pub(crate) use technique::{TechniqueArgs, list_techniques};

/// Flags of `evaluate` that mean something only where drafts are written.
#[rustfmt::skip]
pub(crate) const WRITING: [&str; 35] = [
    "technique", "list_techniques", "preset", "temperature", "top_p", "top_k", "min_p", "alpha", "plausibility", "n_passages", "gate",
    "passages", "index", "retrieved", "embedder", "embedder_weights", "embedder_threads", "similarity",
    "prompt_format", "system", "model", "weights", "kv", "threads", "device", "n", "max_new_tokens", "max_rows",
    "stop", "seed", "drafts", "judge_after", "as_is", "align", "shard",
];

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

/// Prints the figures of a run.
pub(crate) fn print(summary: &Summary, json: bool) -> Result<(), Failure> {
    if json {
        println!("{}", serde_json::to_string(summary)?);
    } else {
        print!("{}", table(std::slice::from_ref(summary)));
    }
    Ok(())
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

/// A bar on standard error that counts judged samples.
pub(crate) struct Bar {
    bar: ProgressBar,
    drafts: usize,
    known: usize,
}

/// Starts a bar for `samples` samples; hidden when standard error is not a terminal.
pub(crate) fn progress(title: &str, samples: usize) -> Bar {
    let bar = ProgressBar::with_draw_target(Some(samples as u64), ProgressDrawTarget::stderr());
    let style = "{prefix:<10} {wide_bar} {msg} {pos}/{len} samples, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()));
    bar.set_prefix(title.to_owned());
    Bar { bar, drafts: 0, known: 0 }
}

impl Bar {
    /// Counts a judged sample and tells what failed; breaks after Ctrl-C.
    pub(crate) fn show(&mut self, event: &Progress<'_>) -> ControlFlow<()> {
        match event {
            Progress::Resumed { judged, of } => {
                self.notice(&format!("resuming: {judged} of {of} samples are judged"));
                self.bar.set_position(*judged as u64);
                self.bar.reset_eta();
            }
            Progress::Judged { .. } => self.bar.inc(1),
            Progress::Failed { record, .. } => {
                let sample =
                    record.sample.map_or(String::new(), |sample| format!(" sample {sample}"));
                self.notice(&format!("{}{sample} failed: {}", record.task_id, record.reason));
            }
            Progress::Writing(SolveEvent::Drafted { known, .. }) => {
                self.drafts += 1;
                self.known += usize::from(*known);
                self.bar.set_message(format!("{} drafts,", self.drafts));
            }
            Progress::Writing(event) => notice(event),
            _ => {}
        }
        interrupted()
    }

    /// Removes the bar, and tells how many drafts were not drawn.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
        if self.known > 0 {
            self.notice(&format!("{} of {} drafts were known", self.known, self.drafts));
        }
    }

    fn notice(&self, text: &str) {
        self.bar.suspend(|| eprintln!("notice: {text}"));
    }
}
