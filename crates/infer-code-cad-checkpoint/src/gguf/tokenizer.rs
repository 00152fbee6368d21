use std::collections::BTreeMap;

use infer_code_cad_decode::TokenId;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeBuilder};
use tokenizers::{
    DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer as HfTokenizer,
};

use super::pre_tokenizer::{PreTokenizer, UNNAMED, byte_level_json};
use super::spm::merges_by_score;
use super::vocabulary::{Vocabulary, refusal, shortened};
use crate::{CheckpointError, Tokenizer};

/// The `model` of byte-level BPE.
pub(super) const BYTE_LEVEL: &str = "gpt2";
/// The `model` of SentencePiece.
pub(super) const SENTENCE_PIECE: &str = "llama";

/// The bytes of tokens whose text does not say them.
pub(super) type ExactBytes = BTreeMap<TokenId, Vec<u8>>;

/// What a GGUF file says of its tokenizer (`tokenizer.ggml.*`), unchecked.
///
/// An array the file does not have is empty.
#[derive(Debug, Clone, Default)]
#[cfg_attr(test, derive(serde::Deserialize), serde(default))]
pub(crate) struct GgufVocabulary {
    /// `gpt2` (byte-level BPE) or `llama` (SentencePiece).
    pub(crate) model: String,
    /// Which pre-tokenizer cuts the text before BPE.
    pub(crate) pre: Option<String>,
    /// The tokens in the order of their ids.
    pub(crate) tokens: Vec<String>,
    /// The bytes of tokens whose text is not UTF-8. No text has them, so they are never formed; `tokens`
    /// has a spelling that only marks are known by.
    #[cfg_attr(test, serde(skip))]
    pub(crate) exact: ExactBytes,
    /// One per token: how early SentencePiece forms it.
    pub(crate) scores: Vec<f32>,
    /// One per token: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    pub(crate) token_types: Vec<i32>,
    /// `left right`, best first.
    pub(crate) merges: Vec<String>,
    /// The token that begins a text.
    pub(crate) bos: Option<u32>,
    /// The token that ends a text.
    pub(crate) eos: Option<u32>,
    /// The token of what cannot be spelled.
    pub(crate) unknown: Option<u32>,
    /// Whether BOS is added; by default as `model` and `pre` have it.
    pub(crate) add_bos: Option<bool>,
    /// Marks that end a text beside `eos`, whatever type the file gives them.
    pub(crate) ends: Vec<TokenId>,
    /// Whether SentencePiece puts a space before a text; by default it does.
    pub(crate) add_space_prefix: Option<bool>,
}

impl GgufVocabulary {
    /// The tokenizer described.
    ///
    /// Control tokens, BOS, EOS, other ends and the unknown token are special: recognised when spelled out,
    /// and without bytes. `add_eos_token` is for training and not asked. User-defined tokens are matched whole before anything else, the longest first.
    ///
    /// # Errors
    /// [`CheckpointError::GgufTokenizer`] for a model or pre-tokenizer this crate does not know, and for
    /// metadata that contradict themselves.
    pub(crate) fn into_tokenizer(self) -> Result<Tokenizer, CheckpointError> {
        let vocabulary = Vocabulary::check(&self)?;
        match self.model.as_str() {
            BYTE_LEVEL => self.byte_level(vocabulary),
            SENTENCE_PIECE => self.sentence_piece(vocabulary),
            model => Err(refusal("model", shortened(model), "one of: gpt2, llama")),
        }
    }

    fn byte_level(&self, mut vocabulary: Vocabulary<'_>) -> Result<Tokenizer, CheckpointError> {
        let name = self.pre.as_deref().unwrap_or_else(|| {
            tracing::warn!("tokenizer.ggml.pre is absent: texts may be cut unlike in training");
            UNNAMED
        });
        let pre_tokenizer = PreTokenizer::named(name).ok_or_else(|| {
            refusal("pre", shortened(name), format!("one of: {}", PreTokenizer::names()))
        })?;
        let merges = vocabulary.merges(&self.merges)?;
        let model = BPE::builder()
            .vocab_and_merges(vocabulary.take_ids(), merges)
            .ignore_merges(pre_tokenizer.ignores_merges);
        let mut tokenizer = build(model)?;
        if let Some(json) = pre_tokenizer.normalizer_json() {
            let normalizer: NormalizerWrapper = stage(json)?;
            tokenizer.with_normalizer(Some(normalizer)).map_err(unusable)?;
        }
        tokenizer.with_pre_tokenizer(Some(stage::<PreTokenizerWrapper>(pre_tokenizer.json())?));
        self.finish(tokenizer, byte_level_json(), pre_tokenizer.adds_bos, &vocabulary)
    }

