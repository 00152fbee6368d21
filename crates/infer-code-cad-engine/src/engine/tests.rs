#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow::{Break, Continue};

use infer_code_cad_decode::{DecodeError, Greedy, Logits};
use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;

use super::*;
use crate::KvCache;

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
            let History(stream) = (&mut *step.cache as &mut dyn Any).downcast_mut().unwrap();
            assert!(!step.tokens.is_empty(), "a step brings at least one token");
            stream.extend_from_slice(step.tokens);
            assert!(stream.len() <= MAX_POSITIONS, "a stream outgrew the model");
            if step.logits == LogitRows::Last {
                logits.extend(hash_logits(stream));
            }
        }
        Ok(())
    }
}

/// Adds up the rows, the first with more weight, and takes the best of three random tokens.
#[derive(Debug)]
struct Mixer {
    arity: usize,
}

impl Decoder for Mixer {
    fn arity(&self) -> usize {
        self.arity
    }

    fn decode(&self, logits: Logits<'_>, rng: &mut dyn RngCore) -> Result<TokenId, DecodeError> {
        let score = |token: &TokenId| {
            let column =
                (0..logits.arity()).map(|s| logits.row(s)[*token as usize] / (s + 1) as f32);
            column.sum::<f32>()
        };
        let drawn: [TokenId; 3] = std::array::from_fn(|_| rng.next_u32() % VOCAB_SIZE as TokenId);
        Ok(drawn.into_iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap())
    }
}

/// What one call produced: by task and sample, the completion and the text that was streamed.
type Outcome = BTreeMap<(String, usize), (Completion, String)>;

fn collect(prompts: &[Prompt], decoder: &dyn Decoder, config: &GenerateConfig) -> Outcome {
    run(prompts, decoder, config).unwrap().0
}

fn run(
    prompts: &[Prompt],
    decoder: &dyn Decoder,
    config: &GenerateConfig,
) -> Result<(Outcome, GenerateStats), EngineError> {
    let mut outcome = Outcome::new();
    let mut streamed: BTreeMap<(usize, usize), (Vec<TokenId>, String)> = BTreeMap::new();
    let mut sink = |event: Event<'_>| {
        match event {
            Event::Prefilled { tokens, of, .. } => assert!(tokens <= of),
            Event::Token { prompt, sample, token, text } => {
                let (tokens, so_far) = streamed.entry((prompt, sample)).or_default();
                tokens.push(token);
                so_far.push_str(text);
            }
            Event::Finished { prompt, sample, completion } => {
                let (tokens, text) = streamed.remove(&(prompt, sample)).unwrap_or_default();
                assert_eq!(tokens, completion.tokens);
                let key = (prompts[prompt].task.clone(), sample);
                assert!(outcome.insert(key, (completion, text)).is_none(), "finished twice");
            }
        }
        Continue(())
    };
    let stats =
        generate(&HashLm, &vocabulary(), prompts.iter().cloned(), decoder, config, &mut sink)?;
    assert!(streamed.is_empty(), "a sequence was left unfinished");
    Ok((outcome, stats))
}

/// One sample by itself, the whole past recomputed and the whole text searched at every token.
fn reference(
    prompt: &Prompt,
    sample: usize,
    decoder: &dyn Decoder,
    config: &GenerateConfig,
) -> Completion {
    let mut rng = sequence::sample_rng(config.seed, &prompt.task, sample);
    let mut streams = prompt.streams.clone();
    let mut completion = Completion::empty(FinishReason::Length);
    let mut bytes = Vec::new();
    while completion.tokens.len() < config.max_new_tokens
        && streams.iter().all(|stream| stream.len() <= MAX_POSITIONS)
    {
        let logits: Vec<f32> = streams.iter().flat_map(|stream| hash_logits(stream)).collect();
        let logits = Logits::new(&logits, streams.len(), VOCAB_SIZE).unwrap();
        let token = decoder.decode(logits, &mut rng).unwrap();
        completion.tokens.push(token);
        streams.iter_mut().for_each(|stream| stream.push(token));
        if config.eos.contains(&token) {
            completion.finish = FinishReason::Eos;
            break;
        }
        bytes.extend_from_slice(vocabulary()[token as usize]);
        if let Some((start, _)) = crate::stop::tests::naive(&bytes, &config.stop) {
            bytes.truncate(start);
            completion.finish = FinishReason::Stop;
            break;
        }
    }
    completion.text = String::from_utf8_lossy(&bytes).into_owned();
    completion
}

