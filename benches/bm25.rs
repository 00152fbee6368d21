//! BM25: an index of generated documents built, and asked.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use infer_code_cad_retrieval::{Bm25Config, Bm25Index, Passage};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// As many chunks as the paper's store has.
const PASSAGES: usize = 44_007;
const WORDS: usize = 120;

/// Words by Zipf's law, as in text: the most frequent is in nearly all passages.
fn text(rng: &mut ChaCha8Rng, words: usize) -> String {
    let word = |rng: &mut ChaCha8Rng| {
        let share = f64::from(rng.next_u32()) / f64::from(u32::MAX);
        format!("w{}", (100_000f64.powf(share)) as usize)
    };
    (0..words).map(|_| word(rng)).collect::<Vec<_>>().join(" ")
}

fn passages() -> Vec<Arc<Passage>> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let passage = |i: usize| {
        let title = text(&mut rng, 4);
        Arc::new(Passage::new(i.to_string(), title, text(&mut rng, WORDS)))
    };
    (0..PASSAGES).map(passage).collect()
}

fn bm25(criterion: &mut Criterion) {
    let passages = passages();
    let build = |passages: Vec<Arc<Passage>>| {
        Bm25Index::new(passages, Bm25Config::default()).expect("there are passages")
    };
    let mut group = criterion.benchmark_group("bm25");
    group.sample_size(10);
    group.bench_function("build", |bencher| bencher.iter(|| build(passages.clone())));
    let index = build(passages.clone());
    let query = text(&mut ChaCha8Rng::seed_from_u64(1), 12);
    group.bench_function("search", |bencher| bencher.iter(|| index.search_one(&query, 5)));
    group.finish();
}

criterion_group!(benches, bm25);
criterion_main!(benches);
