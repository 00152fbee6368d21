//! What is in a checkpoint: architecture, tensors and formats, tokenizer, template, memory.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::models::{Checkpoint, ModelError, TensorInfo};

mod common;

/// Describes a checkpoint without loading it.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: common::SourceArgs,
    /// Lists every tensor.
    #[arg(long)]
    tensors: bool,
    /// Lists the metadata of a GGUF file.
    #[arg(long)]
    metadata: bool,
    /// Prints the chat template.
    #[arg(long)]
    template: bool,
    /// Reads every weight to see that none is NaN or infinite.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let checkpoint = args.model.checkpoint()?;
    let tensors = checkpoint.tensors();
    println!("model          {}", args.model);
    println!("architecture   {:?}", checkpoint.config().architecture);
    println!("stored as      {}", formats(&tensors));
    println!("end of text    {:?}", checkpoint.eos_token_ids());
    println!("tokenizer      {}", tokenizer(&checkpoint));
    let template = checkpoint.chat_template()?;
    let length = template.as_ref().map(|template| format!("{} bytes", template.source().len()));
    println!("chat template  {}", length.unwrap_or("none".to_owned()));
    memory(&checkpoint, &tensors);
    println!("{:#?}", checkpoint.config());
    if args.tensors {
        for TensorInfo { name, shape, format, bytes, .. } in &tensors {
            println!("{name:<60} {format:<6} {bytes:>12} bytes  {shape:?}");
        }
    }
    if args.metadata {
        checkpoint.metadata().iter().for_each(|(key, value)| println!("{key:<50} {value}"));
    }
    if let Some(template) = template.filter(|_| args.template) {
        println!("{}", template.source());
    }
    if args.check {
        checkpoint.check_finite()?;
        println!("every weight is a finite number");
    }
    Ok(())
}

/// Each format with its tensors and bytes.
fn formats(tensors: &[TensorInfo]) -> String {
    let mut formats = BTreeMap::<&str, (usize, usize)>::new();
    for tensor in tensors {
        let (count, bytes) = formats.entry(&tensor.format).or_default();
        (*count, *bytes) = (*count + 1, *bytes + tensor.bytes);
    }
    let one = |(format, (count, bytes)): (_, (_, usize))| {
        format!("{format}: {count} tensors, {:.1} MB", bytes as f64 / 1e6)
    };
    formats.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

fn tokenizer(checkpoint: &Checkpoint) -> String {
    match checkpoint.tokenizer() {
        Ok(tokenizer) => format!("{} tokens", tokenizer.vocab_size()),
        Err(ModelError::MissingFile { .. }) => "none; give token ids instead of text".to_owned(),
        Err(error) => format!("unusable: {error}"),
    }
}

/// What the weights and one position of one stream take, by element type.
fn memory(checkpoint: &Checkpoint, tensors: &[TensorInfo]) {
    let weights: usize = tensors.iter().map(|t| t.shape.iter().product::<usize>()).sum();
    let config = checkpoint.config();
    let position = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim;
    println!("parameters     {weights}");
    for (dtype, bytes) in [("f32", 4), ("bf16 or f16", 2)] {
        let (total, position) = ((weights * bytes) as f64 / 1e6, position * bytes);
        println!("memory {dtype:<12} {total:.1} MB, and {position} bytes per position of a stream");
    }
}
