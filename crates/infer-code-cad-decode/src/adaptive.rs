use std::sync::Arc;

use rand_core::Rng;

use crate::sampling::{Sample, Sampling};
use crate::{
    Branch, DecodeError, Decoder, Decoding, Moves, Nucleus, Opening, Settings, TokenId, Vocabulary,
};

/// Samples with one temperature at the beginning of a line and with another within it.
///
/// A token begins a line where the text before it is empty or ends with a newline and, optionally, spaces and tabs.
/// What begins a statement is hard to know and may well be varied; what comes after it mostly follows. The text
/// is what the prompt has already opened of the answer ([`Opening::written`]) and what was generated; of a
/// prompt that opens nothing the first token begins a line. Everything but the temperature is the inner sampler's.
///
/// Use it where several drafts are drawn, for pass@k. It costs no weight pass, and a look at the last tokens.
/// Zhu et al., [Hot or Cold? Adaptive Temperature Sampling for Code Generation](https://arxiv.org/abs/2309.02772).
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{AdaptiveTemperature, Decoder, Logits, Nucleus, pick};
/// # use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let decoder = AdaptiveTemperature {
///     inner: Nucleus { temperature: 0.5, top_p: 0.95, ..Nucleus::default() },
///     line_start: 1.2,
/// };
/// let text = "adapt(line_start=1.2,inner=nucleus(temperature=0.5,top_p=0.95))";
/// assert_eq!(decoder.settings().to_string(), text);
/// # let mut rng = ChaCha8Rng::seed_from_u64(7);
/// let token = pick(&decoder, Logits::new(&[5.0, 4.5, -99.0], 1, 3)?, &mut rng)?;
/// assert!(token < 2, "the third token is far outside the nucleus");
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptiveTemperature {
    /// Draws the tokens; its temperature is that within a line.
    pub inner: Nucleus,
    /// The temperature at the beginning of a line, in the range of [`Nucleus::temperature`].
    pub line_start: f32,
}

impl Default for AdaptiveTemperature {
    /// 1.2 at the beginning of a line, 0.5 within it, nothing cut.
    fn default() -> Self {
        Self { inner: Nucleus { temperature: 0.5, ..Nucleus::default() }, line_start: 1.2 }
    }
}

impl Decoder for AdaptiveTemperature {
    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        let at_line_start = Nucleus { temperature: self.line_start, ..self.inner.clone() };
        self.inner.check_parameters()?;
        at_line_start.check_parameters().map_err(of_line_start)?;
        Ok(Box::new(Sampling(ByPlace {
            within: self.inner.clone(),
            at_line_start,
            vocabulary: Arc::clone(opening.vocabulary),
            written_begins_line: blank_end(opening.written.as_bytes()).unwrap_or(true),
        })))
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new("adapt").with("line_start", self.line_start);
        settings.with("inner", self.inner.settings())
    }
}

/// The inner sampler's own parameters were checked before: what is left is the other temperature.
fn of_line_start(error: DecodeError) -> DecodeError {
    match error {
        DecodeError::Parameter { value, expected, .. } => {
            DecodeError::Parameter { name: "line_start", value, expected }
        }
        error => error,
    }
}

struct ByPlace {
    within: Nucleus,
    at_line_start: Nucleus,
    vocabulary: Arc<dyn Vocabulary>,
    written_begins_line: bool,
}

impl ByPlace {
    fn begins_line(&self, past: &[TokenId]) -> bool {
        let ends = past.iter().rev().map(|token| blank_end(self.vocabulary.token_bytes(*token)));
        ends.flatten().next().unwrap_or(self.written_begins_line)
    }
}

/// Whether a text ends with a newline and blanks; `None` where it is all blank and what comes before decides.
fn blank_end(text: &[u8]) -> Option<bool> {
    let last = text.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t'));
    last.map(|byte| matches!(byte, b'\n' | b'\r'))
}