fn prompt(task: &str, streams: &[&[TokenId]], n_samples: usize) -> Prompt {
    let streams = streams.iter().map(|stream| stream.to_vec()).collect();
    Prompt { task: task.to_owned(), streams, n_samples }
}

/// Three problems of two streams, of different lengths.
fn problems(n_samples: usize) -> Vec<Prompt> {
    vec![
        prompt("a", &[&[1, 2, 3, 4, 5, 6, 7], &[3, 4]], n_samples),
        prompt("b", &[&[9], &[8, 8, 8]], n_samples),
        prompt("c", &[&[0, 1], &[1, 0]], n_samples),
    ]
}

fn config() -> GenerateConfig {
    GenerateConfig { max_new_tokens: 20, eos: vec![EOS], max_rows: 7, ..Default::default() }
}

#[test]
fn tokens_do_not_depend_on_rows_chunks_or_order() {
    let decoder = Mixer { arity: 2 };
    let mut problems = problems(5);
    let expected = collect(&problems, &decoder, &config());
    assert_eq!(expected.len(), 15);
    for max_rows in [2, 3, 7, 64] {
        for prefill_chunk in [1, 3, 1000, usize::MAX] {
            let config = GenerateConfig { max_rows, prefill_chunk, ..config() };
            problems.rotate_left(1);
            assert_eq!(collect(&problems, &decoder, &config), expected, "{config:?}");
        }
    }
}

#[test]
fn a_sample_is_the_same_however_many_follow() {
    let decoder = Mixer { arity: 2 };
    let many = collect(&problems(10), &decoder, &config());
    for (key, one) in collect(&problems(1), &decoder, &config()) {
        assert_eq!(one, many[&key]);
    }
}

#[test]
fn the_seed_matters_and_samples_differ() {
    let decoder = Mixer { arity: 2 };
    let zero = collect(&problems(2), &decoder, &config());
    let one = collect(&problems(2), &decoder, &GenerateConfig { seed: 1, ..config() });
    assert_ne!(zero, one);
    assert_ne!(zero[&("a".to_owned(), 0)], zero[&("a".to_owned(), 1)]);
}

#[test]
fn a_prompt_is_read_once_and_rows_are_capped() {
    let config = GenerateConfig { eos: vec![], max_rows: 5, ..config() };
    let (_, stats) = run(&problems(10), &Mixer { arity: 2 }, &config).unwrap();
    assert_eq!(stats.prefill_tokens, 9 + 4 + 4);
    assert_eq!((stats.completions, stats.decode_tokens), (30, 600));
    assert_eq!(stats.peak_rows, 4);
    assert_eq!(stats.decode_rows, 2 * (600 - 30)); // the first token of each comes with the prompt
    assert_eq!(stats.decode_steps, 15 * 19);
    assert!(!stats.cancelled);
}

#[test]
fn prompts_are_drawn_only_when_there_is_room() {
    let drawn = std::cell::Cell::new(0);
    let prompts = problems(1).into_iter().inspect(|_| drawn.set(drawn.get() + 1));
    let mut finished = 0;
    let config = GenerateConfig { eos: vec![], max_rows: 2, ..config() };
    let mut sink = |event: Event<'_>| {
        finished += usize::from(matches!(event, Event::Finished { .. }));
        assert!(drawn.get() <= finished + 1, "{} drawn, {finished} finished", drawn.get());
        Continue(())
    };
    let mixer = Mixer { arity: 2 };
    generate(&HashLm, &vocabulary(), prompts, &mixer, &config, &mut sink).unwrap();
    assert_eq!(finished, 3);
}

#[test]
fn an_end_token_ends_the_completion_and_is_not_text() {
    let every = GenerateConfig { eos: (0..VOCAB_SIZE as TokenId).collect(), ..config() };
    for (completion, streamed) in collect(&problems(2), &Mixer { arity: 2 }, &every).values() {
        assert_eq!((completion.tokens.len(), completion.finish), (1, FinishReason::Eos));
        assert_eq!((completion.text.as_str(), streamed.as_str()), ("", ""));
    }
}