    fn sentence_piece(&self, mut vocabulary: Vocabulary<'_>) -> Result<Tokenizer, CheckpointError> {
        let merges = merges_by_score(vocabulary.pieces(&self.scores)?, |p| vocabulary.is_piece(p));
        let mut model = BPE::builder()
            .vocab_and_merges(vocabulary.take_ids(), merges)
            .byte_fallback(true)
            .fuse_unk(true);
        if let Some(unknown) = vocabulary.unknown {
            model = model.unk_token(self.tokens[unknown as usize].clone());
        }
        let mut tokenizer = build(model)?;
        let escape = json!({"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"});
        let normalizer = if self.add_space_prefix.unwrap_or(true) {
            let prefix = json!({"type": "Prepend", "prepend": "\u{2581}"});
            json!({"type": "Sequence", "normalizers": [prefix, escape]})
        } else {
            escape
        };
        let normalizer: NormalizerWrapper = stage(normalizer)?;
        tokenizer.with_normalizer(Some(normalizer)).map_err(unusable)?;
        let decoder = json!({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
        ]});
        self.finish(tokenizer, decoder, true, &vocabulary)
    }

    /// Adds what both kinds have: decoder, the tokens matched whole, BOS.
    fn finish(
        &self,
        mut tokenizer: HfTokenizer,
        decoder: Value,
        adds_bos: bool,
        vocabulary: &Vocabulary<'_>,
    ) -> Result<Tokenizer, CheckpointError> {
        tokenizer.with_decoder(Some(stage::<DecoderWrapper>(decoder)?));
        if let Some(template) = self.template(adds_bos, vocabulary)? {
            tokenizer.with_post_processor(Some(stage::<PostProcessorWrapper>(template)?));
        }
        tokenizer.add_tokens(vocabulary.matched_whole()).map_err(unusable)?;
        Ok(Tokenizer::from_hf(tokenizer)?.with_bytes(&vocabulary.exact))
    }

    /// The `post_processor` of a tokenizer.json that begins a text with BOS.
    fn template(
        &self,
        adds_bos: bool,
        vocabulary: &Vocabulary<'_>,
    ) -> Result<Option<Value>, CheckpointError> {
        if !self.add_bos.unwrap_or(adds_bos) {
            return Ok(None);
        }
        let absent = || refusal("bos_token_id", "absent", "a token id, as add_bos_token is true");
        let id = vocabulary.bos.ok_or_else(absent)?;
        let bos = &self.tokens[id as usize];
        let special = json!({"SpecialToken": {"id": bos, "type_id": 0}});
        let [first, second] = ["A", "B"].map(|id| json!({"Sequence": {"id": id, "type_id": 0}}));
        Ok(Some(json!({
            "type": "TemplateProcessing", "single": [special, first], "pair": [first, second],
            "special_tokens": {bos: {"id": bos, "ids": [id], "tokens": [bos]}},
        })))
    }
}

fn build(model: BpeBuilder) -> Result<HfTokenizer, CheckpointError> {
    Ok(HfTokenizer::new(model.build().map_err(unusable)?))
}

/// A stage of the `tokenizers` crate from its part of a tokenizer.json.
fn stage<T: DeserializeOwned>(json: Value) -> Result<T, CheckpointError> {
    serde_json::from_value(json).map_err(|e| unusable(e.into()))
}

#[allow(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn unusable(source: tokenizers::Error) -> CheckpointError {
    refusal("tokens", source.to_string(), "a vocabulary that can be searched")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
