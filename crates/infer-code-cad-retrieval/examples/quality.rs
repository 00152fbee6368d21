//! How well retrievers find labelled documents: recall@5 and nDCG@10, with paired bootstrap intervals.
//!
//! `cargo run --release -p infer-code-cad-retrieval --example quality -- DIR`, where DIR holds
//! `library-documentation.jsonl.gz`, `odex-queries.jsonl` and `odex-qrels.tsv`. Documents are cut into chunks of 500
//! words; a document's place is that of its best chunk.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use flate2::read::MultiGzDecoder;
use infer_code_cad_metrics::Bootstrap;
use infer_code_cad_retrieval::{
    Bm25Config, Bm25Index, HubPenalty, HubPenaltyConfig, Passage, Query, Retriever,
};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Words in a chunk, as in the paper.
const CHUNK_WORDS: usize = 500;
/// Chunks asked for, so that ten documents are among them.
const DEPTH: usize = 200;

fn main() -> Outcome<()> {
    let dir = std::env::args().nth(1).ok_or("give the directory of documents and labels")?;
    let (passages, labels) = (chunks(Path::new(&dir))?, Labels::read(Path::new(&dir))?);
    println!("{} chunks, {} queries", passages.len(), labels.queries.len());
    let plain = Bm25Config { k1: 1.2, b: 0.75, title_weight: 1.0, part_weight: 0.0 };
    let plain = bm25("bm25, titles as text", passages.clone(), plain)?;
    let first = report("bm25, titles as text", &labels.ask(&plain)?, None)?;
    let whole = bm25("bm25", passages.clone(), Bm25Config::default())?;
    report("bm25", &labels.ask(&whole)?, Some(&first))?;
    let sample = beginnings(&passages);
    let sample: Vec<&str> = sample.iter().map(String::as_str).collect();
    let held_back = HubPenalty::new(whole, &sample, HubPenaltyConfig::default())?;
    report("bm25, hub penalty", &labels.ask(&held_back)?, Some(&first))?;
    let once = bm25("bm25, each text once", each_text_once(passages), Bm25Config::default())?;
    report("bm25, each text once", &labels.ask(&once)?, Some(&first))?;
    Ok(())
}

fn bm25(name: &str, passages: Vec<Arc<Passage>>, config: Bm25Config) -> Outcome<Bm25Index> {
    let (start, count) = (Instant::now(), passages.len());
    let index = Bm25Index::new(passages, config)?;
    println!("{name}: {count} chunks built in {:.2?}", start.elapsed());
    Ok(index)
}

/// The first words of some passages, to stand for queries of which no label is known.
fn beginnings(passages: &[Arc<Passage>]) -> Vec<String> {
    let first = |passage: &Arc<Passage>| {
        passage.text.split_whitespace().take(12).collect::<Vec<_>>().join(" ")
    };
    passages.iter().step_by(passages.len().div_ceil(500)).map(first).collect()
}

fn each_text_once(mut passages: Vec<Arc<Passage>>) -> Vec<Arc<Passage>> {
    let mut seen = HashSet::new();
    passages.retain(|passage| seen.insert(passage.text.clone()));
    passages
}

/// What one query says of a retriever.
#[derive(Clone, Copy)]
struct Figures {
    recall: f64,
    ndcg: f64,
    seconds: f64,
    /// Documents among the first five that are one and the same long page.
    hubs: usize,
}

/// Questions and the documents that answer them.
struct Labels {
    queries: Vec<String>,
    /// Of each query, never empty.
    relevant: Vec<HashSet<String>>,
}

impl Labels {
    fn read(dir: &Path) -> Outcome<Self> {
        let mut by_query: HashMap<String, HashSet<String>> = HashMap::new();
        for line in std::fs::read_to_string(dir.join("odex-qrels.tsv"))?.lines().skip(1) {
            let mut columns = line.split('\t').map(str::to_owned);
            let (Some(query), Some(document)) = (columns.next(), columns.next()) else {
                return Err(format!("no query and document in {line:?}").into());
            };
            by_query.entry(query).or_default().insert(document);
        }
        let (mut queries, mut relevant) = (Vec::new(), Vec::new());
        for line in std::fs::read_to_string(dir.join("odex-queries.jsonl"))?.lines() {
            let query: Value = serde_json::from_str(line)?;
            let documents = by_query.remove(text(&query, "_id")?);
            queries.push(text(&query, "text")?.to_owned());
            relevant.push(documents.ok_or("a query has no label")?);
        }
        Ok(Self { queries, relevant })
    }

