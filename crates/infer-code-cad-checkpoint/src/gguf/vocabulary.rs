use std::mem;

use tokenizers::AddedToken;
use tokenizers::models::bpe::{Merges, Vocab};

use super::special_ids::SpecialIds;
use super::tokenizer::{BYTE_LEVEL, ExactBytes, GgufVocabulary};
use crate::CheckpointError;

/// The tokens of a [`GgufVocabulary`], found to be consistent.
pub(super) struct Vocabulary<'a> {
    ids: Vocab,
    tokens: &'a [String],
    types: Vec<TokenType>,
    /// What tokens stand for whose spelling does not say it.
    pub(super) exact: Vec<(u32, &'a [u8])>,
    pub(super) bos: Option<u32>,
    pub(super) unknown: Option<u32>,
}

impl<'a> Vocabulary<'a> {
    pub(super) fn check(source: &'a GgufVocabulary) -> Result<Self, CheckpointError> {
        let tokens = source.tokens.as_slice();
        let mut ids = ids(tokens, &source.exact)?;
        let len = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        let special = |key, id: Option<u32>| match id {
            Some(id) if id >= len => {
                Err(refusal(key, id.to_string(), format!("an id below {len}")))
            }
            Some(id) if tokens[id as usize].is_empty() => {
                Err(refusal(key, format!("{id}, an empty token"), "a token with a spelling"))
            }
            id => Ok(id),
        };
        let SpecialIds { bos, eos, unknown } =
            SpecialIds { bos: source.bos, eos: source.eos, unknown: source.unknown }
                .or_default(&source.model, tokens);
        let bos = special("bos_token_id", bos)?;
        let eos = special("eos_token_id", eos)?;
        let unknown = special("unknown_token_id", unknown)?;
        let mut types = types(&source.token_types, tokens.len())?;
        let ends = source.ends.iter().copied().filter(|&end| end < len);
        let ends = ends.filter(|&end| !tokens[end as usize].is_empty());
        for id in [bos, eos, unknown].into_iter().flatten().chain(ends) {
            types[id as usize] = TokenType::Control;
        }
        let mut exact = vec![];
        for (&id, bytes) in &source.exact {
            let (spelling, kind) = (&tokens[id as usize], &mut types[id as usize]);
            let (is_free, is_mark) = (!ids.contains_key(spelling), kind.is_mark());
            // A mark is known by its spelling and has no bytes. In the alphabet of bytes a spelling is
            // the bytes.
            if is_free && (is_mark || source.model == BYTE_LEVEL) {
                ids.insert(spelling.clone(), id);
            }
            if !(is_free && is_mark) {
                *kind = TokenType::Unused;
            }
            exact.push((id, if is_mark { &[][..] } else { bytes }));
        }
        Ok(Self { ids, tokens, types, exact, bos, unknown })
    }

    /// Hands the ids over to a model; nothing is looked up in them after.
    pub(super) fn take_ids(&mut self) -> Vocab {
        mem::take(&mut self.ids)
    }

    /// The merges of a BPE file, each of two tokens that make a third.
    pub(super) fn merges(&self, merges: &[String]) -> Result<Merges, CheckpointError> {
        let formed = |(token, kind): (&String, &TokenType)| {
            *kind == TokenType::Normal && token.chars().nth(1).is_some()
        };
        if merges.is_empty()
            && let Some((token, _)) = self.tokens.iter().zip(&self.types).find(|&pair| formed(pair))
        {
            let expected = format!("the merges that lead to tokens such as {}", shortened(token));
            return Err(refusal("merges", "absent or empty", expected));
        }
        let mut made = String::new();
        let mut pair = |merge: &String| {
            let (left, right) = merge.split_once(' ')?;
            made.clear();
            made.extend([left, right]);
            let known = [left, right, &made].iter().all(|&token| self.ids.contains_key(token));
            known.then(|| (left.to_owned(), right.to_owned()))
        };
        let refused = |index: usize, merge| {
            let found = format!("{} at {index}", shortened(merge));
            refusal("merges", found, "two tokens that make a third, parted by a space")
        };
        let merges = merges.iter().enumerate();
        merges.map(|(index, merge)| pair(merge).ok_or_else(|| refused(index, merge))).collect()
    }

