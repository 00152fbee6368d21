//! Added tokens that a model has no embedding for: Gemma 3's text models come with a token for images.

use std::borrow::Cow;

use serde_json::Value;

use super::READ;
use crate::fields::Fields;

const ADDED: &str = "added_tokens";

/// A `tokenizer.json` without the added tokens whose ids a model of `vocab_size` tokens does not have. What is wrong
/// with the file is for its parser to tell.
pub(super) fn within(json: &[u8], vocab_size: usize) -> Cow<'_, [u8]> {
    let Ok(fields) = Fields::of("tokenizer.json", json) else { return json.into() };
    let Ok(Some(added)) = fields.get::<Vec<Value>>(ADDED) else { return json.into() };
    let has_row = |token: &Value| token["id"].as_u64().is_none_or(|id| id < vocab_size as u64);
    let (kept, left): (Vec<_>, Vec<_>) = added.into_iter().partition(has_row);
    if left.is_empty() {
        return json.into();
    }
    let left: Vec<_> = left.iter().map(|token| token["content"].to_string()).collect();
    tracing::warn!("the model has no embedding for {}, which are read as text", left.join(", "));
    let others = READ.into_iter().filter(|&name| name != ADDED);
    let others = fields.only(&others.collect::<Vec<_>>());
    let kept = format!("{{\"{ADDED}\":{},", Value::from(kept));
    [kept.as_bytes(), &others[1..]].concat().into()
}
