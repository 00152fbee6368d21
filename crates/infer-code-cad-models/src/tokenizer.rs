use infer_code_cad_decode::TokenId;
use tokenizers::{DecoderWrapper, Tokenizer as HfTokenizer};

use crate::ModelError;

/// Text to tokens and back to exact bytes, from a Hugging Face `tokenizer.json`.
///
/// A token need not be whole characters, so the way back is by bytes: join [`Tokenizer::token_bytes`]
/// and decode UTF-8 where it is complete. Special tokens have no bytes.
#[derive(Debug)]
pub struct Tokenizer {
    inner: HfTokenizer,
    bytes: Vec<Box<[u8]>>,
    bos: Option<TokenId>,
}

impl Tokenizer {
    /// Reads the bytes of a `tokenizer.json`. Truncation and padding set in it are switched off.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] when it cannot be parsed, or when its decoder is neither byte-level
    /// nor of the SentencePiece kind, so that the bytes of a token are unknown.
    pub fn from_bytes(json: &[u8]) -> Result<Self, ModelError> {
        let unusable = |e: tokenizers::Error| ModelError::Tokenizer { reason: e.to_string() };
        let mut inner = HfTokenizer::from_bytes(json).map_err(unusable)?;
        inner.with_truncation(None).map_err(unusable)?.with_padding(None);
        let bytes = all_token_bytes(&inner, Spelling::of(inner.get_decoder())?);
        let bos = inner.encode("", true).map_err(unusable)?.get_ids().first().copied();
        Ok(Self { inner, bytes, bos })
    }

    /// The tokens of `text`, framed by the special tokens of the post-processor (usually one BOS).
    ///
    /// Special tokens spelled out in `text` are recognised; a BOS spelled at its start, as chat
    /// templates do, is not added a second time.
    ///
    /// # Errors
    /// [`ModelError::Encode`] when the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, ModelError> {
        let mut ids = self.ids(text, true)?;
        if let (Some(bos), [first, second, ..]) = (self.bos, ids.as_slice())
            && *first == bos
            && *second == bos
        {
            ids.remove(0);
        }
        Ok(ids)
    }

    /// The tokens of `text` alone: nothing is added before or after.
    ///
    /// # Errors
    /// [`ModelError::Encode`] when the tokenizer refuses the text.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<TokenId>, ModelError> {
        self.ids(text, false)
    }

    /// The bytes `id` stands for: none for a special token or an id past the vocabulary.
    pub fn token_bytes(&self, id: TokenId) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], |bytes| bytes)
    }

    /// The text of `ids`; bytes that are not UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[TokenId]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.token_bytes(id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The id of the token spelled exactly `token`, special tokens included.
    pub fn token_id(&self, token: &str) -> Option<TokenId> {
        self.inner.token_to_id(token)
    }

    /// The largest id plus one. A model may have more logits than this, for padding.
    pub fn vocab_size(&self) -> usize {
        self.bytes.len()
    }

    fn ids(&self, text: &str, add_special_tokens: bool) -> Result<Vec<TokenId>, ModelError> {
        let encoding = self
            .inner
            .encode_fast(text, add_special_tokens)
            .map_err(|e| ModelError::Encode { bytes: text.len(), reason: e.to_string() })?;
        Ok(encoding.get_ids().to_vec())
    }
}

/// How a vocabulary spells bytes.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    /// Each byte is one printable character (GPT-2, Llama 3, StarCoder, Qwen).
    ByteLevel,
    /// `▁` is a space and `<0x0A>` a byte (Llama 2, Gemma).
    SentencePiece,
}

impl Spelling {
    fn of(decoder: Option<&DecoderWrapper>) -> Result<Self, ModelError> {
        match decoder {
            Some(DecoderWrapper::ByteLevel(_)) => Ok(Self::ByteLevel),
            Some(DecoderWrapper::Metaspace(_) | DecoderWrapper::ByteFallback(_)) => {
                Ok(Self::SentencePiece)
            }
            Some(DecoderWrapper::Sequence(sequence)) => sequence
                .get_decoders()
                .iter()
                .find_map(|decoder| Self::of(Some(decoder)).ok())
                .ok_or_else(unknown_decoder),
            _ => Err(unknown_decoder()),
        }
    }

    fn bytes(self, token: &str) -> Vec<u8> {
        match self {
            Self::ByteLevel => {
                let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
                bytes.unwrap_or_else(|| token.as_bytes().to_vec())
            }
            Self::SentencePiece => match byte_fallback(token) {
                Some(byte) => vec![byte],
                None => token.replace('\u{2581}', " ").into_bytes(),
            },
        }
    }
}

fn unknown_decoder() -> ModelError {
    ModelError::Tokenizer {
        reason: "its decoder is neither ByteLevel nor of the SentencePiece kind (ByteFallback, \
                 Metaspace); save it with one of these"
            .into(),
    }
}

fn all_token_bytes(tokenizer: &HfTokenizer, spelling: Spelling) -> Vec<Box<[u8]>> {
    let vocab = tokenizer.get_vocab(true);
    let len = vocab.values().max().map_or(0, |&id| id as usize + 1);
    let mut bytes = vec![Box::default(); len];
    for (token, id) in vocab {
        bytes[id as usize] = spelling.bytes(&token).into_boxed_slice();
    }
    for (id, token) in tokenizer.get_added_tokens_decoder() {
        let text = if token.special { "" } else { token.content.as_str() };
        bytes[id as usize] = text.as_bytes().into();
    }
    bytes
}

/// Inverts the byte-level alphabet of GPT-2: printable Latin-1 stands for itself, the 68 other
/// bytes for U+0100 onwards in their order.
fn byte_of(c: char) -> Option<u8> {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match u32::from(c) {
        code @ 0..0x100 => Some(code as u8).filter(|&b| printable(b)),
        code => (0..=u8::MAX).filter(|&b| !printable(b)).nth(code as usize - 0x100),
    }
}

/// The byte of `<0x0A>`.
fn byte_fallback(token: &str) -> Option<u8> {
    let hex = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok()).flatten()
}
