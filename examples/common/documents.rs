//! Flags that choose what goes into an index, and how far it is.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{FormattedDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use infer_code_cad::retrieval::{
    DevDocs, Folder, IndexProgress, JsonLines, PythonEnvironment, Source, SourceSummary, SphinxSite,
};

use super::interrupted;

/// Where documents are from; all of them may be given several times.
#[derive(Args)]
pub(crate) struct DocumentArgs {
    /// The packages that are installed for a Python interpreter.
    #[arg(long, value_name = "INTERPRETER", num_args = 0..=1, default_missing_value = "python3")]
    python: Option<PathBuf>,
    /// Of these packages alone, separated by commas; python is the standard library.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "python")]
    packages: Vec<String>,
    /// A folder of Markdown, reStructuredText, text, notebooks and Python sources.
    #[arg(long, value_name = "DIR")]
    folder: Vec<PathBuf>,
    /// A folder of HTML by Sphinx, with its objects.inv.
    #[arg(long, value_name = "DIR")]
    sphinx: Vec<PathBuf>,
    /// A folder of devdocs, with its index.json and db.json.
    #[arg(long, value_name = "DIR")]
    devdocs: Vec<PathBuf>,
    /// JSON lines {id, title, text} or {doc_id, doc_content}, also gzip-compressed.
    #[arg(long, value_name = "FILE")]
    jsonl: Vec<PathBuf>,
    /// The same in parquet.
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "FILE")]
    parquet: Vec<PathBuf>,
}

impl DocumentArgs {
    /// The sources, in the order of the flags above.
    pub(crate) fn open(&self) -> Vec<Box<dyn Source>> {
        let python = self.python.iter().map(|interpreter| {
            let mut environment = PythonEnvironment::new(interpreter);
            environment.packages.clone_from(&self.packages);
            Box::new(environment) as Box<dyn Source>
        });
        let mut sources: Vec<_> = python.collect();
        sources.extend(self.folder.iter().map(|path| Box::new(Folder::new(path)) as _));
        sources.extend(self.sphinx.iter().map(|path| Box::new(SphinxSite::new(path)) as _));
        sources.extend(self.devdocs.iter().map(|path| Box::new(DevDocs::new(path)) as _));
        sources.extend(self.jsonl.iter().map(|path| Box::new(JsonLines::new(path)) as _));
        #[cfg(feature = "parquet")]
        sources.extend(
            self.parquet
                .iter()
                .map(|path| Box::new(infer_code_cad::retrieval::ParquetFile::new(path)) as _),
        );
        sources
    }
}

/// Between two lines where there is no terminal for a bar, as in a log.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// A bar on standard error: documents read, then tokens embedded.
pub(crate) struct IndexBar {
    bar: ProgressBar,
    told: Cell<Instant>,
}

impl IndexBar {
    /// A bar, or where standard error is not a terminal a line now and then.
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self { bar, told: Cell::new(Instant::now()) }
    }

    /// Shows what a source has given.
    pub(crate) fn read(&self, source: &SourceSummary) {
        self.style("{spinner} {msg}");
        let SourceSummary { source, documents, passages, .. } = source;
        self.tell(format!("{source}: {documents} documents, {passages} passages"));
        self.bar.tick();
    }

    /// Shows how far embedding is; breaks after Ctrl-C.
    pub(crate) fn embedded(&self, progress: &IndexProgress) -> ControlFlow<()> {
        self.style("{wide_bar} {percent}% {msg}");
        self.bar.set_length(progress.total_tokens);
        self.bar.set_position(progress.done_tokens);
        let IndexProgress { done_passages, total_passages, .. } = progress;
        let rate = progress.tokens_per_second().unwrap_or_default();
        let left = match progress.remaining() {
            Some(left) => format!("{} left", FormattedDuration(left)),
            None => "starting".to_owned(),
        };
        self.tell(format!(
            "{done_passages}/{total_passages} texts embedded, {rate:.0} tokens/s, {left}"
        ));
        interrupted()
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn tell(&self, message: String) {
        if self.bar.is_hidden() && self.told.get().elapsed() >= BETWEEN_LINES {
            self.told.set(Instant::now());
            eprintln!("{message}");
        }
        self.bar.set_message(message);
    }

    fn style(&self, template: &str) {
        self.bar.set_style(
            ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()),
        );
    }
}
