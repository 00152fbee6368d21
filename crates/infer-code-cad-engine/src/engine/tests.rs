#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod moves;
mod reference;
mod scheduling;
mod stats;

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use infer_code_cad_decode::rand_core::Rng;
use infer_code_cad_decode::{
    Branch, DecodeError, Decoder, Decoding, Greedy, Logits, Moves, Nucleus, Opening, Settings,
    TokenId, pick,
};
use proptest::prelude::*;

use super::*;
use crate::{
    CausalLm, Completion, Cost, Engine, EngineConfig, EngineError, FinishReason, GenerateStats,
    KvCache, LogitRows, Step, generate,
};

const VOCAB_SIZE: usize = 12;
const MAX_POSITIONS: usize = 40;
const EOS: TokenId = 11;

/// Tokens of one, several and no bytes, among them halves of a character.
fn vocabulary() -> Vec<&'static [u8]> {
    vec![
        b"a",
        b"b",
        b"\n",
        b"ab",
        b"def",
        b" ",
        b"\xc3",
        b"\xa9",
        b"\xe2\x82",
        b"",
        b"xyz",
        b"</s>",
    ]
}

/// Its logits are a hash of the stream, so any mistake about the past changes what follows.
#[derive(Debug)]
struct HashLm;

#[derive(Debug, Clone)]
struct History(Vec<TokenId>);

impl KvCache for History {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn fork(&self) -> Box<dyn KvCache> {
        Box::new(self.clone())
    }

    fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

fn hash_logits(stream: &[TokenId]) -> impl Iterator<Item = f32> {
    let mix =
        |hash: u64, token: u64| (hash ^ token).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let state = stream.iter().fold(1, |hash, &token| mix(hash, u64::from(token) + 1));
    (0..VOCAB_SIZE as u64).map(move |token| (mix(mix(state, token), 7) % 1000) as f32 / 100.0)
}

impl CausalLm for HashLm {
    fn vocab_size(&self) -> usize {
        VOCAB_SIZE
    }

    fn max_positions(&self) -> usize {
        MAX_POSITIONS
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        Box::new(History(Vec::new()))
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        logits.clear();
        for step in batch {
            let rows = step.logits;
            let History(stream) = (&mut *step.cache as &mut dyn Any).downcast_mut().unwrap();
            assert!(!step.tokens.is_empty(), "a step brings at least one token");
            let last = stream.len() + step.tokens.len();
            for &token in step.tokens {
                stream.push(token);
                let wanted =
                    rows == LogitRows::All || (rows == LogitRows::Last && stream.len() == last);
                if wanted {
                    logits.extend(hash_logits(stream));
                }
            }
            assert!(stream.len() <= MAX_POSITIONS, "a stream outgrew the model");
        }
        Ok(())
    }
}

/// Adds up the rows, the first with more weight, and takes the best of three random tokens.
#[derive(Debug, Clone)]
struct Mixer {
    arity: usize,
}

impl Decoder for Mixer {
    fn arity(&self) -> usize {
        self.arity
    }

    fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        Ok(Box::new(self.clone()))
    }

    fn settings(&self) -> Settings {
        Settings::new("mixer").with("arity", self.arity)
    }
}

impl Decoding for Mixer {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        let Branch { id, logits, past, .. } = branches[0];
        let score = |token: &TokenId| {
            let column =
                (0..logits.arity()).map(|s| logits.row(s)[*token as usize] / (s + 1) as f32);
            column.sum::<f32>()
        };
        let drawn: [TokenId; 3] = std::array::from_fn(|_| rng.next_u32() % VOCAB_SIZE as TokenId);
        let token = drawn.into_iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
        moves.extend(id, token, logits.row(0));
        moves.settle(id, past.len() + 1);
        Ok(())
    }
}

/// What one call produced: by task and sample, the completion and the text that was streamed.
type Outcome = BTreeMap<(String, usize), (Completion, String)>;

fn engine(config: &EngineConfig) -> Engine {
    Engine::new(Arc::new(HashLm), Arc::new(vocabulary()), *config).unwrap()
}

fn collect(requests: &[Request], config: &EngineConfig) -> Outcome {
    run(requests, config).unwrap().0
}

