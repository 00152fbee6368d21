use std::collections::BTreeSet;

use infer_code_cad_decode::TokenId;

use super::Gguf;
use crate::ModelError;

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
const CONTROL: i128 = 3;

/// The tokens that end a completion, in order.
pub(crate) fn eos_token_ids(gguf: &Gguf) -> Result<Vec<TokenId>, ModelError> {
    let mut ids = BTreeSet::new();
    for key in KEYS {
        if let Some(id) = gguf.size(key)? {
            let id = TokenId::try_from(id).map_err(|_| gguf.unexpected(key, "a token id"))?;
            ids.insert(id);
        }
    }
    let tokens = gguf.strings("tokenizer.ggml.tokens")?.unwrap_or_default();
    let types = gguf.integers("tokenizer.ggml.token_type")?.unwrap_or_default();
    let ends = tokens
        .iter()
        .zip(types)
        .zip(0..)
        .filter(|((text, kind), _)| *kind == CONTROL && TEXTS.contains(&text.as_str()));
    ids.extend(ends.map(|(_, id): (_, TokenId)| id));
    Ok(ids.into_iter().collect())
}
