use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeBuilder, Merges};
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer as HfTokenizer,
};

use super::pre_tokenizer::{PreTokenizer, UNNAMED};
use super::spm::merges_by_score;
use crate::{ModelError, Tokenizer};

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
    /// One per token: how early SentencePiece forms it.
    pub(crate) scores: Vec<f32>,
    /// One per token: see [`TokenType`].
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
    /// Whether EOS is added; by default not.
    pub(crate) add_eos: Option<bool>,
    /// Whether SentencePiece puts a space before a text; by default it does.
    pub(crate) add_space_prefix: Option<bool>,
}

impl GgufVocabulary {
    /// The tokenizer described.
    ///
    /// Control tokens, BOS, EOS and the unknown token are special: recognised when spelled out, and
    /// without bytes. User-defined tokens are matched whole before anything else, the longest first.
    ///
    /// # Errors
    /// [`ModelError::GgufTokenizer`] for a model or pre-tokenizer this crate does not know, and for
    /// metadata that contradict themselves.
    pub(crate) fn into_tokenizer(self) -> Result<Tokenizer, ModelError> {
        let vocabulary = Vocabulary::check(&self)?;
        match self.model.as_str() {
            "gpt2" => self.byte_level(&vocabulary),
            "llama" => self.sentence_piece(&vocabulary),
            model => Err(refusal("model", shortened(model), "one of: gpt2, llama")),
        }
    }

    fn byte_level(&self, vocabulary: &Vocabulary<'_>) -> Result<Tokenizer, ModelError> {
        let name = self.pre.as_deref().unwrap_or_else(|| {
            tracing::warn!("tokenizer.ggml.pre is absent: texts may be cut unlike in training");
            UNNAMED
        });
        let pre_tokenizer = PreTokenizer::named(name).ok_or_else(|| {
            refusal("pre", shortened(name), format!("one of: {}", PreTokenizer::names()))
        })?;
        let model = BPE::builder()
            .vocab_and_merges(vocabulary.bpe(), vocabulary.merges(&self.merges)?)
            .ignore_merges(pre_tokenizer.ignores_merges);
        let mut tokenizer = build(model)?;
        if let Some(json) = pre_tokenizer.normalizer_json() {
            let normalizer: NormalizerWrapper = stage(json)?;
            tokenizer.with_normalizer(Some(normalizer)).map_err(unusable)?;
        }
        tokenizer.with_pre_tokenizer(Some(stage::<PreTokenizerWrapper>(pre_tokenizer.json())?));
        let decoder = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                             "use_regex": false});
        self.finish(tokenizer, decoder, pre_tokenizer.adds_bos, vocabulary)
    }

    fn sentence_piece(&self, vocabulary: &Vocabulary<'_>) -> Result<Tokenizer, ModelError> {
        let mut model = BPE::builder()
            .vocab_and_merges(vocabulary.bpe(), merges_by_score(&vocabulary.pieces(&self.scores)?))
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
        self.finish(tokenizer, decoder, true, vocabulary)
    }

    /// Adds what both kinds have: decoder, the tokens matched whole, BOS and EOS.
    fn finish(
        &self,
        mut tokenizer: HfTokenizer,
        decoder: Value,
        adds_bos: bool,
        vocabulary: &Vocabulary<'_>,
    ) -> Result<Tokenizer, ModelError> {
        tokenizer.with_decoder(Some(stage::<DecoderWrapper>(decoder)?));
        if let Some(template) = self.template(adds_bos, vocabulary)? {
            tokenizer.with_post_processor(Some(stage::<PostProcessorWrapper>(template)?));
        }
        tokenizer.add_tokens(vocabulary.matched_whole()).map_err(unusable)?;
        Tokenizer::from_hf(tokenizer)
    }

    /// The `post_processor` of a tokenizer.json that frames a text by BOS and EOS.
    fn template(
        &self,
        adds_bos: bool,
        vocabulary: &Vocabulary<'_>,
    ) -> Result<Option<Value>, ModelError> {
        let framing = |adds: bool, id: Option<u32>, key, flag: &str| match (adds, id) {
            (false, _) => Ok(None),
            (true, Some(id)) => Ok(Some((id, &self.tokens[id as usize]))),
            (true, None) => Err(refusal(key, "absent", format!("a token id, as {flag} is true"))),
        };
        let adds_bos = self.add_bos.unwrap_or(adds_bos);
        let adds_eos = self.add_eos.unwrap_or(false);
        let bos = framing(adds_bos, vocabulary.bos, "bos_token_id", "add_bos_token")?;
        let eos = framing(adds_eos, vocabulary.eos, "eos_token_id", "add_eos_token")?;
        let special = |(_, token)| json!({"SpecialToken": {"id": token, "type_id": 0}});
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        let second = json!({"Sequence": {"id": "B", "type_id": 0}});
        let single: Vec<Value> =
            bos.map(special).into_iter().chain([text.clone()]).chain(eos.map(special)).collect();
        let tokens: serde_json::Map<String, Value> = [bos, eos]
            .into_iter()
            .flatten()
            .map(|(id, token)| {
                (token.clone(), json!({"id": token, "ids": [id], "tokens": [token]}))
            })
            .collect();
        Ok((single.len() > 1).then(|| {
            json!({"type": "TemplateProcessing", "single": single, "pair": [text, second],
                   "special_tokens": tokens})
        }))
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
}