/// Completions and statistics, or the first error.
fn run(
    requests: &[Request],
    config: &EngineConfig,
) -> Result<(Outcome, GenerateStats), EngineError> {
    let (mut outcome, mut streamed) = (Outcome::new(), BTreeMap::new());
    let mut failure = None;
    let stats = generate(&mut engine(config), requests.to_vec(), &mut |prompt, event| {
        let key = |sample| (requests[prompt].task.clone(), sample);
        match event {
            Event::Token { sample, text, .. } => {
                streamed.entry(key(sample)).or_insert_with(String::new).push_str(&text);
            }
            Event::Finished { sample, completion } => {
                let text = streamed.remove(&key(sample)).unwrap_or_default();
                outcome.insert(key(sample), (completion, text));
            }
            Event::Failed { error, .. } => failure = failure.take().or(Some(error)),
            _ => {}
        }
        Continue(())
    });
    failure.map_or(Ok((outcome, stats)), Err)
}

/// A request for `n` samples of up to 20 tokens, which [`EOS`] ends.
fn request(task: &str, streams: &[&[TokenId]], n: usize) -> Request {
    let decoder = Arc::new(Mixer { arity: streams.len() });
    let mut request =
        Request::new(task, streams.iter().map(|stream| stream.to_vec()).collect(), decoder);
    request.samples = 0..n;
    request.max_new_tokens = 20;
    request.eos = vec![EOS];
    request
}

/// Three problems of two streams, of different lengths.
fn problems(n: usize) -> Vec<Request> {
    vec![
        request("a", &[&[1, 2, 3, 4, 5, 6, 7], &[3, 4]], n),
        request("b", &[&[9], &[8, 8, 8]], n),
        request("c", &[&[0, 1], &[1, 0]], n),
    ]
}

fn with(requests: Vec<Request>, change: impl Fn(&mut Request)) -> Vec<Request> {
    requests
        .into_iter()
        .map(|mut request| {
            change(&mut request);
            request
        })
        .collect()
}

fn config() -> EngineConfig {
    EngineConfig { max_rows: 7, ..Default::default() }
}

#[test]
fn tokens_do_not_depend_on_rows_chunks_or_order() {
    let mut problems = problems(5);
    let expected = collect(&problems, &config());
    assert_eq!(expected.len(), 15);
    for max_rows in [2, 3, 7, 64] {
        for tokens_per_pass in [1, 3, 1000, usize::MAX] {
            let config = EngineConfig { max_rows, tokens_per_pass, ..config() };
            problems.rotate_left(1);
            assert_eq!(collect(&problems, &config), expected, "{config:?}");
        }
    }
}

#[test]
fn a_sample_is_the_same_however_many_follow() {
    let many = collect(&problems(10), &config());
    for (key, one) in collect(&problems(1), &config()) {
        assert_eq!(one, many[&key]);
    }
    let later = with(problems(10), |request| request.samples = 7..10);
    for (key, one) in collect(&later, &config()) {
        assert_eq!(one, many[&key]);
    }
}

#[test]
fn seed_and_role_matter_and_samples_differ() {
    let zero = collect(&problems(2), &config());
    let seeded = with(problems(2), |request| request.seed = 1);
    assert_ne!(zero, collect(&seeded, &config()));
    let other = with(problems(2), |request| request.role = 1);
    assert_ne!(zero, collect(&other, &config()));
    assert_ne!(zero[&("a".to_owned(), 0)], zero[&("a".to_owned(), 1)]);
}

#[test]
fn a_prompt_is_read_once_and_rows_are_capped() {
    let endless = with(problems(10), |request| request.eos = vec![]);
    let (_, stats) = run(&endless, &EngineConfig { max_rows: 5, ..config() }).unwrap();
    assert_eq!(stats.prefill_tokens, 9 + 4 + 4);
    assert_eq!((stats.completions, stats.decode_tokens), (30, 600));
    assert_eq!(stats.peak_rows, 4);
    assert_eq!(stats.decode_rows, 2 * (600 - 30)); // the first token of each comes with the prompt
    assert!(!stats.cancelled);
}

#[test]
fn prompts_are_drawn_only_when_there_is_room() {
    let drawn = std::cell::Cell::new(0);
    let endless = with(problems(1), |request| request.eos = vec![]);
    let requests = endless.into_iter().inspect(|_| drawn.set(drawn.get() + 1));
    let mut finished = 0;
    generate(&mut engine(&EngineConfig { max_rows: 2, ..config() }), requests, &mut |_, event| {
        finished += usize::from(matches!(event, Event::Finished { .. }));
        assert!(drawn.get() <= finished + 1, "{} drawn, {finished} finished", drawn.get());
        Continue(())
    });
    assert_eq!(finished, 3);
}

