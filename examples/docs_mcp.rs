//! Documentation for agents, over stdio: `cargo run --release --features mcp --example docs_mcp -- store`.
//!
//! Agents start it themselves. Their configuration is, for most of them, this:
//! ```json
//! {"mcpServers": {"docs": {"command": "docs_mcp", "args": ["store"]}}}
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use infer_code_cad::retrieval::mcp::{Docs, DocsConfig, serve_stdio};
use infer_code_cad::retrieval::{Bm25Config, Bm25Index, Store, load_passages};

mod common;

/// Serves documentation to agents that speak the Model Context Protocol.
#[derive(Parser)]
struct Args {
    /// A store that build_index made, or passages as JSON lines, gzip-compressed or not.
    store: PathBuf,
    #[command(flatten)]
    embedder: common::EmbedderArgs,
    /// Tokens of an answer.
    #[arg(long, default_value = "5000", value_parser = common::positive)]
    max_tokens: usize,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let config = DocsConfig { max_tokens: args.max_tokens, ..DocsConfig::default() };
    if args.store.is_dir() {
        let store = Store::open(&args.store)?;
        let retriever = store.retriever(args.embedder.open()?)?;
        return Ok(serve_stdio(Docs::new(store.passages(), retriever, config))?);
    }
    let passages: Vec<_> = load_passages(&args.store)?.into_iter().map(Arc::new).collect();
    let retriever = Bm25Index::new(passages.clone(), Bm25Config::default())?;
    Ok(serve_stdio(Docs::new(&passages, Arc::new(retriever), config))?)
}
