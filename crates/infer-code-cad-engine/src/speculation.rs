use std::fmt::Debug;

use infer_code_cad_decode::TokenId;

use crate::StepTimes;

/// Guesses the next tokens of a sequence for the engine to verify in one pass.
///
/// Tokens and log-probabilities are those without it: the guess is fed whole, the decoding is asked position
/// by position while its token is the guessed one, and the rest is forgotten. Only a sequence with one branch
/// that goes on is guessed for; any move but one `extend` ends the check.
///
/// Leviathan et al., [Fast Inference from Transformers via Speculative
/// Decoding](https://arxiv.org/abs/2211.17192); a decoder that draws is asked as often as without guesses,
/// so its draws are the same.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::TokenId;
/// use infer_code_cad_engine::{Speculation, Speculator};
///
/// /// Guesses that what followed the last token in the prompt follows again.
/// #[derive(Debug)]
/// struct PromptLookup;
///
/// struct Lookup(Vec<TokenId>);
///
/// impl Speculation for PromptLookup {
///     fn begin(&self, prompt: &[&[TokenId]], _sample: usize) -> Box<dyn Speculator> {
///         Box::new(Lookup(prompt[0].to_vec()))
///     }
/// }
///
/// impl Speculator for Lookup {
///     fn propose(&mut self, past: &[TokenId], room: usize, out: &mut Vec<TokenId>) {
///         let at = self.0.iter().rposition(|token| Some(token) == past.last());
///         out.extend(at.into_iter().flat_map(|at| &self.0[at + 1..]).take(room));
///     }
///
///     fn verified(&mut self, _proposed: usize, _kept: usize) {}
/// }
///
/// let mut guesses = vec![];
/// PromptLookup.begin(&[&[5, 6, 7]], 0).propose(&[5], 1, &mut guesses);
/// assert_eq!(guesses, [6]);
/// ```
pub trait Speculation: Debug + Send + Sync {
    /// The guesses for one sample.
    fn begin(&self, prompt: &[&[TokenId]], sample: usize) -> Box<dyn Speculator>;
}

/// Guesses for one sequence.
pub trait Speculator: Send {
    /// Tells of the pass ahead before each [`Speculator::propose`]: whoever knows what rows cost can tell how
    /// long a guess pays.
    fn look_ahead(&mut self, ahead: &Ahead<'_>) {
        let _ = ahead;
    }

    /// Appends up to `room` tokens that may follow `past`, what was generated so far. What is more, or no
    /// token of the model, is not looked at.
    fn propose(&mut self, past: &[TokenId], room: usize, out: &mut Vec<TokenId>);

    /// Tells how many of the tokens proposed last were right.
    fn verified(&mut self, proposed: usize, kept: usize);
}

/// A pass as it would be without guesses, and what more rows would cost.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Ahead<'a> {
    /// Rows of all sequences together.
    pub rows: usize,
    /// Rows that each guessed token of this sequence adds.
    pub arity: usize,
    /// What the engine has seen so far.
    pub times: &'a StepTimes,
}
