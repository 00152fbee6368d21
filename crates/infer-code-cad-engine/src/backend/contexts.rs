use std::fmt::Debug;
use std::ops::Range;

use infer_code_cad_decode::TokenId;

use super::{own_cache, own_cache_mut};
use crate::{LogitRows, Step};

/// A model that computes streams otherwise once they are longer than those it was first trained on, as LongRoPE
/// asks for.
///
/// The logits behind `n` tokens are those of the context for `n`, in whatever pieces the stream was fed and
/// whatever else the batch reads. A stream that grows beyond the short context, or is cut back into it, is
/// therefore computed anew from its tokens.
#[derive(Debug, Clone, Copy)]
pub struct TwoContexts {
    /// The longest stream of the short context, in tokens.
    pub short: usize,
}

/// For how long streams keys and values were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Context {
    /// Up to [`TwoContexts::short`] tokens.
    #[default]
    Short,
    /// More.
    Long,
}

/// A step's tokens by their context.
struct Split {
    /// Tokens of the stream before the step.
    past: usize,
    /// How many of the step are of the short context.
    within: usize,
    len: usize,
    logits: LogitRows,
}

impl Split {
    fn part(&self, context: Context) -> Range<usize> {
        match context {
            Context::Short => 0..self.within,
            Context::Long => self.within..self.len,
        }
    }

    /// The rows that a part is asked for.
    fn rows(&self, context: Context) -> LogitRows {
        let part = self.part(context);
        match self.logits {
            _ if part.is_empty() => LogitRows::None,
            LogitRows::Last if part.end < self.len => LogitRows::None,
            logits => logits,
        }
    }
}

