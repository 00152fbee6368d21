//! What every [`CausalLm`] must do, whatever computes it.

use infer_code_cad_engine::{CausalLm, EngineError, KvCache, LogitRows, Step, TokenId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Runs every check; logits that should agree may differ by `tolerance` (0: to the last bit).
pub(crate) fn suite(model: &dyn CausalLm, tolerance: f32) {
    logit_rows_agree(model, tolerance);
    ragged_is_one_by_one(model, tolerance);
    forks_are_independent(model, tolerance);
    forks_advance_together(model, tolerance);
    truncated_streams_regrow(model, tolerance);
    chunked_prefill_is_whole(model, tolerance);
    refused_batches_change_nothing(model, tolerance);
    any_history_is_its_tokens(model, tolerance);
}

/// Deterministic tokens of the vocabulary.
pub(crate) fn tokens(model: &dyn CausalLm, seed: usize, len: usize) -> Vec<TokenId> {
    (0..len).map(|i| ((seed * 7919 + i * i * 31 + i * 17) % model.vocab_size()) as u32).collect()
}

/// One step alone.
pub(crate) fn advance(
    model: &dyn CausalLm,
    cache: &mut dyn KvCache,
    tokens: &[TokenId],
    rows: LogitRows,
) -> Vec<f32> {
    let mut logits = vec![f32::NAN; 3]; // must be cleared
    model.forward(&mut [Step { cache, tokens, logits: rows }], &mut logits).unwrap();
    logits
}

/// The logits after the last of `tokens` on a new stream.
pub(crate) fn last(model: &dyn CausalLm, tokens: &[TokenId]) -> Vec<f32> {
    advance(model, &mut *model.new_cache(), tokens, LogitRows::Last)
}

#[track_caller]
pub(crate) fn assert_close(a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "logits differ by {worst}, allowed {tolerance}");
    assert!(a.iter().all(|x| x.is_finite()));
}

fn logit_rows_agree(model: &dyn CausalLm, tolerance: f32) {
    let tokens = tokens(model, 1, 9);
    let all = advance(model, &mut *model.new_cache(), &tokens, LogitRows::All);
    let vocab = model.vocab_size();
    assert_eq!(all.len(), tokens.len() * vocab);
    for i in 0..tokens.len() {
        assert_close(&all[i * vocab..][..vocab], &last(model, &tokens[..=i]), tolerance);
    }
    assert!(advance(model, &mut *model.new_cache(), &tokens, LogitRows::None).is_empty());
}

fn ragged_is_one_by_one(model: &dyn CausalLm, tolerance: f32) {
    let first: Vec<_> = (0..7).map(|i| tokens(model, i, 1 + i * 5)).collect();
    let second: Vec<_> = (0..7).map(|i| tokens(model, 50 + i, 1 + (i * 3) % 4)).collect();
    let rows = |i: usize| [LogitRows::Last, LogitRows::All, LogitRows::None][i % 3];

    let mut alone = Vec::new();
    for i in 0..7 {
        let mut cache = model.new_cache();
        advance(model, &mut *cache, &first[i], LogitRows::None);
        alone.extend(advance(model, &mut *cache, &second[i], rows(i)));
    }

    let mut caches: Vec<_> = (0..7).map(|_| model.new_cache()).collect();
    let mut together = Vec::new();
    for (chunk, asked) in [(&first, false), (&second, true)] {
        let mut batch: Vec<_> = caches
            .iter_mut()
            .zip(chunk)
            .enumerate()
            .map(|(i, (cache, tokens))| Step {
                cache: &mut **cache,
                tokens,
                logits: if asked { rows(i) } else { LogitRows::None },
            })
            .collect();
        model.forward(&mut batch, &mut together).unwrap();
    }
    assert_close(&together, &alone, tolerance);
    for (cache, (a, b)) in caches.iter().zip(first.iter().zip(&second)) {
        assert_eq!(cache.len(), a.len() + b.len());
    }
}

