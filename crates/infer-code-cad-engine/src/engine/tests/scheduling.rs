//! Who is advanced when: prompts beside rows, cancelling, scoring, failing passes, handles.

use std::sync::atomic::{AtomicUsize, Ordering};

use infer_code_cad_decode::RowLogProbs;

use super::*;
use crate::{LogProbs, PromptLogProbs, RequestStats, TableModel, score};

/// Steps until nothing is left; the events of each request in turn, as text.
fn drain(engine: &mut Engine) -> Vec<(RequestId, String)> {
    let mut heard = vec![];
    while !engine.is_idle() {
        engine.step(&mut |id, event| {
            heard.push((id, format!("{event:?}")));
            Continue(())
        });
    }
    heard
}

/// A long prompt is read in pieces beside the rows that generate, which get a token in every pass.
#[test]
fn a_long_prompt_stalls_nobody() {
    let mut engine = engine(&EngineConfig { tokens_per_pass: 8, ..config() });
    let mut running = request("running", &[&[1]], 1);
    (running.eos, running.max_new_tokens) = (vec![], 30);
    let running = engine.submit(running);
    engine.step(&mut |_, _| Continue(()));
    let mut long = request("long", &[&[2; 35]], 1);
    long.max_new_tokens = 1;
    let long = engine.submit(long);
    let (mut done, mut passes) = (false, 0);
    while !done {
        let mut tokens = 0;
        engine.step(&mut |id, event| {
            tokens += usize::from(id == running && matches!(event, Event::Token { .. }));
            done |= id == long && matches!(event, Event::Finished { .. });
            Continue(())
        });
        passes += 1;
        assert!(tokens == 1 || passes == 1, "the running sequence has a token per pass");
    }
    assert!((5..=7).contains(&passes), "35 tokens at 7 a pass beside one row: {passes}");
}

#[test]
fn cancelling_frees_rows_before_the_next_pass() {
    let mut engine = engine(&EngineConfig { max_rows: 2, ..config() });
    let endless = with(problems(4), |request| request.eos = vec![]);
    let ids: Vec<RequestId> = endless.into_iter().map(|request| engine.submit(request)).collect();
    for _ in 0..4 {
        engine.step(&mut |_, _| Continue(()));
    }
    assert_eq!((engine.progress().rows, engine.progress().waiting), (2, 3));
    engine.cancel(ids[0]);
    assert_eq!(engine.progress().rows, 0);
    let mut started = vec![];
    for _ in 0..3 {
        engine.step(&mut |id, event| {
            if let Event::Ended { stats: RequestStats { cancelled, .. } } = event {
                assert!(cancelled && id == ids[0]);
            }
            if matches!(event, Event::Started { .. }) {
                started.push(id);
            }
            Continue(())
        });
    }
    assert_eq!(started, [ids[1]]);
    ids.iter().for_each(|&id| engine.cancel(id));
    engine.cancel(ids[0]);
    let last = drain(&mut engine);
    assert!(
        last.len() == 2 && last.iter().all(|(_, event)| event.starts_with("Ended")),
        "{last:?}"
    );
    assert_eq!((engine.rows, engine.bytes), (0, 0));
}

/// Whatever becomes of a request, its last event comes once, and last.
#[test]
fn every_request_ends_once() {
    let endings = |act: &dyn Fn(&mut Engine, RequestId)| {
        let mut engine = engine(&config());
        let bad = engine.submit(request("bad", &[&[1], &[]], 1));
        let good = engine.submit(problems(2).remove(0));
        let score = engine.submit(with(problems(1), |r| r.max_new_tokens = 0).remove(1));
        [bad, good, score].into_iter().for_each(|id| act(&mut engine, id));
        let heard = drain(&mut engine);
        for id in [bad, good, score] {
            let own: Vec<&String> =
                heard.iter().filter(|(of, _)| *of == id).map(|(_, e)| e).collect();
            let last = own.iter().filter(|event| event.starts_with("Ended")).count();
            assert!(last == 1 && own[own.len() - 1].starts_with("Ended"), "{own:?}");
        }
    };
    endings(&|_, _| {});
    endings(&|engine, id| engine.cancel(id));
    endings(&|engine, id| (0..2).for_each(|_| engine.cancel(id)));
    // A sink that breaks at the last word but one hears the last all the same.
    let mut engine = engine(&config());
    engine.submit(problems(1).remove(0));
    let mut ended = 0;
    while !engine.is_idle() {
        engine.step(&mut |_, event| {
            ended += usize::from(matches!(event, Event::Ended { .. }));
            if matches!(event, Event::Finished { .. }) { Break(()) } else { Continue(()) }
        });
    }
    assert_eq!(ended, 1);
}

