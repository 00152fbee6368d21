//! One token from logits: the decoders at the vocabularies of Llama 2 and Llama 3.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use infer_code_cad::decode::{
    Branch, ContextAware, Contrast, Decoder, Greedy, Logits, MoveBook, Nucleus, Opening, Rooms,
    Vocabulary,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Two rows shaped like a language model's: a few likely tokens and a long tail.
fn two_streams(vocab_size: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut uniform = || (rng.next_u32() as f32 + 1.0) / (u32::MAX as f32 + 2.0);
    // The sum of three uniforms is close to normal; the cube stretches its upper tail.
    let mut logit = || 4.0 * (uniform() + uniform() + uniform() - 1.5).powi(3) * 4.0;
    (0..2 * vocab_size).map(|_| logit()).collect()
}

/// Rows of a model that knows nothing: logits near normal, so that most tokens are in the nucleus.
fn two_flat_streams(vocab_size: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut uniform = || rng.next_u32() as f32 / u32::MAX as f32;
    (0..2 * vocab_size).map(|_| 2.0 * (uniform() + uniform() + uniform() - 1.5)).collect()
}

fn decoders(criterion: &mut Criterion) {
    let nucleus = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
    let cad = ContextAware::new(0.5, nucleus.clone());
    let mix = Contrast { plausibility: 0.1, ..cad.mix.clone() };
    let masked = ContextAware { mix, inner: nucleus.clone() };
    let decoders: [(&str, &dyn Decoder); 4] =
        [("greedy", &Greedy), ("nucleus", &nucleus), ("cad", &cad), ("cad, masked", &masked)];
    let mut group = criterion.benchmark_group("decode");
    for vocab_size in [32_000, 128_256] {
        let (values, flat) = (two_streams(vocab_size), two_flat_streams(vocab_size));
        let flat = [("nucleus, flat", &nucleus as &dyn Decoder, &flat), ("cad, flat", &cad, &flat)];
        let decoders = decoders.map(|(name, decoder)| (name, decoder, &values));
        for (name, decoder, values) in decoders.into_iter().chain(flat) {
            group.bench_function(BenchmarkId::new(name, vocab_size), |bencher| {
                tokens(bencher, decoder, values, vocab_size);
            });
        }
    }
    group.finish();
}

/// The tokens of one sequence, each with its log-probability, as the engine asks for them.
fn tokens(bencher: &mut Bencher<'_>, decoder: &dyn Decoder, values: &[f32], vocab_size: usize) {
    let arity = decoder.arity();
    let logits = Logits::new(&values[..arity * vocab_size], arity, vocab_size).expect("whole rows");
    let vocabulary: Arc<dyn Vocabulary> = Arc::new(Vec::<&[u8]>::new());
    let opening = Opening::new(&[], &vocabulary);
    let mut decoding = decoder.begin(&opening).expect("parameters in their ranges");
    let (mut book, mut rooms) = (MoveBook::default(), Rooms::default());
    let (id, mut rng) = (book.name(), ChaCha8Rng::seed_from_u64(2));
    bencher.iter(|| {
        let branch = Branch::new(id, black_box(logits), &[], 0.0);
        decoding.advance(&[branch], &mut book.moves(&mut rooms), &mut rng)
    });
}

criterion_group!(benches, decoders);
criterion_main!(benches);