fn forks_are_independent(model: &dyn CausalLm, tolerance: f32) {
    let prefix = tokens(model, 3, 21);
    let mut original = model.new_cache();
    assert!(original.is_empty());
    advance(model, &mut *original, &prefix, LogitRows::None);
    let mut forks: Vec<_> = (0..3).map(|_| original.fork()).collect();
    let mut child = forks[0].fork();
    let tails: Vec<_> = (0..5).map(|i| tokens(model, 70 + i, 6)).collect();
    for step in 0..6 {
        for (i, fork) in forks.iter_mut().enumerate() {
            advance(model, &mut **fork, &tails[i][step..=step], LogitRows::None);
        }
        advance(model, &mut *original, &tails[3][step..=step], LogitRows::None);
        advance(model, &mut *child, &tails[4][step..=step], LogitRows::None);
    }
    forks.push(original);
    forks.push(child);
    for (mut fork, tail) in forks.into_iter().zip(tails) {
        assert_eq!(fork.len(), 27);
        let logits = advance(model, &mut *fork, &[1], LogitRows::Last);
        assert_close(&logits, &last(model, &[&prefix[..], &tail, &[1]].concat()), tolerance);
    }
}

/// Forks of two streams in one batch, beyond the end of a page.
fn forks_advance_together(model: &dyn CausalLm, tolerance: f32) {
    let prefixes = [tokens(model, 8, 37), tokens(model, 9, 20)];
    let tails: Vec<_> = (0..6).map(|i| tokens(model, 90 + i, 20)).collect();
    let mut forks = Vec::new();
    let originals = prefixes.each_ref().map(|prefix| {
        let mut cache = model.new_cache();
        advance(model, &mut *cache, prefix, LogitRows::None);
        cache
    });
    for i in 0..tails.len() {
        forks.push(originals[i % 2].fork());
    }
    let mut logits = Vec::new();
    for step in 0..20 {
        let steps = forks.iter_mut().zip(&tails).map(|(cache, tail)| Step {
            cache: &mut **cache,
            tokens: &tail[step..=step],
            logits: LogitRows::Last,
        });
        model.forward(&mut steps.collect::<Vec<_>>(), &mut logits).unwrap();
    }
    for (i, (logits, tail)) in logits.chunks(model.vocab_size()).zip(&tails).enumerate() {
        let alone = last(model, &[&prefixes[i % 2][..], tail].concat());
        assert_close(logits, &alone, tolerance);
    }
}

fn truncated_streams_regrow(model: &dyn CausalLm, tolerance: f32) {
    let (old, new) = (tokens(model, 4, 40), tokens(model, 5, 30));
    for keep in [0, 1, 15, 16, 17, 39] {
        let mut cache = model.new_cache();
        advance(model, &mut *cache, &old, LogitRows::None);
        let mut witness = cache.fork();
        cache.truncate(100);
        assert_eq!(cache.len(), 40);
        cache.truncate(keep);
        assert_eq!(cache.len(), keep);
        let logits = advance(model, &mut *cache, &new, LogitRows::Last);
        assert_close(&logits, &last(model, &[&old[..keep], &new].concat()), tolerance);
        let logits = advance(model, &mut *witness, &new[..1], LogitRows::Last);
        assert_close(&logits, &last(model, &[&old[..], &new[..1]].concat()), tolerance);
    }
}

fn chunked_prefill_is_whole(model: &dyn CausalLm, tolerance: f32) {
    let tokens = tokens(model, 6, 50);
    let whole = advance(model, &mut *model.new_cache(), &tokens, LogitRows::All);
    for size in [1, 2, 3, 16, 33] {
        let mut cache = model.new_cache();
        let chunks = tokens.chunks(size);
        let logits: Vec<f32> =
            chunks.flat_map(|chunk| advance(model, &mut *cache, chunk, LogitRows::All)).collect();
        assert_close(&logits, &whole, tolerance);
    }
}

/// A cache no model made.
#[derive(Debug)]
struct Foreign;

impl KvCache for Foreign {
    fn len(&self) -> usize {
        0
    }
    fn fork(&self) -> Box<dyn KvCache> {
        Box::new(Self)
    }
    fn truncate(&mut self, _: usize) {}
}