#[test]
fn requests_of_before_have_other_numbers_than_those_of_handles() {
    let mut engine = engine(&config());
    engine.submit(problems(1).remove(0));
    let handle = engine.spawn();
    let (id, events) = handle.submit(problems(1).remove(0));
    assert_eq!(id, RequestId(1));
    let finished = events.iter().filter(|event| matches!(event, Event::Finished { .. })).count();
    assert_eq!((finished, handle.stats().completions), (1, 1));
}

/// Requests that hold no rows are drawn as they are done, not all at once.
#[test]
fn generate_draws_lazily_whatever_it_draws() {
    let drawn = std::cell::Cell::new(0);
    let scoring = std::iter::repeat_with(|| {
        drawn.set(drawn.get() + 1);
        let mut request = request("t", &[&[1, 2, 3]], 0);
        request.prompt_log_probs = Some(PromptLogProbs { stream: 0, from: 1, top: 0 });
        if drawn.get() % 2 == 0 { Request { prompt_log_probs: None, ..request } } else { request }
    });
    let mut ended = 0;
    let stats = generate(&mut engine(&config()), scoring, &mut |_, event| {
        ended += usize::from(matches!(event, Event::Ended { .. }));
        if ended == 6 { Break(()) } else { Continue(()) }
    });
    assert!(stats.cancelled && drawn.get() <= 8, "{} drawn", drawn.get());
}

#[test]
fn a_sink_that_breaks_cancels_its_request_only() {
    let mut engine = engine(&config());
    let ids: Vec<RequestId> =
        problems(2).into_iter().map(|request| engine.submit(request)).collect();
    let mut finished = 0;
    while !engine.is_idle() {
        engine.step(&mut |id, event| {
            finished += usize::from(matches!(event, Event::Finished { .. }));
            if id == ids[1] { Break(()) } else { Continue(()) }
        });
    }
    assert_eq!(finished, 4);
}

#[test]
fn rows_and_memory_are_set_aside_for_all_branches_and_given_back() {
    let model = TableModel::new(3).with_max_positions(60);
    // Ten positions of four bytes and twice three logits a stream.
    let one = 4 * (2 + 8) + 2 * 4 * 3;
    let root = 4 * 2 + 2 * 4 * 3;
    let config = EngineConfig { cache_bytes: Some(root + 2 * one), ..config() };
    let mut engine = Engine::new(Arc::new(model), Arc::new(vec!["a"; 3]), config).unwrap();
    let mut request = Request::new("t", vec![vec![0, 1]], Arc::new(Greedy));
    (request.samples, request.max_new_tokens) = (0..5, 8);
    let mut most = 0;
    engine.submit(request.clone());
    while !engine.is_idle() {
        most = most.max(engine.step(&mut |_, _| Continue(())).rows);
    }
    assert_eq!((most, engine.rows, engine.bytes), (2, 0, 0));
    assert_eq!(engine.stats().completions, 5);
    request.max_new_tokens = 20;
    let large = Request { streams: vec![vec![0; 30]], ..request };
    engine.submit(large);
    let heard = drain(&mut engine);
    assert!(heard[0].1.contains("SequenceMemory"), "{heard:?}");
}

