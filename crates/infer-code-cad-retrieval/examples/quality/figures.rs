//! Recall and nDCG of a retriever, and how far it is from others.

use std::collections::HashSet;
use std::time::Instant;

use infer_code_cad_metrics::Bootstrap;
use infer_code_cad_retrieval::{Hit, Query, Retriever};

use crate::Outcome;
use crate::collection::Labels;

/// What a retriever did for each query.
pub(crate) struct Arm {
    name: String,
    answers: Vec<Figures>,
}

/// What one query says of a retriever.
struct Figures {
    /// In percent.
    recall: f64,
    /// In percent.
    ndcg: f64,
    seconds: f64,
    /// Documents among the first five that are one and the same long page.
    hubs: usize,
}

/// A figure's name, and the figure.
type Figure = (&'static str, fn(&Figures) -> f64);
const FIGURES: [Figure; 2] = [("recall@5", |it| it.recall), ("nDCG@10", |it| it.ndcg)];

impl Arm {
    /// Asks query by query for `depth` chunks, of which a document's best counts, and prints what came.
    pub(crate) fn ask(
        name: impl Into<String>,
        retriever: &dyn Retriever,
        labels: &Labels,
        depth: usize,
    ) -> Outcome<Self> {
        let ask = |(query, relevant): (&String, &HashSet<String>)| {
            let start = Instant::now();
            let hits = retriever.search(&[Query::new(query)], depth).remove(0)?;
            Ok(Figures::of(&hits, relevant, start.elapsed().as_secs_f64()))
        };
        let answers = labels.queries.iter().zip(&labels.relevant).map(ask);
        let arm = Self { name: name.into(), answers: answers.collect::<Outcome<_>>()? };
        arm.print();
        Ok(arm)
    }

    fn print(&self) {
        print!("{}:", self.name);
        for (name, of) in FIGURES {
            print!(" {name} {:.1},", mean(&self.answers.iter().map(of).collect::<Vec<_>>()));
        }
        let mut seconds: Vec<f64> = self.answers.iter().map(|answer| answer.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let hubs: usize = self.answers.iter().map(|answer| answer.hubs).sum();
        println!(
            " {hubs} entries of django.ref.settings in first fives, query p50 {:.2} ms",
            seconds[seconds.len() / 2] * 1e3
        );
    }

    /// nDCG@10 over every second query, from one on.
    pub(crate) fn half(&self, first: usize) -> f64 {
        let half = self.answers.iter().skip(first).step_by(2);
        mean(&half.map(|answer| answer.ndcg).collect::<Vec<_>>())
    }

    /// Prints the mean gain over another, with a paired interval.
    pub(crate) fn against(&self, other: &Self) -> Outcome<()> {
        print!("    against {}:", other.name);
        for (name, of) in FIGURES {
            let pairs = self.answers.iter().zip(&other.answers);
            let gains: Vec<f64> = pairs.map(|(a, b)| of(a) - of(b)).collect();
            let interval = Bootstrap::default().percentile(&gains)?;
            let (gain, low, high) = (mean(&gains), interval.low, interval.high);
            print!(" {name} {gain:+.1} [{low:+.1}, {high:+.1}]");
        }
        println!();
        Ok(())
    }
}

impl Figures {
    fn of(hits: &[Hit], relevant: &HashSet<String>, seconds: f64) -> Self {
        let titles = documents(hits);
        let found: Vec<bool> = titles.iter().map(|title| relevant.contains(*title)).collect();
        let is_hub = |title: &&&str| title.starts_with("django.ref.settings");
        let recall = found.iter().take(5).filter(|hit| **hit).count() as f64;
        Self {
            recall: 100.0 * recall / relevant.len() as f64,
            ndcg: 100.0 * ndcg(&found, relevant.len()),
            seconds,
            hubs: titles.iter().take(5).filter(is_hub).count(),
        }
    }
}

/// The first ten documents of an answer, each at the place of its best chunk.
pub(crate) fn documents(hits: &[Hit]) -> Vec<&str> {
    let mut seen = HashSet::new();
    let titles = hits.iter().map(|hit| hit.passage.title.as_str());
    titles.filter(|title| seen.insert(*title)).take(10).collect()
}

/// Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, at 10 with gains of 0 and 1.
fn ndcg(found: &[bool], relevant: usize) -> f64 {
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let gained: f64 = found.iter().enumerate().filter(|(_, hit)| **hit).map(|(i, _)| gain(i)).sum();
    gained / (0..relevant.min(10)).map(gain).sum::<f64>()
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
