//! Scoring a prompt with its five most probable alternatives, beside requests that generate.

use std::sync::Arc;

use infer_code_cad::decode::{Greedy, Nucleus, TokenId};
use infer_code_cad::embedded;
use infer_code_cad::engine::{
    Engine, EngineConfig, Event, LogProbs, PromptLogProbs, Request, TokenLogProb, next_logits,
};

/// The log-probabilities of a text's tokens with the top 5, and how often the model would have said so.
fn score(engine: &infer_code_cad::engine::EngineHandle, tokens: &[TokenId]) -> Vec<TokenLogProb> {
    let mut request = Request::new("score", vec![tokens.to_vec()], Arc::new(Greedy));
    (request.max_new_tokens, request.samples) = (0, 0..0);
    request.prompt_log_probs = Some(PromptLogProbs { stream: 0, from: 1, top: 5 });
    let (_, events) = engine.submit(request);
    let scored = events.into_iter().find_map(|event| match event {
        Event::PromptScored { log_probs } => Some(log_probs),
        Event::Failed { error, .. } => panic!("{error}"),
        _ => None,
    });
    scored.unwrap()
}

#[test]
fn a_prompt_is_scored_while_others_generate() {
    let model = embedded::model().unwrap();
    let text = "def add(a, b):\n    \"\"\"Add a and b.\"\"\"\n    return a + b\n";
    let tokens = model.tokenizer.encode(text).unwrap();
    let config = EngineConfig { max_rows: 8, ..EngineConfig::default() };
    let engine =
        Engine::new(model.causal_lm.clone(), model.tokenizer.clone(), config).unwrap().spawn();
    let alone = score(&engine, &tokens);

    let sampler = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
    let mut busy = Request::new("busy", vec![tokens.clone()], Arc::new(sampler));
    (busy.samples, busy.max_new_tokens, busy.log_probs) = (0..200, 60, LogProbs::Top(2));
    let (id, events) = engine.submit(busy);
    let is_token = |event: &Event<'_>| matches!(event, Event::Token { .. });
    assert!(events.iter().any(|event| is_token(&event)), "it is busy");
    let beside = score(&engine, &tokens);
    assert!(events.try_iter().all(|event| !matches!(event, Event::Ended { .. })), "it still is");
    engine.cancel(id);
    assert_eq!(beside, alone);

    assert_eq!(alone.len(), tokens.len() - 1);
    for (at, scored) in alone.iter().enumerate() {
        let row = next_logits(model.causal_lm.as_ref(), &tokens[..=at]).unwrap();
        let row: Vec<f64> = row.into_iter().map(f64::from).collect();
        let mass: f64 = row.iter().map(|logit| logit.exp()).sum();
        let expected = row[scored.token as usize] - mass.ln();
        assert_eq!(scored.token, tokens[at + 1]);
        assert!((scored.log_prob - expected).abs() < 1e-4, "{} is not {expected}", scored.log_prob);
        assert!(scored.top.len() == 5 && scored.top.is_sorted_by(|a, b| a.1 >= b.1));
        for (token, log_prob) in &scored.top {
            let same = log_prob.to_bits() == scored.log_prob.to_bits();
            assert!(
                *token != scored.token || same,
                "one number, whether it is among the top or not"
            );
        }
    }
}
