//! The tokens of a GGUF file that end a text.

use std::collections::BTreeSet;
use std::iter;

use infer_code_cad_decode::TokenId;

use super::Gguf;
use super::special_ids::SpecialIds;
use super::token_metadata::{MODEL, TOKEN_TYPES, TOKENS};
use super::tokenizer::{BYTE_LEVEL, SENTENCE_PIECE};
use crate::CheckpointError;
use crate::chat::Mark;
use crate::tokenizer::Spelling;

/// Tokens that the metadata makes the end of something, beside EOS.
const KEYS: [&str; 2] = ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

/// Tokens that end a completion by their text, of those llama.cpp knows the ones of the families here: files
/// seldom have the id of the token that ends a turn. Of any type, as llama.cpp has it.
const TEXTS: [&str; 9] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<|im_end|>",
    "<|endoftext|>",
    "<EOT>",
    "<|EOT|>",
    "<|end|>",
];

/// Of `tokenizer.ggml.token_type`: text.
const NORMAL: i32 = 1;
/// Matched whole, and not text.
const CONTROL: i32 = 3;
/// Matched whole, and text.
const USER_DEFINED: i32 = 4;

/// The tokens that end a completion by the keys and by their text, in order.
pub(crate) fn eos_token_ids(gguf: &Gguf) -> Result<Vec<TokenId>, CheckpointError> {
    let tokens = gguf.strings(TOKENS)?.unwrap_or_default();
    let mut ids = BTreeSet::from_iter(SpecialIds::of(gguf, &tokens)?.eos);
    for key in KEYS {
        ids.extend(gguf.token(key)?);
    }
    let ends = tokens.iter().zip(0..).filter(|(text, _)| TEXTS.contains(&text.as_str()));
    ids.extend(ends.map(|(_, id): (_, TokenId)| id));
    Ok(ids.into_iter().collect())
}

/// The tokens that are matched whole in a text: control tokens and those defined by users.
pub(crate) fn marks(gguf: &Gguf) -> Result<Vec<Mark>, CheckpointError> {
    let mark = |(id, text, kind)| Mark { id, text, is_special: kind == CONTROL };
    let tokens = tokens_with_types(gguf)?.into_iter();
    Ok(tokens.filter(|(_, _, kind)| is_matched_whole(*kind)).map(mark).collect())
}

/// The other tokens, as some converters give a mark the type of text: as they are spelled, and as the text that
/// the spelling stands for where that is another.
pub(crate) fn text_tokens(gguf: &Gguf) -> Result<Vec<Mark>, CheckpointError> {
    let spelling = match gguf.string(MODEL)? {
        Some(BYTE_LEVEL) => Some(Spelling::ByteLevel),
        Some(SENTENCE_PIECE) => Some(Spelling::SentencePiece),
        _ => None,
    };
    let tokens = tokens_with_types(gguf)?.into_iter();
    let tokens = tokens.filter(|(_, _, kind)| !is_matched_whole(*kind));
    Ok(tokens.flat_map(|(id, text, _)| Mark::of_text(id, text, spelling)).collect())
}

fn is_matched_whole(kind: i32) -> bool {
    matches!(kind, CONTROL | USER_DEFINED)
}

fn tokens_with_types(gguf: &Gguf) -> Result<Vec<(TokenId, String, i32)>, CheckpointError> {
    let tokens = gguf.strings(TOKENS)?.unwrap_or_default();
    let types = gguf.integers(TOKEN_TYPES)?.unwrap_or_default();
    let types = types.into_iter().chain(iter::repeat(NORMAL));
    Ok((0..).zip(tokens).zip(types).map(|((id, text), kind)| (id, text, kind)).collect())
}
