//! Documentation for agents, over stdio: `cargo run --release --features mcp --example docs_mcp -- passages.jsonl`.
//!
//! Agents start it themselves. Their configuration is, for most of them, this:
//! ```json
//! {"mcpServers": {"docs": {"command": "docs_mcp", "args": ["passages.jsonl"]}}}
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use infer_code_cad::retrieval::mcp::{Docs, DocsConfig, serve_stdio};
use infer_code_cad::retrieval::{Bm25Config, Bm25Index, load_passages};

mod common;

/// Serves passages to agents that speak the Model Context Protocol.
#[derive(Parser)]
struct Args {
    /// Passages as JSON lines, gzip-compressed or not.
    passages: PathBuf,
    /// Tokens of an answer.
    #[arg(long, default_value = "5000", value_parser = common::positive)]
    max_tokens: usize,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let passages: Vec<_> = load_passages(&args.passages)?.into_iter().map(Arc::new).collect();
    let retriever = Bm25Index::new(passages.clone(), Bm25Config::default())?;
    let config = DocsConfig { max_tokens: args.max_tokens, ..DocsConfig::default() };
    Ok(serve_stdio(Docs::new(&passages, Arc::new(retriever), config))?)
}
