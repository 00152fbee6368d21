//! What is in a checkpoint: architecture, tensors and formats, tokenizer, template, memory.
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::checkpoint::{Checkpoint, CheckpointError, TensorInfo};

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
    let mut text = String::new();
    writeln!(text, "model          {}", args.model)?;
    writeln!(text, "architecture   {:?}", checkpoint.config().architecture)?;
    writeln!(text, "stored as      {}", formats(&tensors))?;
    text.extend(checkpoint.conversions(32)?.iter().map(|held| format!("held           {held}\n")));
    writeln!(text, "end of text    {:?}", checkpoint.eos_token_ids())?;
    writeln!(text, "tokenizer      {}", tokenizer(&checkpoint))?;
    let template = checkpoint.chat_template();
    let length = template.as_ref().map(|of| of.as_ref().map_or(0, |of| of.source().len()));
    let length = length.map_or_else(|e| format!("unusable: {e}"), |n| format!("{n} bytes"));
    writeln!(text, "chat template  {length}")?;
    memory(&mut text, &checkpoint, &tensors)?;
    writeln!(text, "{:#?}", checkpoint.config())?;
    if args.tensors {
        for TensorInfo { name, shape, format, bytes, .. } in &tensors {
            writeln!(text, "{name:<60} {format:<6} {bytes:>12} bytes  {shape:?}")?;
        }
    }
    if args.metadata {
        let pairs = checkpoint.metadata().iter();
        text.extend(pairs.map(|(key, value)| format!("{key:<50} {value}\n")));
    }
    if let (true, Ok(Some(template))) = (args.template, template) {
        writeln!(text, "{}", template.source())?;
    }
    if args.check {
        writeln!(text, "every weight is a finite number").map(|()| checkpoint.check_finite())??;
    }
    common::say(format_args!("{}", text.trim_end()));
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
        Err(CheckpointError::MissingFile { .. }) => "none; give token ids".to_owned(),
        Err(error) => format!("unusable: {error}"),
    }
}

/// What the weights and one position of one stream take, by element type.
fn memory(text: &mut String, checkpoint: &Checkpoint, tensors: &[TensorInfo]) -> fmt::Result {
    let weights: usize = tensors.iter().map(|t| t.shape.iter().product::<usize>()).sum();
    let config = checkpoint.config();
    let position = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim;
    let stored = tensors.iter().map(|t| t.bytes).sum::<usize>() as f64 / 1e6;
    let [f32, bf16, q8, q4] = [32.0, 16.0, 8.5, 4.5].map(|bits| weights as f64 * bits / 8e6);
    writeln!(text, "parameters     {weights}\nstored, MB     {stored:.1}")?;
    writeln!(text, "loaded, MB     f32 {f32:.1}, bf16 {bf16:.1}, q8_0 {q8:.1}, q4_k {q4:.1}")?;
    writeln!(text, "cache          {position} bytes a position of a stream, twice as many in f16")
}
