//! How fast a model loads, reads and writes, what a second stream and more samples cost, and what
//! memory it takes.
//!
//! `throughput --model DIR|FILE` measures a checkpoint, `throughput --shape llama-3.2-1b --weights
//! q8_0` random weights of that shape; token ids are random as well, so no tokenizer is needed.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use infer_code_cad::checkpoint::TransformerConfig;
use infer_code_cad::engine::CausalLm;
use infer_code_cad::metrics::peak_resident_bytes;
use infer_code_cad::native::{NativeModel, NativeOptions};

mod case;
#[path = "../common/mod.rs"]
mod common;
mod figures;
mod measure;
mod profile;
mod report;
mod table;

/// Measures load time, prefill, decoding, memory.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: common::ModelArgs,
    /// Random weights of the shape of llama-3.2-1b, gemma-2-2b, starcoder-1b, qwen2.5-coder-0.5b or
    /// qwen2.5-coder-1.5b.
    #[arg(long, conflicts_with = "model")]
    shape: Option<String>,
    #[command(flatten)]
    workload: measure::Workload,
    /// Tells where the time of a decode step and of reading goes.
    #[arg(long)]
    profile: bool,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let options = args.model.options().native()?;
    let start = Instant::now();
    let loaded = Arc::new(load(args, &options)?);
    let load = start.elapsed();
    let peak_load = peak_resident_bytes();
    let model: Arc<dyn CausalLm> = loaded.clone();
    let timings = args.workload.measure(&model)?;
    let report = report::Report {
        model: args.shape.clone().unwrap_or_else(|| args.model.source.to_string()),
        weights: options.weights.map_or("stored".to_owned(), |format| format.to_string()),
        threads: options.pool.threads(),
        isa: format!("{:?}", options.pool.isa()),
        load,
        figures: figures::Figures { workload: &args.workload, timings },
        profile: if args.profile { profile::spans(&args.workload, &model)? } else { vec![] },
        bytes: report::Bytes {
            weights: loaded.weight_bytes(),
            kv: args.workload.kv_bytes(model.as_ref()),
            peak_load,
            peak: peak_resident_bytes(),
        },
    };
    let text = if args.json { report.json().to_string() } else { report.table() };
    common::say(format_args!("{text}"));
    Ok(())
}

fn load(args: &Args, options: &NativeOptions) -> Result<NativeModel, common::Failure> {
    let Some(shape) = &args.shape else {
        return Ok(NativeModel::load(&args.model.source.checkpoint()?, options)?);
    };
    let config = TransformerConfig::named(shape).ok_or_else(|| format!("no shape {shape}"))?;
    Ok(NativeModel::random_with(&config, args.workload.seed, options)?)
}