    /// The tokens that SentencePiece forms out of text, with their scores.
    pub(super) fn pieces(&self, scores: &[f32]) -> Result<Vec<(&'a str, f32)>, CheckpointError> {
        if scores.len() != self.tokens.len() {
            let expected = format!("{}, one per token", self.tokens.len());
            return Err(refusal("scores", format!("of length {}", scores.len()), expected));
        }
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(refusal("scores", format!("not a number at {index}"), "numbers"));
        }
        let pieces = self.tokens.iter().zip(scores).zip(&self.types);
        Ok(pieces
            .filter(|(_, kind)| kind.is_formed())
            .map(|((token, &score), _)| (token.as_str(), score))
            .collect())
    }

    pub(super) fn is_piece(&self, text: &str) -> bool {
        self.ids.get(text).is_some_and(|&id| self.types[id as usize].is_formed())
    }

    /// The tokens that are looked for in a text before it is cut.
    pub(super) fn matched_whole(&self) -> Vec<AddedToken> {
        self.tokens
            .iter()
            .zip(&self.types)
            .filter_map(|(token, kind)| match kind {
                TokenType::Control | TokenType::Unknown => Some(AddedToken::from(token, true)),
                TokenType::UserDefined => Some(AddedToken::from(token, false).normalized(false)),
                TokenType::Normal | TokenType::Unused | TokenType::Byte => None,
            })
            .collect()
    }
}

/// What a token is (`tokenizer.ggml.token_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenType {
    Normal,
    /// Stands for what cannot be spelled.
    Unknown,
    /// A mark such as BOS: not text.
    Control,
    /// Text that is always one token.
    UserDefined,
    /// Never formed.
    Unused,
    /// `<0x0A>`.
    Byte,
}

impl TokenType {
    fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            0 | 1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return None,
        })
    }

    /// Whether it is a mark that stands for no text.
    fn is_mark(self) -> bool {
        matches!(self, Self::Control | Self::Unknown)
    }

    /// Whether SentencePiece may make it out of text.
    fn is_formed(self) -> bool {
        matches!(self, Self::Normal | Self::UserDefined)
    }
}

fn types(codes: &[i32], len: usize) -> Result<Vec<TokenType>, CheckpointError> {
    if codes.is_empty() {
        return Ok(vec![TokenType::Normal; len]);
    }
    if codes.len() != len {
        let expected = format!("{len}, one per token");
        return Err(refusal("token_type", format!("of length {}", codes.len()), expected));
    }
    let known = |(index, &code)| {
        TokenType::from_code(code)
            .ok_or_else(|| refusal("token_type", format!("{code} at {index}"), "0 to 6"))
    };
    codes.iter().enumerate().map(known).collect()
}

/// Where each token is. Empty tokens, which pad some vocabularies, and those that are not UTF-8 are left
/// out: no text has them.
fn ids(tokens: &[String], exact: &ExactBytes) -> Result<Vocab, CheckpointError> {
    if tokens.is_empty() {
        return Err(refusal("tokens", "absent or empty", "the vocabulary"));
    }
    let mut ids = Vocab::with_capacity(tokens.len());
    let is_text = |(id, token): &(u32, &String)| !token.is_empty() && !exact.contains_key(id);
    for (id, token) in (0..).zip(tokens).filter(is_text) {
        if let Some(first) = ids.insert(token.clone(), id) {
            let found = format!("{} at both {first} and {id}", shortened(token));
            return Err(refusal("tokens", found, "each token once"));
        }
    }
    Ok(ids)
}

/// An error about `tokenizer.ggml.` + `key`.
pub(super) fn refusal(
    key: &str,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> CheckpointError {
    CheckpointError::GgufTokenizer {
        key: format!("tokenizer.ggml.{key}"),
        found: found.into(),
        expected: expected.into(),
    }
}

/// At most 40 characters of what a file says, quoted.
pub(super) fn shortened(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}
