//! The engine against one sample at a time, written down plainly.

use infer_code_cad_decode::RowLogProbs;

use super::*;

/// One sample by itself, the whole past recomputed and the whole text searched at every token.
fn reference(request: &Request, sample: usize) -> Completion {
    let mut rng = random::sample_rng(request.seed, &request.task, request.role, sample);
    let mut streams = request.streams.clone();
    let cost = Cost { prompt_tokens: streams.iter().map(Vec::len).sum(), ..Cost::default() };
    let mut completion = Completion::empty(FinishReason::Length, cost);
    let mut bytes = Vec::new();
    while completion.tokens.len() < request.max_new_tokens
        && streams.iter().all(|stream| stream.len() <= MAX_POSITIONS)
    {
        let logits: Vec<f32> = streams.iter().flat_map(|stream| hash_logits(stream)).collect();
        let view = Logits::new(&logits, streams.len(), VOCAB_SIZE).unwrap();
        let token = pick(&*request.decoder, view, &mut rng).unwrap();
        let row = &logits[..VOCAB_SIZE];
        completion.log_prob += RowLogProbs::of(row).of_token(token);
        if !completion.tokens.is_empty() {
            completion.cost.row_passes += streams.len();
        }
        completion.tokens.push(token);
        completion.cost.kept += 1;
        streams.iter_mut().for_each(|stream| stream.push(token));
        if request.eos.contains(&token) {
            completion.finish = FinishReason::Eos;
            break;
        }
        bytes.extend_from_slice(vocabulary()[token as usize]);
        if let Some((start, _)) = crate::stop::tests::naive(&bytes, &request.stop) {
            bytes.truncate(start);
            completion.finish = FinishReason::Stop;
            break;
        }
    }
    completion.text = String::from_utf8_lossy(&bytes).into_owned();
    completion
}

proptest! {
    #[test]
    fn agrees_with_one_sample_at_a_time(
        arity in 1usize..4,
        lengths in proptest::collection::vec((1usize..MAX_POSITIONS + 1, 0usize..4), 0..5),
        instruction in 0usize..MAX_POSITIONS,
        max_new_tokens in 0usize..50,
        spare_rows in 0usize..10,
        tokens_per_pass in 1usize..50,
        prefix_bytes in prop_oneof![Just(0u64), Just(1 << 20)],
        seed in any::<u64>(),
        eos in proptest::collection::vec(0..VOCAB_SIZE as TokenId, 0..2),
        stop in proptest::collection::vec(
            proptest::sample::select(vec!["ab", "\n", "é", "def", "bab", "z\n", "a a"]), 0..3),
    ) {
        let max_rows = arity + spare_rows;
        let config = EngineConfig { max_rows, tokens_per_pass, prefix_bytes, ..Default::default() };
        let token = |index: usize, stream: usize, at: usize| {
            let own = if at < instruction { 0 } else { index * 7 + stream * 3 };
            ((own + at * 5) % VOCAB_SIZE) as TokenId
        };
        let requests: Vec<Request> = lengths.iter().enumerate().map(|(index, &(len, n_samples))| {
            let len = |stream| (len + stream * 11) % MAX_POSITIONS + 1;
            let stream = |s| (0..len(s)).map(|at| token(index, s, at)).collect();
            let streams = (0..arity).map(stream).collect();
            let mut request =
                Request::new(format!("task {index}"), streams, Arc::new(Mixer { arity }));
            (request.samples, request.max_new_tokens) = (0..n_samples, max_new_tokens);
            (request.eos, request.seed) = (eos.clone(), seed);
            request.stop = stop.iter().map(|&stop| stop.to_owned()).collect();
            request
        }).collect();
        let (outcome, stats) = run(&requests, &config).unwrap();

        prop_assert_eq!(outcome.len(), requests.iter().map(|r| r.samples.len()).sum::<usize>());
        prop_assert!(stats.peak_rows <= max_rows);
        let known = stats.prefill_tokens + stats.reused_tokens;
        let read = requests.iter().filter(|r| !r.samples.is_empty() && max_new_tokens > 0);
        prop_assert_eq!(known, read.flat_map(|r| &r.streams).map(Vec::len).sum::<usize>());
        for request in &requests {
            for sample in request.samples.clone() {
                let (completion, streamed) = &outcome[&(request.task.clone(), sample)];
                prop_assert_eq!(completion, &reference(request, sample));
                prop_assert_eq!(streamed, &completion.text);
            }
        }
    }
}
