use std::collections::{BTreeMap, BTreeSet};

use infer_code_cad_decode::TokenId;

use super::Gguf;
use super::tokenizer::GgufVocabulary;
use crate::{ChatTemplate, CheckpointError, Tokenizer};

const MODEL: &str = "tokenizer.ggml.model";
const TOKENS: &str = "tokenizer.ggml.tokens";
const TOKEN_TYPES: &str = "tokenizer.ggml.token_type";

/// Tokens that the metadata makes the end of something.
const KEYS: [&str; 3] =
    ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

/// Control tokens that end a completion by their text, of those llama.cpp knows the ones of the
/// families here: files seldom have the id of the token that ends a turn.
const TEXTS: [&str; 7] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<|im_end|>",
    "<|endoftext|>",
    "<EOT>",
];

/// `tokenizer.ggml.token_type` of a control token.
const CONTROL: i32 = 3;

/// The tokenizer that the metadata describe.
pub(crate) fn tokenizer(gguf: &Gguf) -> Result<Tokenizer, CheckpointError> {
    let token = |name: &str| token(gguf, &format!("tokenizer.ggml.{name}_token_id"));
    let flag = |name: &str| gguf.bool(&format!("tokenizer.ggml.{name}"));
    let model = gguf.string(MODEL)?.ok_or_else(|| gguf.unexpected(MODEL, "a string"))?;
    let vocabulary = GgufVocabulary {
        model: model.into(),
        pre: gguf.string("tokenizer.ggml.pre")?.map(Into::into),
        tokens: gguf.strings(TOKENS)?.unwrap_or_default(),
        scores: gguf.floats("tokenizer.ggml.scores")?.unwrap_or_default(),
        token_types: gguf.integers(TOKEN_TYPES)?.unwrap_or_default(),
        merges: gguf.strings("tokenizer.ggml.merges")?.unwrap_or_default(),
        bos: token("bos")?,
        eos: token("eos")?,
        unknown: token("unknown")?,
        add_bos: flag("add_bos_token")?,
        add_eos: flag("add_eos_token")?,
        add_space_prefix: flag("add_space_prefix")?,
    };
    vocabulary.into_tokenizer()
}

/// The tokens that end a completion, in order.
pub(crate) fn eos_token_ids(gguf: &Gguf) -> Result<Vec<TokenId>, CheckpointError> {
    let mut ids = BTreeSet::new();
    for key in KEYS {
        ids.extend(token(gguf, key)?);
    }
    let tokens = gguf.strings(TOKENS)?.unwrap_or_default();
    let types = gguf.integers(TOKEN_TYPES)?.unwrap_or_default();
    let ends = tokens
        .iter()
        .zip(types)
        .zip(0..)
        .filter(|((text, kind), _)| *kind == CONTROL && TEXTS.contains(&text.as_str()));
    ids.extend(ends.map(|(_, id): (_, TokenId)| id));
    Ok(ids.into_iter().collect())
}

/// The chat template, which sees BOS, EOS and the unknown token; `None` when the file has none.
pub(crate) fn chat_template(gguf: &Gguf) -> Result<Option<ChatTemplate>, CheckpointError> {
    let Some(source) = gguf.string("tokenizer.chat_template")? else {
        return Ok(None);
    };
    let tokens = gguf.strings(TOKENS)?.unwrap_or_default();
    let mut special = BTreeMap::new();
    for (variable, key) in [
        ("bos_token", "tokenizer.ggml.bos_token_id"),
        ("eos_token", "tokenizer.ggml.eos_token_id"),
        ("unk_token", "tokenizer.ggml.unknown_token_id"),
    ] {
        let text = token(gguf, key)?.and_then(|id| tokens.get(id as usize));
        special.extend(text.map(|text| (variable.to_owned(), text.clone())));
    }
    ChatTemplate::new(gguf.file(), source, special).map(Some)
}

/// The token that a key names.
fn token(gguf: &Gguf, key: &str) -> Result<Option<TokenId>, CheckpointError> {
    let id = |n| TokenId::try_from(n).map_err(|_| gguf.unexpected(key, "a token id"));
    gguf.size(key)?.map(id).transpose()
}
