use infer_code_cad_decode::TokenId;

use crate::{CausalLm, EngineError, LogitRows, Step};

/// Positions per forward pass: bounds the logits held at once.
const CHUNK: usize = 128;

/// The natural log-probability of each token given those before it, in f64.
///
/// One value per token after the first, `ln p(tokens[i] | tokens[..i])` for `i >= 1`; the mean of
/// their negatives is the cross-entropy per token.
///
/// # Errors
/// Those of [`CausalLm::forward`].
pub fn score(model: &dyn CausalLm, tokens: &[TokenId]) -> Result<Vec<f64>, EngineError> {
    let vocab_size = model.vocab_size();
    if let Some(position) = tokens.iter().position(|&token| token as usize >= vocab_size) {
        let token = tokens[position];
        return Err(EngineError::TokenOutOfRange { step: 0, position, token, vocab_size });
    }
    let mut cache = model.new_cache();
    let mut logits = Vec::new();
    let mut scores = Vec::with_capacity(tokens.len());
    let inputs = &tokens[..tokens.len().saturating_sub(1)];
    let targets = tokens.get(1..).unwrap_or_default();
    for (inputs, targets) in inputs.chunks(CHUNK).zip(targets.chunks(CHUNK)) {
        let step = Step { cache: &mut *cache, tokens: inputs, logits: LogitRows::All };
        model.forward(&mut [step], &mut logits)?;
        for (row, &token) in logits.chunks_exact(vocab_size).zip(targets) {
            scores.push(f64::from(row[token as usize]) - log_sum_exp(row));
        }
    }
    Ok(scores)
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

fn log_sum_exp(row: &[f32]) -> f64 {
    let max = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    max + row.iter().map(|&logit| (f64::from(logit) - max).exp()).sum::<f64>().ln()
}
