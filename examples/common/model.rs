//! Flags that choose a model.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infer_code_cad::checkpoint::Checkpoint;
use infer_code_cad::hub::DownloadCallback;
use infer_code_cad::native::{Format, Isa, KvFormat};
use infer_code_cad::{Device, Error, LanguageModel, LoadOptions, embedded, hub};

use super::{interrupted, positive};

/// Where a model comes from.
#[derive(Args)]
pub(crate) struct SourceArgs {
    /// A directory, a .gguf file, org/name[@revision] on the Hugging Face hub or a short name such
    /// as qwen2.5-coder-0.5b or smollm2-135m; without it the embedded demonstration model.
    #[arg(long)]
    model: Option<String>,
}

/// Which model to run, and how.
#[derive(Args)]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    holding: HoldingArgs,
}

/// How a model is held, and where it runs.
#[derive(Args)]
pub(crate) struct HoldingArgs {
    /// Holds the weights in this format (f32, f16, bf16, q8_0, q6_k, q5_k, q5_1, q5_0, q4_k, q4_1, q4_0); without it they stay
    /// as they are in the files (on a GPU: f32).
    #[arg(long, alias = "dtype", value_parser = weights)]
    weights: Option<Weights>,
    /// Holds the keys and values on the CPU in f32, f16 or int8; without it in int8, with weights
    /// in f16 or bf16 in f16, in f32 in f32.
    #[arg(long)]
    kv: Option<KvFormat>,
    /// Threads that compute on the CPU; without it as many as it has.
    #[arg(long, value_parser = positive)]
    threads: Option<usize>,
    /// Instruction set of the CPU's products: avx512vnni, avxvnni, avx2, neondot, neon or scalar; without it the best that
    /// it has. Tokens are the same with each.
    #[arg(long, value_name = "NAME")]
    isa: Option<Isa>,
    /// cpu, cuda, cuda:1 or metal; the GPUs need the feature of the same name.
    #[arg(long, default_value_t = Device::best())]
    device: Device,
}

/// A format, or the file's.
type Weights = Option<Format>;

fn weights(name: &str) -> Result<Weights, String> {
    match name {
        "stored" => Ok(None),
        name => name.parse().map(Some).map_err(|error| format!("{error}")),
    }
}

impl ModelArgs {
    /// Loads the model.
    pub(crate) fn open(&self) -> Result<LanguageModel, Error> {
        self.holding.open(self.source.model.as_deref())
    }

    /// How to hold the model.
    pub(crate) fn options(&self) -> LoadOptions {
        self.holding.options()
    }
}

impl HoldingArgs {
    /// Loads a model, or the embedded one.
    pub(crate) fn open(&self, spec: Option<&str>) -> Result<LanguageModel, Error> {
        let Some(spec) = spec else {
            return LanguageModel::from_checkpoint(
                "tiny".to_owned(),
                &embedded::checkpoint()?,
                &self.options(),
            );
        };
        let mut model = LanguageModel::open(&download(spec)?, &self.options())?;
        model.name = spec.to_owned();
        Ok(model)
    }

    fn options(&self) -> LoadOptions {
        LoadOptions {
            weights: self.weights.flatten(),
            kv: self.kv,
            threads: self.threads,
            isa: self.isa,
            device: self.device,
        }
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
pub(super) fn download(spec: &str) -> Result<PathBuf, Error> {
    downloading(|progress| hub::resolve(spec, progress))
}

/// Shows a bar on standard error while something is downloaded.
pub(super) fn downloading<T>(
    fetch: impl FnOnce(&mut DownloadCallback<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
    let style = "{prefix} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()));
    let fetched = fetch(&mut |progress| {
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
    fetched
}
