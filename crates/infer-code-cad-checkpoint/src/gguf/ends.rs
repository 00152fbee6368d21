//! The tokens of a GGUF file that end a text.

use std::collections::{BTreeSet, HashSet};

use infer_code_cad_decode::TokenId;

use super::Gguf;
use super::token_metadata::{MODEL, TOKEN_TYPES, TOKENS, merges};
use super::tokenizer::BYTE_LEVEL;
use crate::CheckpointError;
use crate::chat::{Mark, looks_like_mark};

/// Tokens that the metadata makes the end of something.
const KEYS: [&str; 3] =
    ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

/// Tokens that end a completion by their text, of those llama.cpp knows the ones of the families here: files
/// seldom have the id of the token that ends a turn. Of any type, as llama.cpp has it.
const TEXTS: [&str; 8] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<|im_end|>",
    "<|endoftext|>",
    "<EOT>",
    "<|EOT|>",
];

/// Of `tokenizer.ggml.token_type`: text, formed where the merges lead to it.
const NORMAL: i32 = 1;
/// Matched whole, and not text.
const CONTROL: i32 = 3;
/// Matched whole, and text.
const USER_DEFINED: i32 = 4;

/// The tokens that end a completion by the keys and by their text, in order.
pub(crate) fn eos_token_ids(gguf: &Gguf) -> Result<Vec<TokenId>, CheckpointError> {
    let mut ids = BTreeSet::new();
    for key in KEYS {
        ids.extend(gguf.token(key)?);
    }
    let tokens = gguf.strings(TOKENS)?.unwrap_or_default();
    let ends = tokens.iter().zip(0..).filter(|(text, _)| TEXTS.contains(&text.as_str()));
    ids.extend(ends.map(|(_, id): (_, TokenId)| id));
    Ok(ids.into_iter().collect())
}

/// The tokens that a template may write as one: control tokens, those defined by users, and whatever else is
/// written like a mark and no text leads to, as some converters give a mark the type of text.
pub(crate) fn marks(gguf: &Gguf) -> Result<Vec<Mark>, CheckpointError> {
    let tokens = gguf.strings(TOKENS)?.unwrap_or_default();
    let types = gguf.integers(TOKEN_TYPES)?.unwrap_or_default();
    let kind = |id: usize| types.get(id).copied().unwrap_or(NORMAL);
    let mut marks = vec![];
    for ((text, id), at) in tokens.iter().zip(0..).zip(0..) {
        if matches!(kind(at), CONTROL | USER_DEFINED) || looks_like_mark(text) {
            let is_special = kind(at) == CONTROL;
            marks.push((at, Mark { id, text: text.clone(), is_special }));
        }
    }
    let formed = formed(gguf, &tokens, marks.iter().map(|(_, mark)| mark.text.as_str()))?;
    marks.retain(|(at, mark)| {
        matches!(kind(*at), CONTROL | USER_DEFINED) || !formed.contains(&mark.text)
    });
    Ok(marks.into_iter().map(|(_, mark)| mark).collect())
}

/// Which of `texts` the tokenizer makes out of smaller tokens.
fn formed<'t>(
    gguf: &Gguf,
    tokens: &[String],
    texts: impl Iterator<Item = &'t str>,
) -> Result<HashSet<String>, CheckpointError> {
    if gguf.string(MODEL)? == Some(BYTE_LEVEL) {
        let made = merges(gguf)?.into_iter().map(|merge| merge.replacen(' ', "", 1));
        let made: HashSet<String> = made.collect();
        return Ok(texts.filter(|&text| made.contains(text)).map(str::to_owned).collect());
    }
    let known: HashSet<&str> = tokens.iter().map(String::as_str).collect();
    let is_made = |text: &&str| {
        let cuts = (1..text.len()).filter_map(|cut| text.split_at_checked(cut));
        cuts.into_iter().any(|(left, right)| known.contains(left) && known.contains(right))
    };
    Ok(texts.filter(is_made).map(str::to_owned).collect())
}
