use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use infer_code_cad_checkpoint::Message;
use infer_code_cad_decode::{Greedy, TokenId};
use infer_code_cad_engine::{EngineError, Event, PromptLogProbs, Request, TokenLogProb};
use infer_code_cad_tasks::prompts::MASK;

use crate::prompt_format::Framing;
use crate::{PromptError, Solver};

/// One text that a model reads, and its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stream {
    /// As the model reads it, chat markers included.
    pub text: String,
    /// The same in tokens.
    pub tokens: Vec<TokenId>,
}

/// Puts texts into the form that one model reads.
///
/// A [`PromptFormat`](crate::PromptFormat) resolved against one model is a [`ModelWriter`]. Each stream is
/// framed on its own, so that each begins with a BOS of its own.
///
/// # Examples
/// A writer for tests of prompters, whose tokens are bytes:
/// ```
/// use std::ops::Range;
///
/// use infer_code_cad::checkpoint::Message;
/// use infer_code_cad::{Layout, PaperPrompter, PromptError, Prompter, Stream, Writer};
///
/// #[derive(Debug)]
/// struct Bytes;
///
/// impl Writer for Bytes {
///     fn chat(&self, messages: &[Message], answer: &str) -> Result<Stream, PromptError> {
///         let said: String = messages.iter().map(|message| message.content.as_str()).collect();
///         self.raw(&(said + answer))
///     }
///
///     fn raw(&self, text: &str) -> Result<Stream, PromptError> {
///         Ok(Stream { text: text.to_owned(), tokens: text.bytes().map(u32::from).collect() })
///     }
///
///     fn spans(
///         &self,
///         _: &Stream,
///         bytes: &[Range<usize>],
///     ) -> Result<Vec<Range<usize>>, PromptError> {
///         Ok(bytes.to_vec())
///     }
///
///     fn score(&self, _: &Stream, _: usize) -> Result<f64, PromptError> {
///         Err(PromptError::Other("bytes have no model".into()))
///     }
/// }
///
/// let problem = infer_code_cad::embedded::problems()?.remove(0);
/// let prompted = PaperPrompter::new(Layout::Plain).prompts(&[problem.clone()], &Bytes).remove(0)?;
/// assert!(prompted.streams[0].text.ends_with(&problem.prompt));
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
pub trait Writer: Debug + Send + Sync {
    /// Messages in the model's chat format, with the beginning of its answer; `""` where the answer is
    /// the model's from its first word on. For a model that reads raw text, the contents one after the
    /// other, an empty line between two of them.
    ///
    /// # Errors
    /// [`PromptError::Checkpoint`] when the template or the tokenizer refuses them.
    fn chat(&self, messages: &[Message], answer: &str) -> Result<Stream, PromptError>;

    /// The text as it is, after the BOS of the tokenizer.
    ///
    /// # Errors
    /// [`PromptError::Checkpoint`] when the tokenizer refuses it.
    fn raw(&self, text: &str) -> Result<Stream, PromptError>;

    /// Which tokens stand for these ranges of bytes of a stream's text: for each the tokens that share a
    /// byte with it.
    ///
    /// # Errors
    /// [`PromptError::ForeignStream`] when the stream's tokens are not those of its text.
    fn spans(
        &self,
        stream: &Stream,
        bytes: &[Range<usize>],
    ) -> Result<Vec<Range<usize>>, PromptError>;

    /// The natural log-probability of a stream's tokens from `from` on, given those before; the very
    /// first token has none and counts nothing.
    ///
    /// # Errors
    /// [`PromptError::Engine`] when the model cannot read the stream.
    fn score(&self, stream: &Stream, from: usize) -> Result<f64, PromptError>;

    /// What stands for masked words: the tokenizer's mask token, or else [`MASK`](crate::tasks::prompts::MASK).
    fn mask(&self) -> &str {
        MASK
    }
}

/// Writes for the model of a [`Solver`] as a [`PromptFormat`](crate::PromptFormat) says.
#[derive(Debug, Clone)]
pub struct ModelWriter {
    solver: Solver,
    framing: Framing,
}

impl ModelWriter {
    pub(crate) fn new(solver: Solver, framing: Framing) -> Self {
        Self { solver, framing }
    }
}

impl Writer for ModelWriter {
    fn chat(&self, messages: &[Message], answer: &str) -> Result<Stream, PromptError> {
        self.raw(&(self.framing.frame(messages)? + answer))
    }

    fn raw(&self, text: &str) -> Result<Stream, PromptError> {
        let tokens = self.solver.model.tokenizer.encode(text)?;
        Ok(Stream { text: text.to_owned(), tokens })
    }

    fn spans(
        &self,
        stream: &Stream,
        bytes: &[Range<usize>],
    ) -> Result<Vec<Range<usize>>, PromptError> {
        let found = self.solver.model.tokenizer.encode_with_offsets(&stream.text)?;
        if !found.iter().map(|(token, _)| token).eq(&stream.tokens) {
            return Err(PromptError::ForeignStream { tokens: stream.tokens.len() });
        }
        let places: Vec<Range<usize>> = found.into_iter().map(|(_, place)| place).collect();
        Ok(bytes.iter().map(|bytes| tokens_of(&places, bytes)).collect())
    }

    fn score(&self, stream: &Stream, from: usize) -> Result<f64, PromptError> {
        let mut request = Request::new("score", vec![stream.tokens.clone()], Arc::new(Greedy));
        request.max_new_tokens = 0;
        request.samples = 0..0;
        request.prompt_log_probs = Some(PromptLogProbs { stream: 0, from, top: 0 });
        let (_, events) = self.solver.engine()?.submit(request);
        for event in events {
            match event {
                Event::PromptScored { log_probs } => return Ok(sum(&log_probs)),
                Event::Failed { error, .. } => return Err(error.into()),
                _ => {}
            }
        }
        Err(EngineError::Stopped.into())
    }

    fn mask(&self) -> &str {
        self.solver.model.mask_token.as_deref().unwrap_or(MASK)
    }
}

fn sum(log_probs: &[TokenLogProb]) -> f64 {
    log_probs.iter().map(|token| token.log_prob).sum()
}

/// The tokens, by their places in the text, that share a byte with a range; where none does, no token at
/// the place where one would be.
fn tokens_of(places: &[Range<usize>], bytes: &Range<usize>) -> Range<usize> {
    let shares = |place: &&Range<usize>| {
        !place.is_empty() && place.start < bytes.end && bytes.start < place.end
    };
    let Some(first) = places.iter().position(|place| shares(&place)) else {
        let next = places.iter().position(|place| bytes.end <= place.start && !place.is_empty());
        let next = next.unwrap_or(places.len());
        return next..next;
    };
    let last = places.iter().rposition(|place| shares(&place)).unwrap_or(first);
    first..last + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_bytes_is_the_tokens_that_share_a_byte_with_it() {
        // An added BOS, "ab", a blank that belongs to no token, "cd", and a character in two tokens.
        let places = [0..0, 0..2, 3..5, 5..7, 5..7];
        let tokens = |bytes: Range<usize>| tokens_of(&places, &bytes);
        assert_eq!(tokens(0..2), 1..2);
        assert_eq!(tokens(1..4), 1..3);
        assert_eq!(tokens(4..7), 2..5);
        assert_eq!(tokens(2..3), 2..2);
        assert_eq!(tokens(0..0), 1..1);
        assert_eq!(tokens(7..9), 5..5);
    }
}
