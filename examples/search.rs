//! Searches an index on disk: `search --index DIR sort a list by length`.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::retrieval::{Hit, Query, Retriever, Store};
use serde_json::json;

mod common;

/// Prints the passages that fit a query best: rank, title, where it is from, scores, and the begin of its text.
#[derive(Parser)]
struct Args {
    /// The directory of the index.
    #[arg(long)]
    index: PathBuf,
    #[command(flatten)]
    embedder: common::EmbedderArgs,
    /// Passages per query.
    #[arg(long, default_value = "5", value_parser = common::positive)]
    top_k: usize,
    /// Prints an object per query, on a line each.
    #[arg(long)]
    json: bool,
    /// The query; without it each line of standard input is one.
    query: Vec<String>,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let store = Store::open(&args.index)?;
    let embedder = args.embedder.open()?;
    if embedder.is_none() && store.manifest().embedder.is_some() {
        eprintln!("notice: the vectors are not searched; give the index's embedder by --embedder");
    }
    let retriever = store.retriever(embedder)?;
    if !args.query.is_empty() {
        return answer(&*retriever, &args.query.join(" "), args);
    }
    for line in std::io::stdin().lock().lines() {
        answer(&*retriever, &line?, args)?;
    }
    Ok(())
}

fn answer(retriever: &dyn Retriever, query: &str, args: &Args) -> Result<(), common::Failure> {
    let answers = retriever.search(&[Query::new(query)], args.top_k);
    for hits in answers {
        print(query, &hits?, args.json);
    }
    Ok(())
}

fn print(query: &str, hits: &[Hit], as_json: bool) {
    if as_json {
        let hits: Vec<_> = (1..).zip(hits).map(|(rank, hit)| object(rank, hit)).collect();
        return common::say(format_args!("{}", json!({ "query": query, "hits": hits })));
    }
    common::say(format_args!("{query}: {} passages", hits.len()));
    for (rank, hit) in (1..).zip(hits) {
        let passage = &hit.passage;
        let source = [&passage.origin, &passage.version, &passage.location];
        let source: Vec<&str> =
            source.into_iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
        common::say(format_args!("{rank:>3}  {}", plain(&passage.title)));
        common::say(format_args!("     {}  {}", plain(&source.join(" ")), scores(hit)));
        for line in passage.text.lines().filter(|line| !line.trim().is_empty()).take(3) {
            let begin: String = line.chars().take(100).collect();
            common::say(format_args!("     | {}", plain(&begin)));
        }
    }
}

/// A line without what a terminal would obey.
fn plain(line: &str) -> String {
    line.replace(char::is_control, " ")
}

/// The score, and each retriever's word.
fn scores(hit: &Hit) -> String {
    let parts = hit.parts.iter();
    let parts = parts.map(|part| format!(", {} {} ({:.3})", part.retriever, part.rank, part.score));
    format!("[{:.4}{}]", hit.score, parts.collect::<String>())
}

fn object(rank: usize, hit: &Hit) -> serde_json::Value {
    let part = |part: &infer_code_cad::retrieval::Part| json!({ "retriever": part.retriever, "rank": part.rank, "score": part.score });
    json!({
        "rank": rank,
        "score": hit.score,
        "parts": hit.parts.iter().map(part).collect::<Vec<_>>(),
        "passage": *hit.passage,
    })
}
