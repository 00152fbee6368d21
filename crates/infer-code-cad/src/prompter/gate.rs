use std::fmt;
use std::str::FromStr;

use infer_code_cad_checkpoint::Message;

use crate::{PromptError, Stream, Writer};

/// Which of the passages found stand in a prompt.
///
/// A passage beside the point costs a small model answers that it knew, so a prompt may be better off without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PassageGate {
    /// All that the retriever gives.
    #[default]
    Open,
    /// Those that make what comes after them in the prompt more probable to the model itself: each passage alone
    /// must raise the log-probability of the problem. It costs a pass over a prompt for each passage.
    Perplexity,
}

impl PassageGate {
    /// By how much the log-probability of what follows the passage is higher than without it, in nats.
    ///
    /// `with` and `without` are one prompt; what they end in, from a line's beginning on, is compared.
    pub(super) fn gain(with: &str, without: &str, writer: &dyn Writer) -> Result<f64, PromptError> {
        let same = common_end(with, without);
        let log_prob = |text: &str| -> Result<f64, PromptError> {
            let stream = writer.chat(&[Message::user(text)], "")?;
            writer.score(&stream, beginning(&stream, &text[text.len() - same..], writer)?)
        };
        Ok(log_prob(with)? - log_prob(without)?)
    }
}

/// Bytes that both texts end in, from the beginning of a line on; all of it where no line begins in it.
fn common_end(a: &str, b: &str) -> usize {
    let same = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    let mut start = a.len() - same;
    while !a.is_char_boundary(start) {
        start += 1;
    }
    let line = a[start..].find('\n').map_or(0, |at| at + 1);
    a.len() - start - line
}

/// The first token of the last place of `end` in a stream.
fn beginning(stream: &Stream, end: &str, writer: &dyn Writer) -> Result<usize, PromptError> {
    // A template may trim what is said; then all of the stream is compared.
    let Some(at) = stream.text.rfind(end.trim_end()) else { return Ok(0) };
    let spans = writer.spans(stream, std::slice::from_ref(&(at..stream.text.len())))?;
    Ok(spans.first().map_or(0, |tokens| tokens.start))
}

impl fmt::Display for PassageGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::Perplexity => "perplexity",
        })
    }
}

impl FromStr for PassageGate {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "open" => Ok(Self::Open),
            "perplexity" => Ok(Self::Perplexity),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_two_prompts_end_in_begins_with_a_line() {
        let end = |a: &str, b: &str| a[a.len() - common_end(a, b)..].to_owned();
        assert_eq!(
            end("Do it. Passage \n\n def f():\n  x", "Do it. \n\n def f():\n  x"),
            "\n def f():\n  x"
        );
        assert_eq!(end("é same", "è same"), " same");
        assert_eq!(end("abc", "xyz"), "");
        assert_eq!(end("a\nb", "a\nb"), "b");
    }

    #[test]
    fn names_are_read_back() {
        for gate in [PassageGate::Open, PassageGate::Perplexity] {
            assert_eq!(gate.to_string().parse(), Ok(gate));
        }
        assert_eq!("margin".parse::<PassageGate>(), Err(()));
    }
}