#[test]
fn scoring_does_not_wait_for_rows() {
    let mut engine = engine(&EngineConfig { max_rows: 2, tokens_per_pass: 10, ..config() });
    let mut endless = with(problems(1), |request| request.eos = vec![]).remove(0);
    endless.samples = 0..50;
    engine.submit(endless);
    for _ in 0..3 {
        engine.step(&mut |_, _| Continue(()));
    }
    let stream: Vec<TokenId> = (0..30).map(|at| at * 7 % 11).collect();
    let scores = score(&mut engine, &stream).unwrap();
    assert_eq!(scores.len(), 29);
    for (at, score) in scores.iter().enumerate() {
        let row: Vec<f32> = hash_logits(&stream[..=at]).collect();
        assert_eq!(score.to_bits(), RowLogProbs::of(&row).of_token(stream[at + 1]).to_bits());
    }
    assert!(score(&mut engine, &[]).unwrap().is_empty());
    assert!(matches!(
        score(&mut engine, &[1, 99]),
        Err(EngineError::PromptToken { token: 99, .. })
    ));
}

proptest! {
    /// Whatever is known of the stream and however it is cut into pieces.
    #[test]
    fn a_prompt_has_the_same_scores_from_anywhere(
        len in 1usize..MAX_POSITIONS, from in 0usize..MAX_POSITIONS, tokens_per_pass in 1usize..50,
        known in 0usize..MAX_POSITIONS, top in 0usize..4,
    ) {
        let stream: Vec<TokenId> = (0..len).map(|at| (at * at % 11) as TokenId).collect();
        let mut engine = engine(&EngineConfig { tokens_per_pass, ..config() });
        if known > 0 {
            let mut before = request("before", &[&stream[..known.min(len)]], 1);
            before.max_new_tokens = 1;
            engine.submit(before);
            drain(&mut engine);
        }
        let mut scoring = request("t", &[&stream, &[1]], 1);
        scoring.max_new_tokens = 2;
        scoring.log_probs = LogProbs::Chosen;
        scoring.prompt_log_probs = Some(PromptLogProbs { stream: 0, from, top });
        engine.submit(scoring);
        let mut scores = None;
        let mut finished = 0;
        while !engine.is_idle() {
            engine.step(&mut |_, event| {
                finished += usize::from(matches!(event, Event::Finished { .. }));
                if let Event::PromptScored { log_probs } = event {
                    scores = Some(log_probs);
                }
                Continue(())
            });
        }
        let scores = scores.unwrap();
        prop_assert_eq!((finished, scores.len()), (1, len.saturating_sub(from.max(1))));
        for (at, scored) in scores.iter().enumerate() {
            let at = at + from.max(1);
            let row: Vec<f32> = hash_logits(&stream[..at]).collect();
            let expected = RowLogProbs::of(&row);
            prop_assert_eq!(scored.token, stream[at]);
            prop_assert_eq!(scored.log_prob.to_bits(), expected.of_token(stream[at]).to_bits());
            prop_assert_eq!(&scored.top, &expected.top(top));
        }
    }
}

/// Prompts that begin alike are read once, whether they come together or one after the other.
#[test]
fn beginnings_are_read_once() {
    let prompt = |own: TokenId| -> Vec<TokenId> { [vec![7; 25], vec![own; 5]].concat() };
    let requests: Vec<Request> = (0..6).map(|own| request("t", &[&prompt(own)], 1)).collect();
    let (_, together) = run(&requests, &EngineConfig { max_rows: 64, ..config() }).unwrap();
    let (_, in_turn) = run(&requests, &EngineConfig { max_rows: 1, ..config() }).unwrap();
    let (_, none) =
        run(&requests, &EngineConfig { max_rows: 1, prefix_bytes: 0, ..config() }).unwrap();
    assert_eq!((together.prefill_tokens, together.reused_tokens), (30 + 5 * 5, 5 * 25));
    assert_eq!((in_turn.prefill_tokens, in_turn.reused_tokens), (30 + 5 * 5, 5 * 25));
    assert_eq!((none.prefill_tokens, none.reused_tokens), (180, 0));
}

/// Fails every pass that sees token 9.
#[derive(Debug, Default)]
struct Failing(AtomicUsize);

impl CausalLm for Failing {
    fn vocab_size(&self) -> usize {
        VOCAB_SIZE
    }

    fn max_positions(&self) -> usize {
        MAX_POSITIONS
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        HashLm.new_cache()
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        if batch.iter().any(|step| step.tokens.contains(&9)) {
            self.0.fetch_add(1, Ordering::Relaxed);
            return Err(EngineError::Other("out of luck".into()));
        }
        HashLm.forward(batch, logits)
    }
}