#[test]
fn an_end_token_ends_the_completion_and_is_not_text() {
    let every = with(problems(2), |request| request.eos = (0..VOCAB_SIZE as TokenId).collect());
    for (completion, streamed) in collect(&every, &config()).values() {
        assert_eq!((completion.tokens.len(), completion.finish), (1, FinishReason::Eos));
        assert_eq!((completion.text.as_str(), streamed.as_str()), ("", ""));
    }
}

#[test]
fn a_stop_string_ends_the_text_across_tokens() {
    let free = with(problems(1), |request| request.eos = vec![]);
    let (full, _) = collect(&free, &config()).remove(&("a".into(), 0)).unwrap();
    let (cut, _) = full.text.char_indices().nth(full.text.chars().count() / 2).unwrap();
    let stop: String = full.text[cut..].chars().take(3).collect();
    let at = full.text.find(&stop).unwrap();
    let stopping = with(free, |request| request.stop = vec![stop.clone()]);
    let (stopped, streamed) = collect(&stopping, &config()).remove(&("a".into(), 0)).unwrap();
    assert_eq!(stopped.finish, FinishReason::Stop);
    assert_eq!(stopped.text, full.text[..at]);
    assert_eq!(streamed, stopped.text);
    assert!(full.tokens.starts_with(&stopped.tokens));
}

#[test]
fn a_completion_ends_where_the_model_does() {
    for len in [MAX_POSITIONS - 3, MAX_POSITIONS] {
        let mut long = request("long", &[&vec![1; len], &[2]], 1);
        (long.eos, long.max_new_tokens) = (vec![], 100);
        let (completion, _) = &collect(&[long], &config())[&("long".into(), 0)];
        assert_eq!(completion.tokens.len(), MAX_POSITIONS - len + 1);
        assert_eq!(completion.finish, FinishReason::Length);
    }
}

#[test]
fn nothing_to_do_is_done_without_the_model() {
    let (outcome, stats) = run(&problems(0), &config()).unwrap();
    assert_eq!((outcome.len(), stats), (0, GenerateStats::default()));

    let none = with(problems(2), |request| request.max_new_tokens = 0);
    let (outcome, stats) = run(&none, &config()).unwrap();
    assert!(outcome.values().all(|(c, _)| c.tokens.is_empty() && c.finish == FinishReason::Length));
    assert_eq!((outcome.len(), stats.completions, stats.prefill_tokens), (6, 6, 0));
}

#[test]
fn breaking_off_returns_at_once() {
    let all = run(&problems(4), &config()).unwrap().1;
    let mut heard = 0;
    let mut engine = engine(&config());
    let stats = generate(&mut engine, problems(4), &mut |_, event| {
        heard += usize::from(matches!(event, Event::Token { .. }));
        if heard == 10 { Break(()) } else { Continue(()) }
    });
    assert!(stats.cancelled && engine.progress().rows == 0);
    assert!(heard == 10 && stats.decode_tokens < all.decode_tokens, "{heard}, {stats:?}");
}

#[test]
fn a_long_prompt_can_be_broken_off() {
    let config = EngineConfig { tokens_per_pass: 4, ..config() };
    let mut heard = 0;
    let stats = generate(&mut engine(&config), problems(1), &mut |_, _| {
        heard += 1;
        if heard == 2 { Break(()) } else { Continue(()) }
    });
    assert!(stats.cancelled);
    assert!(stats.prefill_tokens <= 4 && stats.decode_tokens == 0, "{stats:?}");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let engine = |config| Engine::new(Arc::new(HashLm), Arc::new(vocabulary()), config);
    let still = engine(EngineConfig { tokens_per_pass: 0, ..config() }).unwrap_err();
    assert!(matches!(still, EngineError::EmptyPass));
    let none = engine(EngineConfig { max_rows: 0, ..config() }).unwrap_err();
    assert!(matches!(none, EngineError::NoRows));
}

