use std::collections::BTreeMap;

use infer_code_cad_decode::TokenId;

use super::Gguf;
use super::special_ids::SpecialIds;
use super::text::{latin_1, token};
use super::tokenizer::{BYTE_LEVEL, ExactBytes, GgufVocabulary};
use crate::chat::{Mark, looks_like_mark};
use crate::tokenizer::byte_level_spelling;
use crate::{ChatTemplate, CheckpointError, Tokenizer};

pub(super) const MODEL: &str = "tokenizer.ggml.model";
pub(super) const TOKENS: &str = "tokenizer.ggml.tokens";
pub(super) const TOKEN_TYPES: &str = "tokenizer.ggml.token_type";

/// The tokenizer that the metadata describe. Of `ends`, the ends of text, those that are written like marks
/// are marks, whatever type the file gives them, and so is `turn`, the end of a turn.
pub(crate) fn tokenizer(
    gguf: &Gguf,
    ends: &[TokenId],
    turn: Option<&Mark>,
) -> Result<Tokenizer, CheckpointError> {
    let flag = |name: &str| gguf.bool(&format!("tokenizer.ggml.{name}"));
    let model = gguf.string(MODEL)?.ok_or_else(|| gguf.unexpected(MODEL, "a string"))?;
    let (mut tokens, exact) = tokens(gguf, model)?;
    let mut merges = merges(gguf)?;
    let is_mark =
        |&end: &TokenId| tokens.get(end as usize).is_some_and(|text| looks_like_mark(text));
    let mut ends: Vec<_> = ends.iter().copied().filter(is_mark).collect();
    if let Some(turn) = turn {
        ends.push(turn.id);
        if !exact.contains_key(&turn.id) {
            spell(turn, &mut tokens, &mut merges);
        }
    }
    let SpecialIds { bos, eos, unknown } = SpecialIds::named(gguf)?;
    let vocabulary = GgufVocabulary {
        model: model.into(),
        pre: gguf.string("tokenizer.ggml.pre")?.map(Into::into),
        tokens,
        exact,
        scores: gguf.floats("tokenizer.ggml.scores")?.unwrap_or_default(),
        token_types: gguf.integers(TOKEN_TYPES)?.unwrap_or_default(),
        merges,
        bos,
        eos,
        unknown,
        add_bos: flag("add_bos_token")?,
        ends,
        add_space_prefix: flag("add_space_prefix")?,
    };
    vocabulary.into_tokenizer()
}

/// Spells a mark as it stands in a text, as it is matched there and not formed.
fn spell(mark: &Mark, tokens: &mut [String], merges: &mut Vec<String>) {
    let is_known = tokens.contains(&mark.text);
    let Some(token) = tokens.get_mut(mark.id as usize).filter(|_| !is_known) else { return };
    let spelling = std::mem::replace(token, mark.text.clone());
    merges.retain(|merge| {
        let Some((left, right)) = merge.split_once(' ') else { return true };
        left != spelling && right != spelling && spelling.strip_prefix(left) != Some(right)
    });
}

/// The tokens' texts, and the bytes of those whose text is not UTF-8.
fn tokens(gguf: &Gguf, model: &str) -> Result<(Vec<String>, ExactBytes), CheckpointError> {
    let mut exact = ExactBytes::new();
    let written = gguf.byte_strings(TOKENS)?.unwrap_or_default();
    let tokens = (0..).zip(written).map(|(id, bytes)| {
        let bytes = token(bytes);
        std::str::from_utf8(bytes).map_or_else(
            |_| {
                exact.insert(id, bytes.to_owned());
                if model == BYTE_LEVEL { byte_level_spelling(bytes) } else { latin_1(bytes) }
            },
            str::to_owned,
        )
    });
    Ok((tokens.collect(), exact))
}

/// The merges; without those that are not UTF-8, as no text has what they make.
fn merges(gguf: &Gguf) -> Result<Vec<String>, CheckpointError> {
    let written = gguf.byte_strings("tokenizer.ggml.merges")?.unwrap_or_default();
    let merges = written.into_iter().map(|bytes| std::str::from_utf8(token(bytes)));
    Ok(merges.flatten().map(str::to_owned).collect())
}

/// The text of the token for masked words.
pub(crate) fn mask_token(gguf: &Gguf) -> Option<String> {
    let id = gguf.token("tokenizer.ggml.mask_token_id").ok()??;
    gguf.strings(TOKENS).ok()??.get(id as usize).cloned()
}

/// The chat template, which sees BOS, EOS and the unknown token; `None` when the file has none.
pub(crate) fn chat_template(gguf: &Gguf) -> Result<Option<ChatTemplate>, CheckpointError> {
    let Some(source) = gguf.string("tokenizer.chat_template")? else {
        return Ok(None);
    };
    let tokens = gguf.strings(TOKENS)?.unwrap_or_default();
    let mut special = BTreeMap::new();
    let SpecialIds { bos, eos, unknown } = SpecialIds::of(gguf, &tokens)?;
    for (variable, id) in [("bos_token", bos), ("eos_token", eos), ("unk_token", unknown)] {
        let text = id.and_then(|id| tokens.get(id as usize));
        special.extend(text.map(|text| (variable.to_owned(), text.clone())));
    }
    ChatTemplate::new(gguf.file(), source, special).map(Some)
}