impl TwoContexts {
    /// A forward pass over a batch that was checked, by `pass`, which appends to the layers and lengths of its own
    /// batch's caches and writes the rows that its batch asks for.
    ///
    /// `logits`: `(n_rows, vocab_size)`, overwritten
    ///
    /// # Errors
    /// Those of `pass`.
    pub fn forward<L: Debug + 'static, E>(
        &self,
        batch: &mut [Step<'_>],
        vocab_size: usize,
        logits: &mut Vec<f32>,
        mut pass: impl FnMut(Context, &mut [Step<'_>], &mut Vec<f32>) -> Result<(), E>,
    ) -> Result<(), E> {
        let splits: Vec<_> = batch.iter_mut().map(|step| self.split::<L>(step)).collect();
        logits.clear();
        let mut rows = [vec![], vec![]];
        // Most batches are of one context, whose rows are then written where they are to be.
        let first = usize::from(splits.iter().all(|split| split.within == 0));
        rows[first] = std::mem::take(logits);
        for (context, rows) in [Context::Short, Context::Long].into_iter().zip(&mut rows) {
            let anew = stale::<L>(batch, &splits, context);
            let mut steps: Vec<_> = batch
                .iter_mut()
                .zip(&anew)
                .filter(|(_, anew)| !anew.is_empty())
                .map(|(step, tokens)| Step {
                    cache: &mut *step.cache,
                    tokens,
                    logits: LogitRows::None,
                })
                .collect();
            if !steps.is_empty() {
                pass(context, &mut steps, rows)?;
            }
            let parts = batch.iter_mut().zip(&splits).map(|(step, split)| Step {
                tokens: &step.tokens[split.part(context)],
                cache: &mut *step.cache,
                logits: split.rows(context),
            });
            let mut steps: Vec<_> = parts.filter(|step| !step.tokens.is_empty()).collect();
            if !steps.is_empty() {
                pass(context, &mut steps, rows)?;
            }
        }
        match rows {
            [only, none] | [none, only] if none.is_empty() => *logits = only,
            rows => merge(&splits, &rows, vocab_size, logits),
        }
        Ok(())
    }

    /// Takes in the tokens of a step.
    fn split<L: 'static>(&self, step: &mut Step<'_>) -> Split {
        let (tokens, logits) = (step.tokens, step.logits);
        let cache = own_cache_mut::<L>(step);
        let past = cache.len;
        cache.tokens.truncate(past);
        cache.tokens.extend_from_slice(tokens);
        let within = self.short.saturating_sub(past).min(tokens.len());
        Split { past, within, len: tokens.len(), logits }
    }
}

/// Empties the streams that a part of this context goes on and that were computed in the other one; their tokens so
/// far, and none of the other streams.
fn stale<L: 'static>(
    batch: &mut [Step<'_>],
    splits: &[Split],
    context: Context,
) -> Vec<Vec<TokenId>> {
    let tokens = |(step, split): (&mut Step<'_>, &Split)| {
        let part = split.part(context);
        if part.is_empty() || own_cache::<L>(step).context == context {
            return vec![];
        }
        let cache = own_cache_mut::<L>(step);
        (cache.context, cache.len) = (context, 0);
        cache.tokens[..split.past + part.start].to_vec()
    };
    batch.iter_mut().zip(splits).map(tokens).collect()
}

/// The rows of both contexts in the order of the batch.
fn merge(splits: &[Split], rows: &[Vec<f32>; 2], vocab_size: usize, logits: &mut Vec<f32>) {
    let mut rest = rows.each_ref().map(Vec::as_slice);
    for split in splits {
        for (context, rest) in [Context::Short, Context::Long].into_iter().zip(&mut rest) {
            let rows = split.rows(context).of(split.part(context).len());
            let (of_step, after) = rest.split_at(rows * vocab_size);
            logits.extend_from_slice(of_step);
            *rest = after;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::backend::{ModelLimits, StreamCache};
    use crate::{EngineError, KvCache};

    type Layer = ();

    /// A row for each token: the context, and how many tokens were computed in this pass.
    fn forward(caches: &mut [Box<dyn KvCache>], tokens: &[&[TokenId]]) -> Vec<f32> {
        let steps = caches.iter_mut().zip(tokens);
        let mut batch: Vec<_> = steps
            .map(|(cache, tokens)| Step { cache: &mut **cache, tokens, logits: LogitRows::All })
            .collect();
        let (mut logits, mut computed) = (vec![], 0);
        let contexts = TwoContexts { short: 4 };
        let outcome = contexts.forward::<Layer, EngineError>(&mut batch, 2, &mut logits, {
            |context, batch, logits| {
                logits.clear();
                for step in batch {
                    computed += step.tokens.len();
                    for _ in 0..step.rows() {
                        logits.extend([context as usize as f32, step.tokens[0] as f32]);
                    }
                    let new = step.tokens.len();
                    own_cache_mut::<Layer>(step).len += new;
                }
                Ok(())
            }
        });
        outcome.unwrap();
        logits.push(computed as f32);
        logits
    }

    #[test]
    fn each_token_is_of_its_own_context_and_rows_keep_their_order() {
        let limits = ModelLimits::new(9, 99, 1);
        let mut caches = vec![limits.new_cache::<Layer>(), limits.new_cache::<Layer>()];
        // Three, then three of which one is within: four tokens are computed anew.
        let rows = forward(&mut caches, &[&[1, 1, 1], &[2]]);
        assert_eq!(rows, [0., 1., 0., 1., 0., 1., 0., 2., 4.]);
        let rows = forward(&mut caches, &[&[3, 3, 3], &[4]]);
        assert_eq!(rows, [0., 3., 1., 3., 1., 3., 0., 4., 8.]);
        assert_eq!((caches[0].len(), caches[1].len()), (6, 2));
        // Beyond, nothing is; cut back, the rest is, once.
        let rows = forward(&mut caches, &[&[5], &[6]]);
        assert_eq!(rows, [1., 5., 0., 6., 2.]);
        let mut fork = [caches[0].fork()];
        fork[0].truncate(2);
        assert_eq!(forward(&mut fork, &[&[7]]), [0., 7., 3.]);
        assert_eq!(forward(&mut fork, &[&[8]]), [0., 8., 1.]);
        let cache = (&*fork[0] as &dyn std::any::Any).downcast_ref::<StreamCache<Layer>>();
        assert_eq!(cache.unwrap().tokens, [1, 1, 7, 8]);
        assert_eq!(forward(&mut caches, &[&[9], &[1]]), [1., 9., 0., 1., 2.]);
    }
}