impl Sample for ByPlace {
    fn sample(
        &mut self,
        branch: &Branch<'_>,
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<TokenId, DecodeError> {
        let begins = self.begins_line(branch.past);
        let sampler = if begins { &mut self.at_line_start } else { &mut self.within };
        sampler.sample(branch, moves, rng)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::{Logits, MoveBook, Rooms};

    const WORDS: [&str; 9] = ["x", "\n", "    ", "\t", "a\n  ", "\n  b", "", "é\r\n", " x "];

    /// The token drawn after a text, at a temperature so cold within lines that the best is certain, and so hot
    /// at their beginning that any is likely.
    fn drawn(written: &str, past: &[TokenId], seed: u64) -> TokenId {
        let cold = Nucleus { temperature: 1e-3, ..Nucleus::default() };
        let decoder = AdaptiveTemperature { inner: cold, line_start: 1e6 };
        let vocabulary: Arc<dyn Vocabulary> = Arc::new(WORDS.to_vec());
        let mut opening = Opening::new(&[], &vocabulary);
        opening.written = written;
        let mut decoding = decoder.begin(&opening).unwrap();
        let (mut book, mut rooms) = (MoveBook::new(0), Rooms::default());
        let row: Vec<f32> = (0u8..64).map(f32::from).collect();
        let logits = Logits::new(&row, 1, row.len()).unwrap();
        let branch = Branch::new(book.name(), logits, past, 0.0);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        decoding.advance(&[branch], &mut book.moves(&mut rooms), &mut rng).unwrap();
        let made: Vec<_> = book.drain().collect();
        let [crate::Move::Extend { chosen, .. }, crate::Move::Settle { len, .. }] = &made[..]
        else {
            panic!("{made:?}")
        };
        assert_eq!(*len, past.len() + 1, "a sampler's token is final");
        chosen.token
    }

    /// Whether any of some draws is not the best token.
    fn is_hot(written: &str, past: &[TokenId]) -> bool {
        (0..8).any(|seed| drawn(written, past, seed) != 63)
    }

    #[test]
    fn a_line_begins_after_a_newline_and_indentation() {
        for (written, past, hot) in [
            ("", &[][..], true),
            ("", &[2, 3, 6], true), // nothing but blanks
            ("def f():\n    ", &[], true),
            ("def f():\n    ", &[2], true),
            ("def f():", &[], false),
            ("def f():", &[2], false),
            ("def f():\n", &[0], false),
            ("", &[0, 1], true),
            ("", &[0, 1, 2, 3, 6], true),
            ("", &[4], true),
            ("", &[5], false),
            ("", &[7], true),
            ("", &[8], false),
            ("", &[1, 8, 2], false),
            ("", &[0, 99], false), // no such token
        ] {
            assert_eq!(is_hot(written, past), hot, "{written:?} {past:?}");
        }
    }

    /// With one temperature for all it is the inner sampler, draw by draw.
    #[test]
    fn one_temperature_is_the_inner_sampler() {
        let inner = Nucleus { temperature: 0.7, top_p: 0.9, ..Nucleus::default() };
        let decoder = AdaptiveTemperature { line_start: 0.7, inner: inner.clone() };
        let row: Vec<f32> = (0u16..40).map(|i| f32::from(i * 7 % 40) / 4.0).collect();
        let logits = Logits::new(&row, 1, 40).unwrap();
        for seed in 0..50 {
            let token = |decoder: &dyn Decoder| {
                crate::pick(decoder, logits, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
            };
            assert_eq!(token(&decoder), token(&inner));
        }
    }

    #[test]
    fn bad_values_are_named() {
        let vocabulary: Arc<dyn Vocabulary> = Arc::new(WORDS.to_vec());
        let fault = |decoder: AdaptiveTemperature| match decoder
            .begin(&Opening::new(&[], &vocabulary))
            .err()
        {
            Some(DecodeError::Parameter { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        for line_start in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-39] {
            let name = fault(AdaptiveTemperature { line_start, ..Default::default() });
            assert_eq!(name, "line_start");
        }
        let inner = Nucleus { top_p: 0.0, ..Nucleus::default() };
        assert_eq!(fault(AdaptiveTemperature { inner, line_start: 1.0 }), "top_p");
        let inner = Nucleus { temperature: f32::NAN, ..Nucleus::default() };
        assert_eq!(fault(AdaptiveTemperature { inner, line_start: f32::NAN }), "temperature");
    }
}
