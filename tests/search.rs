//! Searches on the table model, whose paths have known probabilities: beams and AdaDec against plain definitions.

use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::decode::{AdaDec, Beam, ContextAware, Decoder, Greedy, TokenId};
use infer_code_cad::engine::{
    Completion, Engine, EngineConfig, Event, FinishReason, Request, TableModel, generate,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const WORDS: [&str; 4] = ["a", "b", "c", ""];
const A: TokenId = 0;
const B: TokenId = 1;
const END: TokenId = 3;
const CONTEXT: TokenId = 0;
const QUESTION: TokenId = 1;

/// The one completion of a request, how many passes followed that over its prompt, and the text told to a reader.
fn run(model: &TableModel, request: Request) -> (Completion, usize, String) {
    let config = EngineConfig { max_rows: 256, ..EngineConfig::default() };
    let vocabulary = Arc::new(WORDS.to_vec());
    let mut engine = Engine::new(Arc::new(model.clone()), vocabulary, config).unwrap();
    let (mut found, mut told) = (None, String::new());
    let stats = generate(&mut engine, [request], &mut |_, event| {
        match event {
            Event::Token { text, .. } => told.push_str(&text),
            Event::Finished { completion, .. } => found = Some(completion),
            Event::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    (found.unwrap(), stats.decode_steps, told)
}

fn request(decoder: impl Decoder + 'static, max_new_tokens: usize) -> Request {
    let streams = [vec![CONTEXT], vec![QUESTION]][..decoder.arity()].to_vec();
    let mut request = Request::new("search", streams, Arc::new(decoder));
    (request.max_new_tokens, request.eos) = (max_new_tokens, vec![END]);
    request
}

fn tokens(model: &TableModel, decoder: impl Decoder + 'static, max: usize) -> Vec<TokenId> {
    let (completion, _, told) = run(model, request(decoder, max));
    assert_eq!(told, completion.text);
    completion.tokens
}

/// `b` has .50 and the best after it .5; `a` has .45 and `ab` .40.
fn greed_is_wrong() -> TableModel {
    TableModel::new(WORDS.len())
        .row(&[CONTEXT], &[45, 50, 5, 0])
        .row(&[CONTEXT, A], &[5, 40, 0, 0])
        .row(&[CONTEXT, B], &[50, 25, 25, 0])
        .row(&[CONTEXT, A, B], &[0, 0, 1, 0])
}

#[test]
fn a_search_finds_the_better_path() {
    let model = greed_is_wrong();
    assert_eq!(tokens(&model, Greedy, 2), [B, A]);
    for beams in [2, 3, 9] {
        for length_penalty in [0.0, 1.0] {
            assert_eq!(tokens(&model, Beam { beams, length_penalty }, 2), [A, B]);
        }
    }
    for lookahead in [1, 5] {
        assert_eq!(tokens(&model, AdaDec { threshold: 0.5, candidates: 3, lookahead }, 2), [A, B]);
    }
}

#[test]
fn a_look_ahead_that_is_kept_costs_no_pass() {
    let model = greed_is_wrong();
    // After the first token the winner's rows are sure: entropies .35 and 0; then all are alike, 1.39.
    let decoder = AdaDec { threshold: 0.5, candidates: 3, lookahead: 2 };
    let (completion, passes, _) = run(&model, request(decoder, 3));
    assert_eq!((&completion.tokens[..], passes), (&[A, B, 2][..], 2));
    assert_eq!(completion.finish, FinishReason::Length);
}

#[test]
fn what_a_stop_string_ends_is_a_hypothesis() {
    for (length_penalty, expected) in [(1.0, vec![A, B]), (0.0, vec![B])] {
        let mut request = request(Beam { beams: 2, length_penalty }, 5);
        request.stop = vec!["b".to_owned()];
        let (completion, ..) = run(&greed_is_wrong(), request);
        assert_eq!((completion.tokens, completion.finish), (expected, FinishReason::Stop));
    }
}

/// A tree of random weights after each of two prompts.
fn tree(seed: u64, depth: usize) -> TableModel {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut model = TableModel::new(WORDS.len());
    for prompt in [CONTEXT, QUESTION] {
        let mut open = vec![vec![prompt]];
        for _ in 0..depth {
            let mut next = vec![];
            for path in open {
                // A square spreads them: some rows are sure and some are not.
                let weight = |rng: &mut ChaCha8Rng| 1 + (rng.next_u32() % 200).pow(2);
                let mut weights: Vec<u32> = WORDS.iter().map(|_| weight(&mut rng)).collect();
                weights[END as usize] = 1 + weights[END as usize] / 3;
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

fn ranked(log_probs: &[f64]) -> Vec<(TokenId, f64)> {
    let mut ranked: Vec<(TokenId, f64)> = (0..).zip(log_probs.iter().copied()).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}

fn has_ended(path: &[TokenId], max: usize) -> bool {
    path.last() == Some(&END) || path.len() == max
}

/// AdaDec written down plainly: token by token, nothing of a look ahead is kept.
fn plain(model: &TableModel, decoder: AdaDec, alpha: f64, max: usize) -> Vec<TokenId> {
    let mut path = vec![];
    while !has_ended(&path, max) {
        let row = log_probs(model, &path, alpha);
        let entropy = -row.iter().map(|p| p.exp() * p).sum::<f64>();
        let is_sure = entropy < f64::from(decoder.threshold);
        let tried = ranked(&row).into_iter().take(if is_sure { 1 } else { decoder.candidates });
        let scored = tried.map(|(token, p)| {
            let (mut ahead, mut sum) = ([&path[..], &[token]].concat(), p);
            for _ in 0..decoder.lookahead {
                if !has_ended(&ahead, max) {
                    let (next, p) = ranked(&log_probs(model, &ahead, alpha))[0];
                    ahead.push(next);
                    sum += p;
                }
            }
            (token, sum / (ahead.len() - path.len()) as f64)
        });
        let best = scored.reduce(|best, other| if other.1 > best.1 { other } else { best });
        path.push(best.unwrap().0);
    }
    path
}

#[test]
fn what_is_kept_of_a_look_ahead_is_what_comes_token_by_token() {
    const DEPTH: usize = 7;
    let (mut ends, mut others) = (0, 0);
    for seed in 0..60 {
        let model = tree(seed, DEPTH);
        let greedy = tokens(&model, Greedy, DEPTH);
        for threshold in [0.0, 0.6, 0.9, 1.1, f32::INFINITY] {
            for (candidates, lookahead) in [(3, 5), (2, 1), (3, 0), (4, 2), (1, 5), (9, 3)] {
                let decoder = AdaDec { threshold, candidates, lookahead };
                let found = tokens(&model, decoder, DEPTH);
                assert_eq!(found, plain(&model, decoder, 0.0, DEPTH), "tree {seed}, {decoder:?}");
                if threshold == f32::INFINITY || lookahead == 0 || candidates == 1 {
                    assert_eq!(found, greedy, "tree {seed}, {decoder:?}");
                }
                ends += usize::from(found.last() == Some(&END));
                others += usize::from(found != greedy);
            }
        }
        let decoder = AdaDec { threshold: 0.7, ..AdaDec::default() };
        let mixed = tokens(&model, ContextAware::new(0.5, decoder), DEPTH);
        assert_eq!(mixed, plain(&model, decoder, 0.5, DEPTH), "tree {seed}, under contrast");
    }
    assert!(ends > 200 && others > 200, "{ends} ends of text, {others} unlike greedy");
}

/// The most probable of all paths.
fn best_of_all(
    model: &TableModel,
    path: &[TokenId],
    alpha: f64,
    max: usize,
) -> (Vec<TokenId>, f64) {
    if has_ended(path, max) {
        return (path.to_vec(), 0.0);
    }
    let onward = ranked(&log_probs(model, path, alpha)).into_iter().map(|(token, p)| {
        let (best, sum) = best_of_all(model, &[path, &[token]].concat(), alpha, max);
        (best, sum + p)
    });
    onward.reduce(|best, other| if other.1 > best.1 { other } else { best }).unwrap()
}

#[test]
fn a_beam_as_wide_as_the_tree_finds_the_best_path_also_under_contrast() {
    for seed in 0..30 {
        let model = tree(seed, 4);
        let wide = Beam { beams: 120, length_penalty: 0.0 };
        for alpha in [0.0, 0.5] {
            let request = request(ContextAware::new(alpha as f32, wide), 4);
            let (completion, ..) = run(&model, request);
            let (expected, sum) = best_of_all(&model, &[], alpha, 4);
            assert_eq!(completion.tokens, expected, "tree {seed}");
            assert!((completion.log_prob - sum).abs() < 1e-4, "tree {seed}");
        }
    }
}