#[test]
fn a_request_that_cannot_be_done_is_refused_by_name() {
    let refused = |request: Request, config: EngineConfig| run(&[request], &config).unwrap_err();
    let streams = |streams: &[&[TokenId]]| {
        let mut request = request("t", streams, 1);
        request.decoder = Arc::new(Mixer { arity: 2 });
        refused(request, config())
    };
    let lone = streams(&[&[1]]);
    assert!(
        matches!(&lone, EngineError::StreamCount { task, expected: 2, actual: 1 } if task == "t")
    );
    assert!(matches!(streams(&[&[1], &[]]), EngineError::EmptyStream { stream: 1, .. }));
    let foreign = streams(&[&[1, 12], &[1]]);
    assert!(matches!(foreign, EngineError::PromptToken { stream: 0, position: 1, token: 12, .. }));
    let long = streams(&[&[1], &[1; MAX_POSITIONS + 1]]);
    assert!(matches!(long, EngineError::PromptTooLong { stream: 1, tokens: 41, .. }));

    let blind = request("t", &[], 1);
    assert!(matches!(refused(blind, config()), EngineError::NoStreams { .. }));
    let narrow = refused(problems(1).remove(0), EngineConfig { max_rows: 1, ..config() });
    assert!(matches!(narrow, EngineError::RowCap { max_rows: 1, arity: 2, branches: 1, .. }));
    let mute = with(problems(1), |request| request.stop = vec![String::new()]).remove(0);
    assert!(matches!(refused(mute, config()), EngineError::EmptyStop { index: 0 }));
}

#[test]
fn one_bad_request_never_ends_another() {
    let alone = collect(&problems(2), &config());
    let mut requests = problems(2);
    requests.insert(1, request("bad", &[&[1], &[]], 2));
    let (mut outcome, mut failed) = (Outcome::new(), vec![]);
    generate(&mut engine(&config()), requests.clone(), &mut |prompt, event| {
        match event {
            Event::Finished { sample, completion } => {
                let text = completion.text.clone();
                outcome.insert((requests[prompt].task.clone(), sample), (completion, text));
            }
            Event::Failed { sample, .. } => failed.push((prompt, sample)),
            _ => {}
        }
        Continue(())
    });
    assert_eq!((outcome, failed), (alone, vec![(1, None)]));
}

#[test]
fn an_error_of_the_decoder_says_where_and_fails_one_sample() {
    let broken = infer_code_cad_decode::from_fn(Settings::new("broken"), |row, _, rng| {
        let unlucky = rng.next_u32() % 8 == 0;
        if unlucky || row[0] > 9.5 {
            Err(DecodeError::NotANumber { stream: 0, token: 0 })
        } else {
            Ok(0)
        }
    });
    let mut request = request("t", &[&[3]], 20);
    (request.decoder, request.max_new_tokens) = (Arc::new(broken), 6);
    let (mut finished, mut failed) = (0, 0);
    generate(&mut engine(&config()), [request], &mut |_, event| {
        match event {
            Event::Finished { .. } => finished += 1,
            Event::Failed { sample: Some(_), error } => {
                let EngineError::Decode { task, position, source, .. } = &error else {
                    panic!("unexpected {error:?}");
                };
                assert!(task == "t" && *position < 6);
                assert!(matches!(source, DecodeError::NotANumber { stream: 0, token: 0 }));
                failed += 1;
            }
            _ => {}
        }
        Continue(())
    });
    assert!(finished + failed == 20 && finished > 0 && failed > 0, "{finished} {failed}");
}

#[test]
fn a_temperature_whose_reciprocal_overflows_is_refused_and_fails_its_request_only() {
    let refused = |temperature| {
        let mut request = request("t", &[&[3]], 2);
        request.decoder = Arc::new(Nucleus { temperature, ..Nucleus::default() });
        let (mut finished, mut failed) = (0, vec![]);
        let mut other = request.clone();
        other.decoder = Arc::new(Greedy);
        generate(&mut engine(&config()), [request, other], &mut |prompt, event| {
            match event {
                Event::Finished { .. } if prompt == 1 => finished += 1,
                Event::Failed { error, .. } if prompt == 0 => failed.push(error.to_string()),
                Event::Finished { .. } | Event::Failed { .. } => panic!("the other one"),
                _ => {}
            }
            Continue(())
        });
        assert_eq!(finished, 2);
        failed.iter().all(|error| error.contains("temperature is")) && !failed.is_empty()
    };
    assert!([1e-39, f32::from_bits(1), f32::NAN, f32::INFINITY].into_iter().all(refused));
}

#[test]
fn greedy_samples_are_equal() {
    let mut request = request("t", &[&[1, 2]], 3);
    request.decoder = Arc::new(Greedy);
    let outcome = collect(&[request], &config());
    let mut completions = outcome.values();
    let first = completions.next().unwrap();
    assert!(completions.all(|other| other == first));
}