    fn ask(&self, retriever: &dyn Retriever) -> Outcome<Vec<Figures>> {
        let ask = |(query, relevant): (&String, &HashSet<String>)| {
            let start = Instant::now();
            let hits = retriever.search(&[Query::new(query)], DEPTH).remove(0)?;
            let seconds = start.elapsed().as_secs_f64();
            let mut seen = HashSet::new();
            let documents = hits.iter().map(|hit| hit.passage.title.as_str());
            let documents: Vec<&str> =
                documents.filter(|document| seen.insert(*document)).take(10).collect();
            let found: Vec<bool> =
                documents.iter().map(|title| relevant.contains(*title)).collect();
            let is_hub = |title: &&&str| title.starts_with("django.ref.settings");
            let hubs = documents.iter().take(5).filter(is_hub).count();
            let recall = found.iter().take(5).filter(|hit| **hit).count() as f64;
            let recall = recall / relevant.len() as f64;
            Ok(Figures { recall, ndcg: ndcg(&found, relevant.len()), seconds, hubs })
        };
        self.queries.iter().zip(&self.relevant).map(ask).collect()
    }
}

/// Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, at 10 with gains of 0 and 1.
fn ndcg(found: &[bool], relevant: usize) -> f64 {
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let gained: f64 = found.iter().enumerate().filter(|(_, hit)| **hit).map(|(i, _)| gain(i)).sum();
    gained / (0..relevant.min(10)).map(gain).sum::<f64>()
}

/// One line, and how far each figure is from that of the first retriever.
fn report(name: &str, figures: &[Figures], first: Option<&[Figures]>) -> Outcome<Vec<Figures>> {
    let mut seconds: Vec<f64> = figures.iter().map(|figures| figures.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    println!("{name}: query p50 {:.2} ms", seconds[seconds.len() / 2] * 1e3);
    for (figure, of) in [("recall@5", recall as fn(&Figures) -> f64), ("nDCG@10", ndcg_of)] {
        let values: Vec<f64> = figures.iter().map(of).collect();
        print!("{name}: {figure} {:.1}", mean(&values));
        if let Some(first) = first {
            let gains: Vec<f64> = values.iter().zip(first).map(|(a, b)| a - of(b)).collect();
            let interval = Bootstrap::default().percentile(&gains)?;
            print!(", gain {:+.1} ({:+.1} to {:+.1})", mean(&gains), interval.low, interval.high);
        }
        println!();
    }
    let hubs: usize = figures.iter().map(|figures| figures.hubs).sum();
    println!("{name}: {hubs} entries of django.ref.settings among all first 5 documents");
    Ok(figures.to_vec())
}

fn recall(figures: &Figures) -> f64 {
    figures.recall * 100.0
}

fn ndcg_of(figures: &Figures) -> f64 {
    figures.ndcg * 100.0
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn chunks(dir: &Path) -> Outcome<Vec<Arc<Passage>>> {
    let file = std::fs::File::open(dir.join("library-documentation.jsonl.gz"))?;
    let mut passages = Vec::new();
    for line in BufReader::new(MultiGzDecoder::new(file)).lines() {
        let document: Value = serde_json::from_str(&line?)?;
        let title = text(&document, "doc_id")?;
        let words: Vec<&str> = text(&document, "doc_content")?.split_whitespace().collect();
        for chunk in words.chunks(CHUNK_WORDS) {
            let id = passages.len().to_string();
            passages.push(Arc::new(Passage::new(id, title, chunk.join(" "))));
        }
    }
    Ok(passages)
}

fn text<'a>(object: &'a Value, field: &str) -> Outcome<&'a str> {
    object[field].as_str().ok_or_else(|| format!("no string field {field:?}").into())
}
