//! How well retrievers find labelled documents: recall@5 and nDCG@10, with paired bootstrap intervals, and what tells a
//! good answer from another.
//!
//! `cargo run --release -p infer-code-cad-retrieval --example quality -- DIR`, where DIR holds
//! `library-documentation.jsonl.gz`, `odex-queries.jsonl` and `odex-qrels.tsv`. Documents are cut into chunks of 500
//! words; a document's place is that of its best chunk. Dense and hybrid search with
//! `--stores DIR --embedder minilm=DIR --embedder mpnet=DIR`.

use std::error::Error;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use infer_code_cad_retrieval::{
    Bm25Config, Bm25Index, Dense, EncoderWeights, HubPenalty, HubPenaltyConfig, Hybrid,
    HybridConfig, Mmr, MmrConfig, Passage, Retriever,
};

use collection::{Labels, chunks, each_text_once, library};
use figures::Arm;
use vectors::Vectors;

mod collection;
mod figures;
mod signals;
mod vectors;
mod weights;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Chunks asked for, so that ten documents are among them.
const DEPTH: usize = 200;
/// The same of MMR, which takes the time of a square.
const MMR_DEPTH: usize = 20;

/// Queries that a library must answer for a gate to be tried on it alone.
const LEAST_QUERIES: usize = 20;

/// Which collection, and which embedders.
#[derive(Parser)]
struct Args {
    /// The directory of documents and labels.
    dir: PathBuf,
    /// The labels: NAME-queries.jsonl and NAME-qrels.tsv.
    #[arg(long, value_name = "NAME", default_value = "odex")]
    labels: String,
    /// Takes only every N-th chunk of documents that answer no query, where embedding all would take too long. Figures
    /// of parts of a collection are better than those of the whole, and compare with each other alone.
    #[arg(long, value_name = "N", default_value_t = NonZero::<usize>::MIN)]
    every: NonZero<usize>,
    /// An embedding model by a name for it and its directory; as often as there are models.
    #[arg(long, value_name = "NAME=DIR", value_parser = named, requires = "stores")]
    embedder: Vec<(String, PathBuf)>,
    /// The format of embedders' matrices: f32 or int8.
    #[arg(long, value_name = "FORMAT", default_value_t = EncoderWeights::Int8)]
    embedder_weights: EncoderWeights,
    /// Where the vectors of each embedder are kept; a run that is killed goes on from there.
    #[arg(long, value_name = "DIR", default_value = "")]
    stores: PathBuf,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    let (name, dir) = text.split_once('=').ok_or("give a name and a directory, NAME=DIR")?;
    Ok((name.to_owned(), dir.into()))
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    let labels = Labels::read(&args.dir, &args.labels)?;
    let all = labels.part(chunks(&args.dir)?, args.every);
    println!("{} chunks, {} queries", all.len(), labels.queries.len());
    let once = each_text_once(all.clone());
    // First, for it may take hours.
    let open = |(name, model): &(String, PathBuf)| {
        Vectors::open(&args.stores, (name.as_str(), model.as_path()), args.embedder_weights, &once)
    };
    let vectors = args.embedder.iter().map(open).collect::<Outcome<Vec<_>>>()?;
    let sample = beginnings(&once);
    let of = |name: &str| OneLibrary::of(name, &once);
    let libraries =
        labels.libraries(LEAST_QUERIES).into_iter().map(of).collect::<Outcome<Vec<_>>>()?;
    let (lexical, words) = lexical(all, once, &sample, &labels)?;
    for vectors in &vectors {
        let hybrid = Arc::new(hybrid(&vectors.dense, &words, 1.0)?);
        let [alone, both] = with_vectors(vectors, &hybrid, &sample, &lexical, &labels)?;
        weights::weigh(&vectors.name, &vectors.dense, &words, [&alone, &both], &labels)?;
        signals::found(&vectors.name, &hybrid, &labels)?;
        let ask = |library: &OneLibrary| library.ask(vectors, &labels);
        let answers = libraries.iter().map(ask).collect::<Outcome<Vec<_>>>()?;
        signals::threshold(&vectors.name, &answers, &vectors.embedder.settings())?;
    }
    Ok(())
}