#[test]
fn a_stop_string_ends_the_text_across_tokens() {
    let free = GenerateConfig { eos: vec![], ..config() };
    let (full, _) =
        collect(&problems(1), &Mixer { arity: 2 }, &free).remove(&("a".into(), 0)).unwrap();
    let (cut, _) = full.text.char_indices().nth(full.text.chars().count() / 2).unwrap();
    let stop: String = full.text[cut..].chars().take(3).collect();
    let at = full.text.find(&stop).unwrap();
    let config = GenerateConfig { stop: vec![stop], ..free };
    let (stopped, streamed) =
        collect(&problems(1), &Mixer { arity: 2 }, &config).remove(&("a".into(), 0)).unwrap();
    assert_eq!(stopped.finish, FinishReason::Stop);
    assert_eq!(stopped.text, full.text[..at]);
    assert_eq!(streamed, stopped.text);
    assert!(full.tokens.starts_with(&stopped.tokens));
}

#[test]
fn a_completion_ends_where_the_model_does() {
    let config = GenerateConfig { eos: vec![], max_new_tokens: 100, ..config() };
    for len in [MAX_POSITIONS - 3, MAX_POSITIONS] {
        let long = prompt("long", &[&vec![1; len], &[2]], 1);
        let (completion, _) = &collect(&[long], &Mixer { arity: 2 }, &config)[&("long".into(), 0)];
        assert_eq!(completion.tokens.len(), MAX_POSITIONS - len + 1);
        assert_eq!(completion.finish, FinishReason::Length);
    }
}

#[test]
fn nothing_to_do_is_done_without_the_model() {
    let (outcome, stats) = run(&problems(0), &Mixer { arity: 2 }, &config()).unwrap();
    assert_eq!((outcome.len(), stats), (0, GenerateStats::default()));

    let none = GenerateConfig { max_new_tokens: 0, ..config() };
    let (outcome, stats) = run(&problems(2), &Mixer { arity: 2 }, &none).unwrap();
    assert!(
        outcome
            .values()
            .all(|(completion, _)| *completion == Completion::empty(FinishReason::Length))
    );
    assert_eq!((outcome.len(), stats.completions, stats.prefill_tokens), (6, 6, 0));
}

#[test]
fn breaking_off_returns_at_once() {
    let all = run(&problems(4), &Mixer { arity: 2 }, &config()).unwrap().1;
    let mut heard = 0;
    let mut sink = |event: Event<'_>| {
        heard += usize::from(matches!(event, Event::Token { .. }));
        if heard == 10 { Break(()) } else { Continue(()) }
    };
    let mixer = Mixer { arity: 2 };
    let stats =
        generate(&HashLm, &vocabulary(), problems(4), &mixer, &config(), &mut sink).unwrap();
    assert!(stats.cancelled);
    assert_eq!(stats.decode_tokens, 10);
    assert!(stats.decode_tokens < all.decode_tokens);
}

#[test]
fn a_long_prompt_can_be_broken_off() {
    let config = GenerateConfig { prefill_chunk: 2, ..config() };
    let mut sink = |_: Event<'_>| Break(());
    let mixer = Mixer { arity: 2 };
    let stats = generate(&HashLm, &vocabulary(), problems(1), &mixer, &config, &mut sink).unwrap();
    assert!(stats.cancelled);
    assert_eq!((stats.prefill_tokens, stats.decode_tokens), (4, 0));
}

fn error(prompts: &[Prompt], config: &GenerateConfig) -> EngineError {
    run(prompts, &Mixer { arity: 2 }, config).unwrap_err()
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let narrow = GenerateConfig { max_rows: 1, ..config() };
    assert!(matches!(error(&[], &narrow), EngineError::RowCap { max_rows: 1, arity: 2 }));
    let still = GenerateConfig { prefill_chunk: 0, ..config() };
    assert!(matches!(error(&[], &still), EngineError::EmptyPrefillChunk));
    let mute = GenerateConfig { stop: vec![String::new()], ..config() };
    assert!(matches!(error(&[], &mute), EngineError::EmptyStop { index: 0 }));
}