#[test]
fn a_failed_pass_fails_what_it_advanced_and_nothing_else() {
    let model = Arc::new(Failing::default());
    let mut engine = Engine::new(
        Arc::clone(&model) as _,
        Arc::new(vocabulary()),
        EngineConfig { max_rows: 1, ..config() },
    )
    .unwrap();
    let zeros = Arc::new(infer_code_cad_decode::from_fn(Settings::new("zeros"), |_, _, _| Ok(0)));
    for prompt in [1, 9, 2] {
        let mut request = request("t", &[&[prompt]], 1);
        request.decoder = Arc::clone(&zeros) as _;
        engine.submit(request);
    }
    let (mut finished, mut failed) = (0, vec![]);
    while !engine.is_idle() {
        engine.step(&mut |id, event| {
            finished += usize::from(matches!(event, Event::Finished { .. }));
            if let Event::Failed { sample: None, error } = event {
                failed.push((id, error.to_string()));
            }
            Continue(())
        });
    }
    assert_eq!((finished, failed.len(), model.0.load(Ordering::Relaxed)), (2, 1, 1));
    assert!(failed[0].1.contains("out of luck"), "{failed:?}");
    assert_eq!((engine.rows, engine.bytes), (0, 0));
}

#[test]
fn callers_share_an_engine_through_handles() {
    let alone = collect(&problems(3), &config());
    let handle = engine(&config()).spawn();
    let callers: Vec<_> = problems(3)
        .into_iter()
        .map(|request| {
            let handle = handle.clone();
            std::thread::spawn(move || {
                let task = request.task.clone();
                let (_, events) = handle.submit(request);
                let finished = events.into_iter().filter_map(|event| match event {
                    Event::Finished { sample, completion } => Some((sample, completion)),
                    _ => None,
                });
                (task, finished.collect::<Vec<_>>())
            })
        })
        .collect();
    let mut n = 0;
    for caller in callers {
        let (task, finished) = caller.join().unwrap();
        for (sample, completion) in finished {
            assert_eq!(completion, alone[&(task.clone(), sample)].0);
            n += 1;
        }
    }
    assert_eq!((n, handle.stats().completions), (9, 9));
}

#[test]
fn a_caller_that_hangs_up_frees_its_rows() {
    let handle = engine(&EngineConfig { max_rows: 2, ..config() }).spawn();
    let endless = with(problems(1), |request| {
        (request.eos, request.samples) = (vec![], 0..1_000_000);
    });
    let (gone, events) = handle.submit(endless[0].clone());
    drop(events);
    let (_, kept) = handle.submit(endless[1].clone());
    handle.cancel(gone);
    let (id, _unheard) = handle.submit(endless[2].clone());
    for event in kept.iter().take(200) {
        assert!(!matches!(event, Event::Ended { .. } | Event::Failed { .. }), "{event:?}");
    }
    handle.cancel(id);
    drop(kept);
    let (_, events) = handle.submit(problems(1).remove(0));
    let last = events.into_iter().last();
    assert!(matches!(last, Some(Event::Ended { stats }) if stats.completions == 1), "{last:?}");
}

/// A model that panics takes its engine along, and callers learn of it by the channel that closes.
#[test]
fn a_panic_of_the_model_closes_the_channels() {
    #[derive(Debug)]
    struct Panicking;
    impl CausalLm for Panicking {
        fn vocab_size(&self) -> usize {
            VOCAB_SIZE
        }
        fn max_positions(&self) -> usize {
            MAX_POSITIONS
        }
        fn new_cache(&self) -> Box<dyn KvCache> {
            HashLm.new_cache()
        }
        fn forward(&self, _: &mut [Step<'_>], _: &mut Vec<f32>) -> Result<(), EngineError> {
            panic!("a model's fault")
        }
    }
    let engine = Engine::new(Arc::new(Panicking), Arc::new(vocabulary()), config()).unwrap();
    let handle = engine.spawn();
    for _ in 0..2 {
        let (_, events) = handle.submit(problems(1).remove(0));
        assert!(!events.iter().any(|event| matches!(event, Event::Ended { .. })));
    }
}
