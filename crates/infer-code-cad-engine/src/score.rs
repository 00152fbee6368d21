use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad_decode::{Greedy, TokenId};

use crate::{CausalLm, Engine, EngineError, Event, LogitRows, PromptLogProbs, Request, Step};

/// The natural log-probability of each token given those before it: a request that draws nothing.
///
/// One value per token after the first, `ln p(tokens[i] | tokens[..i])` for `i >= 1`; the mean of
/// their negatives is the cross-entropy per token. Other requests of the engine go on meanwhile, and their
/// events are lost: where there are some, submit a request with
/// [`Request::prompt_log_probs`](crate::Request::prompt_log_probs).
///
/// # Errors
/// What is wrong with the tokens, as [`Event::Failed`] says, and faults of the model.
pub fn score(engine: &mut Engine, tokens: &[TokenId]) -> Result<Vec<f64>, EngineError> {
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let mut request = Request::new("score", vec![tokens.to_vec()], Arc::new(Greedy));
    request.max_new_tokens = 0;
    request.samples = 0..0;
    request.prompt_log_probs = Some(PromptLogProbs { stream: 0, from: 1, top: 0 });
    let own = engine.submit(request);
    let mut outcome = None;
    while outcome.is_none() {
        engine.step(&mut |id, event| {
            match event {
                Event::PromptScored { log_probs } if id == own => {
                    outcome = Some(Ok(log_probs.iter().map(|scored| scored.log_prob).collect()));
                }
                Event::Failed { error, .. } if id == own => outcome = Some(Err(error)),
                _ => {}
            }
            ControlFlow::Continue(())
        });
    }
    outcome.expect("the loop ends with one")
}

/// The logits that follow `tokens`, `(vocab_size)`.
///
/// # Errors
/// Those of [`CausalLm::forward`].
pub fn next_logits(model: &dyn CausalLm, tokens: &[TokenId]) -> Result<Vec<f32>, EngineError> {
    let mut cache = model.new_cache();
    let mut logits = Vec::new();
    let step = Step { cache: &mut *cache, tokens, logits: LogitRows::Last };
    model.forward(&mut [step], &mut logits)?;
    Ok(logits)
}
