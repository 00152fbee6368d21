//! Texts to vectors: `embed --embedder SPEC FILE`, a text per line, as JSON lines or a NumPy array.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::retrieval::{Embedder, TextRole, write_npy};
use serde_json::json;

mod common;

/// Embeds each line of a file.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    embedder: common::EmbedderArgs,
    /// The lines are queries, before which some embedders want an instruction; without it they are passages.
    #[arg(long)]
    query: bool,
    /// Writes a NumPy array (texts, dimension) in f32 here; without it a JSON object per text is printed.
    #[arg(long)]
    out: Option<PathBuf>,
    /// A text per line; - is standard input.
    file: PathBuf,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let embedder = args.embedder.open()?.ok_or("give a model by --embedder")?;
    let text = read(&args.file)?;
    let texts: Vec<&str> = text.lines().collect();
    let role = if args.query { TextRole::Query } else { TextRole::Passage };
    let embedded = embedder.embed(&texts, role)?;
    if let Some(out) = &args.out {
        write_npy(out, embedded.vectors.view())?;
        eprintln!("{} vectors of {} values: {}", texts.len(), embedder.dimension(), out.display());
        return Ok(());
    }
    for ((text, vector), cut) in texts.iter().zip(embedded.vectors.rows()).zip(&embedded.cut_tokens)
    {
        let object = json!({ "text": text, "cut_tokens": cut, "vector": vector.to_vec() });
        common::say(format_args!("{object}"));
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text),
        _ => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map(|_| text).map_err(|error| format!("{}: {error}", file.display()))
}
