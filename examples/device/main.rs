//! Whether a device computes what every backend must, and how fast it reads and writes.
//!
//! `device` runs the suite of the backends' tests on an NVIDIA GPU, on small random weights of every
//! family, compares their logits with the CPU backend's, and times random weights of a shape as
//! `throughput` does. It reads no file, and writes its results after each part.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use infer_code_cad::candle::{CandleModel, DType, Device};
use infer_code_cad::checkpoint::{RandomWeights, TransformerConfig};
use infer_code_cad::engine::CausalLm;
use serde_json::json;

#[allow(dead_code, reason = "throughput uses the rest")]
#[path = "../throughput/case.rs"]
mod case;
mod checks;
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "throughput uses the rest")]
#[path = "../throughput/figures.rs"]
mod figures;
mod gpu;
#[allow(dead_code, reason = "throughput uses the rest")]
#[path = "../throughput/measure.rs"]
mod measure;
mod record;
#[allow(clippy::unwrap_used, reason = "a check fails by panicking, and the record says so")]
#[path = "../../crates/infer-code-cad-candle/tests/backends/suite.rs"]
mod suite;

use record::Record;

/// Runs the backends' suite on a device, then times decoding.
#[derive(Parser)]
struct Args {
    /// cpu, cuda, cuda:1 or metal; the GPUs need the feature of the same name.
    #[arg(long, default_value = "cuda")]
    device: Device,
    /// Random weights of this shape are timed, as in `throughput`; `small` is a tiny one.
    #[arg(long, default_value = "llama-3.2-1b")]
    shape: String,
    /// The element type that is timed: f32, f16 or bf16.
    #[arg(long, default_value = "bf16")]
    dtype: DType,
    #[command(flatten)]
    workload: measure::Workload,
    /// Where the results go, as JSON.
    #[arg(long, default_value = "device.json")]
    out: PathBuf,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let config = match args.shape.as_str() {
        "small" => Some(checks::small("llama-3.2-1b")?),
        shape => TransformerConfig::named(shape),
    };
    let config = config.ok_or_else(|| format!("no shape {}", args.shape))?;
    let mut record = Record::new(&args.out, gpu::head(args.device));
    // Without a device there is nothing to go on with.
    record.needed("open", || checks::open(args.device))?;
    checks::agree(args.device, &mut record)?;
    time(args, &config, &mut record)?;
    record.set("memory", gpu::memory(args.device));
    checks::suites(args.device, &mut record)?;
    record.outcome()
}

/// Times every number of samples by itself, so that one that fails leaves the others.
fn time(
    args: &Args,
    config: &TransformerConfig,
    record: &mut Record<'_>,
) -> Result<(), common::Failure> {
    let (seed, mut made) = (args.workload.seed, None);
    let name = format!("{} {} weights", args.shape, args.dtype);
    record.part(&name, || {
        let weights = RandomWeights { seed };
        let model = CandleModel::from_tensors(config, &weights, args.device, args.dtype)?;
        let bytes = json!({ "bytes": model.weight_bytes() });
        made = Some(Arc::new(model) as Arc<dyn CausalLm>);
        Ok(bytes)
    })?;
    let Some(model) = made else { return Ok(()) };
    for &samples in &args.workload.samples {
        let workload = measure::Workload { samples: vec![samples], ..args.workload.clone() };
        record.part(&format!("{} {} {samples} samples", args.shape, args.dtype), || {
            let timings = workload.measure(&model)?;
            Ok(figures::Figures { workload: &workload, timings }.json())
        })?;
    }
    Ok(())
}