/// The tokens of a [`GgufVocabulary`], found to be consistent.
struct Vocabulary<'a> {
    ids: HashMap<&'a str, u32>,
    tokens: &'a [String],
    types: Vec<TokenType>,
    bos: Option<u32>,
    eos: Option<u32>,
    unknown: Option<u32>,
}

impl<'a> Vocabulary<'a> {
    fn check(source: &'a GgufVocabulary) -> Result<Self, ModelError> {
        let tokens = source.tokens.as_slice();
        let len = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        let special = |key, id: Option<u32>, default: Option<u32>| match id {
            Some(id) if id >= len => Err(refusal(key, id, format!("an id below {len}"))),
            Some(id) if tokens[id as usize].is_empty() => {
                Err(refusal(key, format!("{id}, an empty token"), "a token with a spelling"))
            }
            Some(id) => Ok(Some(id)),
            None => Ok(default.filter(|&id| id < len && !tokens[id as usize].is_empty())),
        };
        // What llama.cpp takes for granted where a SentencePiece file is silent.
        let default = |id| (source.model == "llama").then_some(id);
        let bos = special("bos_token_id", source.bos, default(1))?;
        let eos = special("eos_token_id", source.eos, default(2))?;
        let unknown = special("unknown_token_id", source.unknown, default(0))?;
        let mut types = types(&source.token_types, tokens.len())?;
        for id in [bos, eos, unknown].into_iter().flatten() {
            types[id as usize] = TokenType::Control;
        }
        Ok(Self { ids: ids(tokens)?, tokens, types, bos, eos, unknown })
    }

    fn bpe(&self) -> tokenizers::models::bpe::Vocab {
        self.ids.iter().map(|(&token, &id)| (token.to_owned(), id)).collect()
    }

    /// The merges of a BPE file, each of two tokens that make a third.
    fn merges(&self, merges: &[String]) -> Result<Merges, ModelError> {
        let formed = |(token, kind): (&String, &TokenType)| {
            *kind == TokenType::Normal && token.chars().nth(1).is_some()
        };
        if merges.is_empty()
            && let Some((token, _)) = self.tokens.iter().zip(&self.types).find(|&pair| formed(pair))
        {
            let expected = format!("the merges that lead to tokens such as {}", shortened(token));
            return Err(refusal("merges", "absent or empty", expected));
        }
        let pair = |(index, merge): (usize, &String)| {
            let (left, right) = merge.split_once(' ').filter(|(left, right)| {
                [*left, *right, &format!("{left}{right}")].iter().all(|p| self.ids.contains_key(p))
            })?;
            let _ = index;
            Some((left.to_owned(), right.to_owned()))
        };
        merges
            .iter()
            .enumerate()
            .map(|(index, merge)| {
                pair((index, merge)).ok_or_else(|| {
                    let found = format!("{} at {index}", shortened(merge));
                    refusal("merges", found, "two tokens that make a third, parted by a space")
                })
            })
            .collect()
    }

    /// The tokens that SentencePiece forms out of text, with their scores.
    fn pieces(&self, scores: &[f32]) -> Result<Vec<(&'a str, f32)>, ModelError> {
        if scores.len() != self.tokens.len() {
            let expected = format!("{}, one per token", self.tokens.len());
            return Err(refusal("scores", format!("of length {}", scores.len()), expected));
        }
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(refusal("scores", format!("not a number at {index}"), "numbers"));
        }
        let formed = |kind| matches!(kind, TokenType::Normal | TokenType::UserDefined);
        let pieces = self.tokens.iter().zip(scores).zip(&self.types);
        Ok(pieces
            .filter(|(_, kind)| formed(**kind))
            .map(|((token, &score), _)| (token.as_str(), score))
            .collect())
    }

    /// The tokens that are looked for in a text before it is cut.
    fn matched_whole(&self) -> Vec<AddedToken> {
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

fn types(codes: &[i32], len: usize) -> Result<Vec<TokenType>, ModelError> {
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

/// Where each token is. Empty tokens, which pad some vocabularies, are left out: no text has them.
fn ids(tokens: &[String]) -> Result<HashMap<&str, u32>, ModelError> {
    if tokens.is_empty() {
        return Err(refusal("tokens", "absent or empty", "the vocabulary"));
    }
    let mut ids = HashMap::with_capacity(tokens.len());
    for (id, token) in (0..).zip(tokens).filter(|(_, token)| !token.is_empty()) {
        if let Some(first) = ids.insert(token.as_str(), id) {
            let found = format!("{} at both {first} and {id}", shortened(token));
            return Err(refusal("tokens", found, "each token once"));
        }
    }
    Ok(ids)
}

fn build(model: BpeBuilder) -> Result<HfTokenizer, ModelError> {
    Ok(HfTokenizer::new(model.build().map_err(unusable)?))
}

/// A stage of the `tokenizers` crate from its part of a tokenizer.json.
fn stage<T: DeserializeOwned>(json: Value) -> Result<T, ModelError> {
    serde_json::from_value(json).map_err(|e| unusable(e.into()))
}

#[allow(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn unusable(source: tokenizers::Error) -> ModelError {
    ModelError::Tokenizer { reason: source.to_string() }
}

fn refusal(key: &str, found: impl ToString, expected: impl Into<String>) -> ModelError {
    ModelError::GgufTokenizer {
        key: format!("tokenizer.ggml.{key}"),
        found: found.to_string(),
        expected: expected.into(),
    }
}

/// At most 40 characters of what a file says, quoted.
fn shortened(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests;