/// Search by words; the last one on each text once, which is what the others search.
fn lexical(
    all: Vec<Arc<Passage>>,
    once: Vec<Arc<Passage>>,
    sample: &[String],
    labels: &Labels,
) -> Outcome<(Arm, Arc<Bm25Index>)> {
    let plain = Bm25Config { k1: 1.2, b: 0.75, title_weight: 1.0, part_weight: 0.0 };
    let plain = bm25("bm25, titles as text", all.clone(), plain)?;
    let plain = Arm::ask("bm25, titles as text", &plain, labels, DEPTH)?;
    let weighted = Arc::new(bm25("bm25", all, Bm25Config::default())?);
    Arm::ask("bm25", &weighted, labels, DEPTH)?.against(&plain)?;
    let held_back = hub_penalty(weighted, sample)?;
    Arm::ask("bm25, hub penalty", &held_back, labels, DEPTH)?.against(&plain)?;
    let once = Arc::new(bm25("bm25, each text once", once, Bm25Config::default())?);
    let arm = Arm::ask("bm25, each text once", &once, labels, DEPTH)?;
    arm.against(&plain)?;
    Ok((arm, once))
}

/// Dense and hybrid search, on each text once.
fn with_vectors(
    Vectors { name, dense, .. }: &Vectors,
    hybrid: &Arc<Hybrid>,
    sample: &[String],
    words: &Arm,
    labels: &Labels,
) -> Outcome<[Arm; 2]> {
    let alone = Arm::ask(name, dense, labels, DEPTH)?;
    alone.against(words)?;
    let both = Arm::ask(format!("{name} + bm25"), hybrid, labels, DEPTH)?;
    both.against(words)?;
    both.against(&alone)?;
    let held_back = hub_penalty(Arc::clone(dense), sample)?;
    Arm::ask(format!("{name}, hub penalty"), &held_back, labels, DEPTH)?.against(&alone)?;
    let differing = Mmr::new(Arc::clone(hybrid), Arc::clone(dense), MmrConfig::default())?;
    Arm::ask(format!("{name} + bm25, MMR"), &differing, labels, MMR_DEPTH)?.against(&both)?;
    Ok([alone, both])
}

/// The passages of one library.
struct OneLibrary {
    name: String,
    passages: Vec<Arc<Passage>>,
    words: Arc<Bm25Index>,
}

impl OneLibrary {
    fn of(name: &str, passages: &[Arc<Passage>]) -> Outcome<Self> {
        let is_in = |passage: &&Arc<Passage>| library(&passage.title) == name;
        let passages: Vec<_> = passages.iter().filter(is_in).cloned().collect();
        let words = Arc::new(Bm25Index::new(passages.clone(), Bm25Config::default())?);
        Ok(Self { name: name.to_owned(), passages, words })
    }

    fn ask(&self, vectors: &Vectors, labels: &Labels) -> Outcome<signals::Answers> {
        let hybrid = hybrid(&vectors.only(&self.passages)?, &self.words, 1.0)?;
        signals::covered(&vectors.name, &hybrid, &self.name, labels)
    }
}

fn bm25(name: &str, passages: Vec<Arc<Passage>>, config: Bm25Config) -> Outcome<Bm25Index> {
    let (start, count) = (Instant::now(), passages.len());
    let index = Bm25Index::new(passages, config)?;
    println!("{name}: {count} chunks built in {:.2?}", start.elapsed());
    Ok(index)
}

/// Both, the ranks of the first times a weight.
fn hybrid(dense: &Arc<Dense>, words: &Arc<Bm25Index>, first_weight: f32) -> Outcome<Hybrid> {
    let both: Vec<Arc<dyn Retriever>> = vec![Arc::clone(dense) as _, Arc::clone(words) as _];
    Ok(Hybrid::new(both, HybridConfig { first_weight, ..HybridConfig::default() })?)
}

fn hub_penalty<R: Retriever>(inner: R, sample: &[String]) -> Outcome<HubPenalty<R>> {
    let sample: Vec<&str> = sample.iter().map(String::as_str).collect();
    Ok(HubPenalty::new(inner, &sample, HubPenaltyConfig::default())?)
}

/// The first words of some passages, to stand for queries of which no label is known.
fn beginnings(passages: &[Arc<Passage>]) -> Vec<String> {
    let first = |passage: &Arc<Passage>| {
        passage.text.split_whitespace().take(12).collect::<Vec<_>>().join(" ")
    };
    passages.iter().step_by(passages.len().div_ceil(500)).map(first).collect()
}