fn refused_batches_change_nothing(model: &dyn CausalLm, tolerance: f32) {
    let prefix = tokens(model, 8, 10);
    let outside = [1, model.vocab_size() as TokenId];
    let too_long = vec![1; model.max_positions()];
    let mut cache = model.new_cache();
    advance(model, &mut *cache, &prefix, LogitRows::None);
    let mut refuse = |other: &mut dyn KvCache, bad: &[TokenId]| {
        let good = Step { cache: &mut *cache, tokens: &[5, 6], logits: LogitRows::Last };
        let bad = Step { cache: other, tokens: bad, logits: LogitRows::Last };
        let error = model.forward(&mut [good, bad], &mut Vec::new()).unwrap_err();
        assert_eq!(cache.len(), prefix.len());
        error
    };
    let mut other = model.new_cache();
    advance(model, &mut *other, &prefix, LogitRows::None);
    let error = refuse(&mut *other, &[]);
    assert!(matches!(error, EngineError::EmptyStep { step: 1 }), "{error}");
    let error = refuse(&mut *other, &outside);
    let expected = matches!(error, EngineError::TokenOutOfRange { step: 1, position: 1, .. });
    assert!(expected, "{error}");
    let error = refuse(&mut *other, &too_long);
    assert!(matches!(error, EngineError::StreamTooLong { step: 1, .. }), "{error}");
    let error = refuse(&mut Foreign, &[1]);
    assert!(matches!(error, EngineError::ForeignCache { step: 1 }), "{error}");
    for mut cache in [cache, other] {
        let logits = advance(model, &mut *cache, &[5], LogitRows::Last);
        assert_close(&logits, &last(model, &[&prefix[..], &[5]].concat()), tolerance);
    }
    model.forward(&mut [], &mut Vec::new()).unwrap();
}

/// What may happen to the streams between two checks.
#[derive(Debug, Clone)]
enum Event {
    /// New tokens per stream; streams with none sit out.
    Forward(Vec<usize>),
    Fork(usize),
    Truncate(usize, usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => prop::collection::vec(0..6usize, 6).prop_map(Event::Forward),
        1 => any::<usize>().prop_map(Event::Fork),
        1 => (any::<usize>(), 0..20usize).prop_map(|(i, len)| Event::Truncate(i, len)),
    ];
    prop::collection::vec(event, 1..8)
}

/// After random forwards, forks and truncations a stream is what its tokens say.
fn any_history_is_its_tokens(model: &dyn CausalLm, tolerance: f32) {
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(12) });
    let run = runner.run(&events(), |events| {
        let mut streams = vec![(model.new_cache(), Vec::new()), (model.new_cache(), Vec::new())];
        for (seed, event) in events.into_iter().enumerate() {
            apply(model, &mut streams, seed, event);
        }
        for (mut cache, mut history) in streams {
            history.push(1);
            let logits = advance(model, &mut *cache, &[1], LogitRows::Last);
            assert_close(&logits, &last(model, &history), tolerance);
        }
        Ok(())
    });
    run.unwrap();
}

type Streams = Vec<(Box<dyn KvCache>, Vec<TokenId>)>;

fn apply(model: &dyn CausalLm, streams: &mut Streams, seed: usize, event: Event) {
    match event {
        Event::Forward(counts) => {
            let new: Vec<_> =
                counts.iter().enumerate().map(|(i, &n)| tokens(model, seed * 10 + i, n)).collect();
            let mut batch = Vec::new();
            for ((cache, history), tokens) in streams.iter_mut().zip(&new) {
                history.extend_from_slice(tokens);
                if !tokens.is_empty() {
                    let logits = LogitRows::None;
                    batch.push(Step { cache: &mut **cache, tokens, logits });
                }
            }
            model.forward(&mut batch, &mut Vec::new()).unwrap();
        }
        Event::Fork(i) => {
            let (cache, history) = &streams[i % streams.len()];
            let fork = (cache.fork(), history.clone());
            streams.push(fork);
        }
        Event::Truncate(i, len) => {
            let i = i % streams.len();
            streams[i].0.truncate(len);
            streams[i].1.truncate(len);
        }
    }
}