#[test]
fn a_prompt_that_cannot_be_read_is_refused_by_name() {
    let refused = |streams: &[&[TokenId]]| error(&[prompt("t", streams, 1)], &config());
    let lone = refused(&[&[1]]);
    assert!(
        matches!(&lone, EngineError::StreamCount { task, expected: 2, actual: 1 } if task == "t")
    );
    assert!(matches!(refused(&[&[1], &[]]), EngineError::EmptyStream { stream: 1, .. }));
    let foreign = refused(&[&[1, 12], &[1]]);
    assert!(matches!(foreign, EngineError::PromptToken { stream: 0, position: 1, token: 12, .. }));
    let long = refused(&[&[1], &[1; MAX_POSITIONS + 1]]);
    assert!(matches!(long, EngineError::PromptTooLong { stream: 1, tokens: 41, .. }));
}

/// Fails where the first logit is large.
#[derive(Debug)]
struct Broken;

impl Decoder for Broken {
    fn decode(&self, logits: Logits<'_>, _: &mut dyn RngCore) -> Result<TokenId, DecodeError> {
        match logits.row(0)[0] {
            x if x > 5.0 => Err(DecodeError::NotANumber { stream: 0, token: 0 }),
            _ => Ok(0),
        }
    }
}

#[test]
fn an_error_of_the_decoder_says_where() {
    let start = prompt("t", &[&[3]], 1);
    let fails_at = (0..).find(|&n| {
        let stream: Vec<_> = std::iter::once(3).chain(std::iter::repeat_n(0, n)).collect();
        hash_logits(&stream).next().unwrap() > 5.0
    });
    let error = run(&[start], &Broken, &config()).unwrap_err();
    let EngineError::Decode { task, sample: 0, position, source } = &error else {
        panic!("unexpected {error:?}");
    };
    assert_eq!((task.as_str(), Some(*position)), ("t", fails_at));
    assert_eq!(*source, DecodeError::NotANumber { stream: 0, token: 0 });
}

#[test]
fn greedy_samples_are_equal() {
    let outcome = collect(&[prompt("t", &[&[1, 2]], 3)], &Greedy, &config());
    let mut completions = outcome.values();
    let first = completions.next().unwrap();
    assert!(completions.all(|other| other == first));
}

proptest! {
    #[test]
    fn agrees_with_one_sample_at_a_time(
        arity in 1usize..4,
        lengths in proptest::collection::vec((1usize..MAX_POSITIONS + 1, 0usize..4), 0..5),
        instruction in 0usize..MAX_POSITIONS,
        max_new_tokens in 0usize..50,
        spare_rows in 0usize..10,
        prefill_chunk in 1usize..50,
        seed in any::<u64>(),
        eos in proptest::collection::vec(0..VOCAB_SIZE as TokenId, 0..2),
        stop in proptest::collection::vec(
            proptest::sample::select(vec!["ab", "\n", "é", "def", "bab", "z\n", "a a"]), 0..3),
    ) {
        let stop = stop.into_iter().map(str::to_owned).collect();
        let max_rows = arity + spare_rows;
        let config =
            GenerateConfig { max_new_tokens, eos, stop, max_rows, prefill_chunk, seed };
        let token = |index: usize, stream: usize, at: usize| {
            let own = if at < instruction { 0 } else { index * 7 + stream * 3 };
            ((own + at * 5) % VOCAB_SIZE) as TokenId
        };
        let prompts: Vec<Prompt> = lengths.iter().enumerate().map(|(index, &(len, n_samples))| {
            let len = |stream| (len + stream * 11) % MAX_POSITIONS + 1;
            let stream = |s| (0..len(s)).map(|at| token(index, s, at)).collect();
            let streams = (0..arity).map(stream).collect();
            Prompt { task: format!("task {index}"), streams, n_samples }
        }).collect();
        let decoder = Mixer { arity };
        let (outcome, stats) = run(&prompts, &decoder, &config).unwrap();

        prop_assert_eq!(outcome.len(), prompts.iter().map(|p| p.n_samples).sum::<usize>());
        prop_assert!(stats.peak_rows <= max_rows);
        for prompt in &prompts {
            for sample in 0..prompt.n_samples {
                let (completion, streamed) = &outcome[&(prompt.task.clone(), sample)];
                prop_assert_eq!(completion, &reference(prompt, sample, &decoder, &config));
                prop_assert_eq!(streamed, &completion.text);
            }
        }
    }
}
