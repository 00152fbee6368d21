use infer_code_cad_decode::TokenId;
use tokenizers::normalizers::{Lowercase, NormalizerWrapper, Sequence};
use tokenizers::{Encoding, Token, Tokenizer as HfTokenizer};

use crate::CheckpointError;
use crate::tokenizer::parse;

/// Text to the tokens that an encoder reads, from a Hugging Face `tokenizer.json`.
///
/// Unlike [`Tokenizer`](crate::Tokenizer), which begins a prompt, it frames a whole text: what the post-processor adds
/// before and behind stands around it, cut or not. Truncation and padding set in the file are switched off.
#[derive(Debug)]
pub struct EncoderTokenizer {
    inner: HfTokenizer,
    before: Vec<TokenId>,
    after: Vec<TokenId>,
}

/// The tokens of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedText {
    /// At most as many as asked for, those added around the text included.
    pub ids: Vec<TokenId>,
    /// Tokens of the text that were left out at its end.
    pub cut: usize,
}

impl EncoderTokenizer {
    /// Reads the bytes of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`CheckpointError::LfsPointer`], and [`CheckpointError::Tokenizer`] when it cannot be parsed.
    pub fn from_bytes(json: &[u8]) -> Result<Self, CheckpointError> {
        let unusable = |e: tokenizers::Error| CheckpointError::Tokenizer { reason: e.to_string() };
        let inner = parse(json)?;
        // What stands for the text, to see what is added on its sides.
        let text = Token::new(TokenId::MAX, String::new(), (0, 0));
        let framed = inner.post_process(Encoding::from_tokens(vec![text], 0), None, true);
        let framed = framed.map_err(unusable)?.get_ids().to_vec();
        let mut sides = framed.split(|&id| id == TokenId::MAX).map(<[TokenId]>::to_vec);
        let (before, after) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
        Ok(Self { inner, before, after })
    }

    /// Puts texts in lower case before anything else, but for special tokens that they spell, as sentence-transformers
    /// does.
    ///
    /// # Errors
    /// [`CheckpointError::Tokenizer`] when the added tokens of the file do not stand it.
    pub(super) fn lowercased(mut self) -> Result<Self, CheckpointError> {
        let own = self.inner.get_normalizer().cloned();
        let all: Vec<_> = [NormalizerWrapper::from(Lowercase)].into_iter().chain(own).collect();
        let changed = self.inner.with_normalizer(Some(Sequence::new(all))).map(|_| ());
        changed.map_err(|e| CheckpointError::Tokenizer { reason: e.to_string() })?;
        Ok(self)
    }

    /// The tokens of a text between those that are added around it, at most `max_tokens` in all.
    ///
    /// # Errors
    /// [`CheckpointError::Encode`] when the tokenizer refuses the text.
    pub fn encode(&self, text: &str, max_tokens: usize) -> Result<EncodedText, CheckpointError> {
        let ids = self.encode_plain(text)?;
        let kept = ids.len().min(max_tokens.saturating_sub(self.added_tokens()));
        let cut = ids.len() - kept;
        Ok(EncodedText { ids: [&*self.before, &ids[..kept], &self.after].concat(), cut })
    }

    /// The tokens of a text alone.
    ///
    /// # Errors
    /// [`CheckpointError::Encode`] when the tokenizer refuses the text.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<TokenId>, CheckpointError> {
        let encoding = self.inner.encode_fast(text, false).map_err(|error| {
            CheckpointError::Encode { bytes: text.len(), reason: error.to_string() }
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// How many tokens are added around a text.
    pub fn added_tokens(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// The largest id plus one.
    pub fn vocab_size(&self) -> usize {
        let ids = self.inner.get_vocab(true).into_values();
        ids.max().map_or(0, |largest| largest as usize + 1)
    }

    /// The spellings of all tokens and their ids, in no order.
    pub(crate) fn vocabulary(&self) -> impl Iterator<Item = (String, TokenId)> {
        self.inner.get_vocab(true).into_iter()
    }

    /// The token that stands for what is in no vocabulary, as the model of the file names it.
    ///
    /// # Errors
    /// [`CheckpointError::Tokenizer`] when the model cannot be written out.
    pub(crate) fn unknown_token(&self) -> Result<Option<TokenId>, CheckpointError> {
        let unusable = |e: serde_json::Error| CheckpointError::Tokenizer { reason: e.to_string() };
        let model = serde_json::to_value(self.inner.get_model()).map_err(unusable)?;
        if let Some(id) = model["unk_id"].as_u64() {
            return Ok(TokenId::try_from(id).ok());
        }
        Ok(model["unk_token"].as_str().and_then(|token| self.inner.token_to_id(token)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A tokenizer of words with the given post-processor, which truncates and pads by itself.
    fn tokenizer(post_processor: &Value) -> EncoderTokenizer {
        let special = |id: u32, content: &str| {
            json!({"id": id, "content": content, "special": true, "single_word": false,
                   "lstrip": false, "rstrip": false, "normalized": false})
        };
        let json = json!({
            "version": "1.0",
            "truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
            "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null,
                        "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
            "added_tokens": [special(0, "[PAD]"), special(1, "[CLS]"), special(2, "[SEP]")],
            "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": post_processor, "decoder": null,
            "model": {"type": "WordLevel", "unk_token": "[UNK]",
                      "vocab": {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "a": 4, "b": 5}},
        });
        EncoderTokenizer::from_bytes(json.to_string().as_bytes()).unwrap()
    }

    fn bert() -> Value {
        json!({"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]})
    }

    #[test]
    fn what_frames_a_text_outlives_the_cut() {
        let tokenizer = tokenizer(&bert());
        assert_eq!((tokenizer.added_tokens(), tokenizer.vocab_size()), (2, 6));
        let encode = |text: &str, max| {
            let EncodedText { ids, cut } = tokenizer.encode(text, max).unwrap();
            (ids, cut)
        };
        assert_eq!(encode("a b a b", 99), (vec![1, 4, 5, 4, 5, 2], 0));
        assert_eq!(encode("a b a b", 6), (vec![1, 4, 5, 4, 5, 2], 0));
        assert_eq!(encode("a b a b", 5), (vec![1, 4, 5, 4, 2], 1));
        assert_eq!(encode("a b a b", 2), (vec![1, 2], 4));
        assert_eq!(encode("a b a b", 0), (vec![1, 2], 4));
        assert_eq!(encode("", 9), (vec![1, 2], 0));
        assert_eq!(encode("a [SEP] b", 9), (vec![1, 4, 2, 5, 2], 0));
    }

    #[test]
    fn without_a_post_processor_nothing_is_added() {
        let tokenizer = tokenizer(&Value::Null);
        assert_eq!(tokenizer.encode("a z", 9).unwrap().ids, [4, 3]);
        assert!(tokenizer.encode("", 9).unwrap().ids.is_empty());
        assert_eq!(tokenizer.unknown_token().unwrap(), Some(3));
    }
}
