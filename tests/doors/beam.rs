//! Beam search, also under context-aware decoding.

use std::sync::Arc;

use infer_code_cad::decode::rand_core::Rng;
use infer_code_cad::decode::{
    Branch, ContextAware, DecodeError, Decoder, Decoding, Greedy, Moves, Opening, RowLogProbs,
    Settings, TokenId,
};
use infer_code_cad::engine::{Request, TableModel};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::complete;

/// Keeps the `width` most probable continuations at every step.
#[derive(Debug)]
struct Beam {
    width: usize,
}

impl Decoder for Beam {
    fn branches(&self) -> usize {
        self.width
    }

    fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        Ok(Box::new(Beams { width: self.width }))
    }

    fn settings(&self) -> Settings {
        Settings::new("beam").with("width", self.width)
    }
}

struct Beams {
    width: usize,
}

impl Decoding for Beams {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        _: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        let mut all: Vec<(f64, usize, Option<TokenId>)> = vec![];
        for (at, branch) in branches.iter().enumerate() {
            if branch.ended {
                all.push((branch.log_prob, at, None));
                continue;
            }
            let top = RowLogProbs::of(branch.logits.row(0)).top(self.width);
            all.extend(top.into_iter().map(|(token, p)| (branch.log_prob + p, at, Some(token))));
        }
        all.retain(|candidate| candidate.0 > f64::NEG_INFINITY);
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        all.truncate(self.width);
        for (at, branch) in branches.iter().enumerate() {
            let kept: Vec<Option<TokenId>> = all
                .iter()
                .filter(|candidate| candidate.1 == at)
                .map(|candidate| candidate.2)
                .collect();
            follow(branch, &kept, moves);
        }
        Ok(())
    }
}

/// Extends a branch by the first of its tokens and forks it for the others.
fn follow(branch: &Branch<'_>, kept: &[Option<TokenId>], moves: &mut Moves<'_>) {
    match kept {
        [] => moves.drop(branch.id),
        [None, ..] => {}
        [Some(first), rest @ ..] => {
            for token in rest.iter().flatten() {
                moves.fork(branch.id, *token, branch.logits.row(0));
            }
            moves.extend(branch.id, *first, branch.logits.row(0));
        }
    }
}

const WORDS: usize = 4;
const END: TokenId = 3;
const DEPTH: usize = 4;
const CONTEXT: TokenId = 0;
const QUESTION: TokenId = 1;

/// A tree of random weights after each of two prompts.
fn tree(seed: u64) -> TableModel {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut model = TableModel::new(WORDS);
    for prompt in [CONTEXT, QUESTION] {
        let mut open = vec![vec![prompt]];
        for _ in 0..DEPTH {
            let mut next = vec![];
            for path in open {
                let weights: Vec<u32> = (0..WORDS).map(|_| 1 + rng.next_u32() % 50).collect();
                model = model.row(&path, &weights);
                next.extend((0..END).map(|token| [&path[..], &[token]].concat()));
            }
            open = next;
        }
    }
    model
}

/// `ln p` of each word after a path: of equation 2 over both prompts, from the weights themselves.
fn log_probs(model: &TableModel, path: &[TokenId], alpha: f64) -> Vec<f64> {
    let weights = |prompt: TokenId| model.weights(&[&[prompt], path].concat());
    let (context, question) = (weights(CONTEXT), weights(QUESTION));
    let mixed: Vec<f64> = (context.iter().zip(&question))
        .map(|(c, q)| f64::from(*c).powf(1.0 + alpha) / f64::from(*q).powf(alpha))
        .collect();
    let mass: f64 = mixed.iter().sum();
    mixed.iter().map(|weight| (weight / mass).ln()).collect()
}

fn has_ended(path: &[TokenId]) -> bool {
    path.last() == Some(&END) || path.len() == DEPTH
}

/// Beam search written down plainly: all paths of a step, sorted, the best kept.
fn enumerated(model: &TableModel, width: usize, alpha: f64) -> (Vec<TokenId>, f64) {
    let mut beam = vec![(vec![], 0.0)];
    while !beam.iter().all(|(path, _)| has_ended(path)) {
        let mut all = vec![];
        for (path, sum) in beam {
            if has_ended(&path) {
                all.push((path, sum));
                continue;
            }
            for (token, p) in (0..).zip(log_probs(model, &path, alpha)) {
                all.push(([&path[..], &[token]].concat(), sum + p));
            }
        }
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all.truncate(width);
        beam = all;
    }
    beam.into_iter().next().unwrap()
}

/// The most probable of all paths there are.
fn best_of_all(model: &TableModel, alpha: f64) -> (Vec<TokenId>, f64) {
    enumerated(model, WORDS.pow(DEPTH as u32), alpha)
}

fn beam(model: &TableModel, width: usize, alpha: f64) -> (Vec<TokenId>, f64) {
    let decoder = ContextAware::new(alpha as f32, Beam { width });
    let streams = vec![vec![CONTEXT], vec![QUESTION]];
    let mut request = Request::new("beam", streams, Arc::new(decoder));
    (request.max_new_tokens, request.eos) = (DEPTH, vec![END]);
    let vocabulary = Arc::new(vec!["a", "b", "c", ""]);
    let (completion, _) = complete(Arc::new(model.clone()), vocabulary, request).remove(0);
    (completion.tokens, completion.log_prob)
}

#[test]
fn three_beams_under_contrast_are_the_enumerated_ones() {
    let mut best = 0;
    for seed in 0..40 {
        let model = tree(seed);
        let (found, log_prob) = beam(&model, 3, 0.5);
        let (expected, sum) = enumerated(&model, 3, 0.5);
        assert_eq!(found, expected, "tree {seed}");
        assert!((log_prob - sum).abs() < 1e-5, "tree {seed}: {log_prob} is not {sum}");
        best += usize::from(found == best_of_all(&model, 0.5).0);
    }
    // A beam need not find the best path; three of them nearly always do in trees this small.
    assert!(best >= 30, "the best of all paths in {best} of 40 trees");
}

#[test]
fn a_beam_as_wide_as_the_tree_finds_the_best_path() {
    for seed in 0..40 {
        let model = tree(seed);
        let (found, log_prob) = beam(&model, 81, 0.5);
        let (expected, sum) = best_of_all(&model, 0.5);
        assert_eq!(found, expected, "tree {seed}");
        assert!((log_prob - sum).abs() < 1e-5);
    }
}

#[test]
fn one_beam_is_greedy() {
    for seed in 0..10 {
        let model = tree(seed);
        let mut request = Request::new(
            "greedy",
            vec![vec![CONTEXT], vec![QUESTION]],
            Arc::new(ContextAware::new(0.5, Greedy)),
        );
        (request.max_new_tokens, request.eos) = (DEPTH, vec![END]);
        let vocabulary = Arc::new(vec![""; WORDS]);
        let (greedy, _) = complete(Arc::new(model.clone()), vocabulary, request).remove(0);
        assert_eq!(beam(&model, 1, 0.5).0, greedy.tokens);
    }
}
