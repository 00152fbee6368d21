mod beginning;
mod within;

use std::ops::Range;

use infer_code_cad_decode::{TokenId, Vocabulary};
use tokenizers::{DecoderWrapper, Tokenizer as HfTokenizer};

use crate::CheckpointError;
use crate::fields::Fields;
use crate::lfs::refuse_pointer;

/// The fields of a `tokenizer.json` that are read.
const READ: [&str; 7] = [
    "version",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "model",
];

/// Text to tokens and back to exact bytes, from a Hugging Face `tokenizer.json`.
///
/// A token need not be whole characters, so the way back is by bytes: join [`Tokenizer::token_bytes`]
/// and decode UTF-8 where it is complete. Special tokens have no bytes.
#[derive(Debug)]
pub struct Tokenizer {
    inner: HfTokenizer,
    bytes: Vec<Box<[u8]>>,
    /// The one token that a text begins with.
    bos: Option<TokenId>,
}

impl Vocabulary for Tokenizer {
    fn token_bytes(&self, token: TokenId) -> &[u8] {
        self.token_bytes(token)
    }
}

impl Tokenizer {
    /// Reads the bytes of a `tokenizer.json`. Truncation and padding set in it are switched off.
    ///
    /// # Errors
    /// [`CheckpointError::LfsPointer`], and [`CheckpointError::Tokenizer`] when it cannot be parsed, or when its decoder is neither byte-level
    /// nor of the SentencePiece kind, so that the bytes of a token are unknown.
    pub fn from_bytes(json: &[u8]) -> Result<Self, CheckpointError> {
        Self::from_hf(parse(json)?)
    }

    /// As [`Tokenizer::from_bytes`], for a model of so many tokens. Added tokens beyond them are left out: a text
    /// that spells one is ordinary text.
    pub(crate) fn within(json: &[u8], vocab_size: usize) -> Result<Self, CheckpointError> {
        Self::from_bytes(&within::within(json, vocab_size))
    }

    /// Takes a tokenizer that neither truncates nor pads.
    ///
    /// # Errors
    /// As [`Tokenizer::from_bytes`].
    pub(crate) fn from_hf(mut inner: HfTokenizer) -> Result<Self, CheckpointError> {
        let unusable = |e: tokenizers::Error| CheckpointError::Tokenizer { reason: e.to_string() };
        let bytes = all_token_bytes(&inner, Spelling::of(inner.get_decoder())?)?;
        if let Some(processor) = inner.get_post_processor() {
            let processor = beginning::beginning(processor).map_err(unusable)?;
            inner.with_post_processor(Some(processor));
        }
        let nothing = inner.encode("", true).map_err(unusable)?;
        let added = nothing.get_ids().iter().zip(nothing.get_special_tokens_mask());
        let mut added = added.filter(|(_, is_added)| **is_added == 1).map(|(id, _)| *id);
        let bos = added.next().filter(|_| added.next().is_none());
        Ok(Self { inner, bytes, bos })
    }

    /// Sets what some tokens stand for, where their spelling does not say it.
    pub(crate) fn with_bytes(mut self, tokens: &[(TokenId, &[u8])]) -> Self {
        for &(id, bytes) in tokens {
            let len = self.bytes.len().max(id as usize + 1);
            self.bytes.resize_with(len, Box::default);
            self.bytes[id as usize] = bytes.into();
        }
        self
    }

    /// The tokens of `text` behind the special tokens that the post-processor begins a text with, usually
    /// one BOS.
    ///
    /// What a post-processor ends a text with, such as an EOS or a SEP, is for training and never added: a
    /// model answers a prompt that has ended with nothing.
    ///
    /// Special tokens spelled out in `text` are recognised; a BOS spelled at its start, as chat
    /// templates do, is not added a second time.
    ///
    /// # Errors
    /// [`CheckpointError::Encode`] when the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, CheckpointError> {
        let mut ids = self.ids(text, true)?;
        if self.has_second_bos(&ids) {
            ids.remove(0);
        }
        Ok(ids)
    }

    /// The tokens of [`Tokenizer::encode`], each with the range of bytes of `text` that it stands for.
    ///
    /// A token that is not in the text, such as a BOS that was added, has an empty range. Blanks before
    /// a word may be missing from the range of its token, as the tokenizer's file says. Tokens that
    /// share a character have the same range.
    ///
    /// # Errors
    /// [`CheckpointError::Encode`] when the tokenizer refuses the text.
    pub fn encode_with_offsets(
        &self,
        text: &str,
    ) -> Result<Vec<(TokenId, Range<usize>)>, CheckpointError> {
        let encoding = self.inner.encode(text, true).map_err(|e| refused(text, &e))?;
        let ids = encoding.get_ids();
        let added = usize::from(self.has_second_bos(ids));
        let ranges = encoding.get_offsets().iter().map(|&(start, end)| start..end);
        Ok(ids.iter().copied().zip(ranges).skip(added).collect())
    }

    /// The tokens of `text` alone: nothing is added before or after.
    ///
    /// # Errors
    /// [`CheckpointError::Encode`] when the tokenizer refuses the text.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<TokenId>, CheckpointError> {
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

    fn ids(&self, text: &str, add_special_tokens: bool) -> Result<Vec<TokenId>, CheckpointError> {
        let encoding = self.inner.encode_fast(text, add_special_tokens);
        Ok(encoding.map_err(|e| refused(text, &e))?.get_ids().to_vec())
    }

    /// Whether the BOS that was added stands before one that the text spells.
    fn has_second_bos(&self, ids: &[TokenId]) -> bool {
        matches!((self.bos, ids), (Some(bos), [first, second, ..]) if *first == bos && *second == bos)
    }
}

/// Parses a `tokenizer.json` and switches its truncation and padding off.
pub(crate) fn parse(json: &[u8]) -> Result<HfTokenizer, CheckpointError> {
    let unusable = |e: tokenizers::Error| CheckpointError::Tokenizer { reason: e.to_string() };
    refuse_pointer("tokenizer.json", json)?;
    let mut inner = match HfTokenizer::from_bytes(json) {
        Ok(inner) => inner,
        // What is switched off anyway may be unreadable, such as a length of infinity or a token -1.
        Err(error) => match Fields::of("tokenizer.json", json) {
            Ok(fields) => HfTokenizer::from_bytes(fields.only(&READ)).map_err(unusable)?,
            Err(_) => return Err(unusable(error)),
        },
    };
    inner.with_truncation(None).map_err(unusable)?.with_padding(None);
    Ok(inner)
}

fn refused(text: &str, error: &tokenizers::Error) -> CheckpointError {
    CheckpointError::Encode { bytes: text.len(), reason: error.to_string() }
}

/// How a vocabulary spells bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spelling {
    /// Each byte is one printable character (GPT-2, Llama 3, StarCoder, Qwen).
    ByteLevel,
    /// `▁` is a space and `<0x0A>` a byte (Llama 2, Gemma).
    SentencePiece,
}

impl Spelling {
    pub(crate) fn of(decoder: Option<&DecoderWrapper>) -> Result<Self, CheckpointError> {
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

    /// What a token stands for.
    pub(crate) fn bytes(self, token: &str) -> Vec<u8> {
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

    /// The bytes of a token matched whole: byte-level merges never see it, SentencePiece's do (Gemma
    /// has runs of `▁`).
    fn added_bytes(self, content: &str) -> Vec<u8> {
        match self {
            Self::ByteLevel => content.as_bytes().to_vec(),
            Self::SentencePiece => self.bytes(content),
        }
    }
}

fn unknown_decoder() -> CheckpointError {
    CheckpointError::Tokenizer {
        reason: "its decoder is neither ByteLevel nor of the SentencePiece kind (ByteFallback, \
                 Metaspace); save it with one of these"
            .into(),
    }
}

fn all_token_bytes(
    tokenizer: &HfTokenizer,
    spelling: Spelling,
) -> Result<Vec<Box<[u8]>>, CheckpointError> {
    let vocab = tokenizer.get_vocab(true);
    let len = vocab.values().max().map_or(0, |&id| id as usize + 1);
    // The table is as long as the largest id, which a file may merely claim.
    if len > MAX_GAPS + vocab.len() {
        let reason =
            format!("{} tokens have ids up to {}; number them densely", vocab.len(), len - 1);
        return Err(CheckpointError::Tokenizer { reason });
    }
    let mut bytes = vec![Box::default(); len];
    for (token, id) in vocab {
        bytes[id as usize] = spelling.bytes(&token).into_boxed_slice();
    }
    for (id, token) in tokenizer.get_added_tokens_decoder() {
        let text = if token.special { Vec::new() } else { spelling.added_bytes(&token.content) };
        bytes[id as usize] = text.into_boxed_slice();
    }
    Ok(bytes)
}

/// Ids that may stand for no token: more than any vocabulary leaves out.
const MAX_GAPS: usize = 1 << 20;

/// Inverts the byte-level alphabet of GPT-2: printable Latin-1 stands for itself, the 68 other
/// bytes (`00..=20`, `7F..=A0` and `AD`) for U+0100 onwards in their order.
fn byte_of(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ (0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) => u8::try_from(code).ok(),
        code @ 0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        code @ 0x121..=0x142 => u8::try_from(code - 0x121 + 0x7F).ok(),
        0x143 => Some(0xAD),
        _ => None,
    }
}

/// Bytes in the alphabet of GPT-2.
pub(crate) fn byte_level_spelling(bytes: &[u8]) -> String {
    let char_of = |byte| ('\u{21}'..='\u{143}').find(|&c| byte_of(c) == Some(byte));
    bytes.iter().filter_map(|&byte| char_of(byte)).collect()
}

/// The byte of `<0x0A>`.
fn byte_fallback(token: &str) -> Option<u8> {
    let hex = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::path::PathBuf;
    use std::{env, fs};

    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tokenizers::pre_tokenizers::byte_level::ByteLevel;

    use super::*;

    const BOS: TokenId = 256;

    fn special(id: u32, content: &str, special: bool) -> Value {
        json!({"id": id, "content": content, "special": special, "single_word": false,
               "lstrip": false, "rstrip": false, "normalized": false})
    }

    /// 256 single bytes, a special BOS that the template adds, and an added token that is text.
    fn byte_level() -> Tokenizer {
        let added = json!([special(BOS, "<bos>", true), special(257, "é and text", false)]);
        byte_level_with(
            &added,
            &json!({
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}},
                           {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                         {"Sequence": {"id": "B", "type_id": 0}}],
                "special_tokens": {"<bos>": {"id": "<bos>", "ids": [BOS], "tokens": ["<bos>"]}},
            }),
        )
    }

    impl Tokenizer {
        /// 256 single bytes, and a special BOS and EOS that a post-processor may add.
        pub(super) fn framed_by(post_processor: &Value) -> Self {
            let added = json!([special(BOS, "<bos>", true), special(257, "<eos>", true)]);
            byte_level_with(&added, post_processor)
        }
    }

    fn byte_level_with(added_tokens: &Value, post_processor: &Value) -> Tokenizer {
        let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
        alphabet.sort_unstable();
        let vocab: serde_json::Map<String, Value> =
            alphabet.iter().enumerate().map(|(i, c)| (c.to_string(), json!(i))).collect();
        let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                           "use_regex": false});
        let json = json!({
            "version": "1.0",
            "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst",
                           "stride": 0},
            "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": null,
                        "pad_id": 0, "pad_type_id": 0, "pad_token": "!"},
            "added_tokens": added_tokens, "normalizer": null, "pre_tokenizer": level,
            "decoder": level, "post_processor": post_processor,
            "model": {"type": "BPE", "vocab": vocab, "merges": []},
        });
        Tokenizer::from_bytes(json.to_string().as_bytes()).unwrap()
    }

    fn sentence_piece() -> Tokenizer {
        let json = json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [special(0, "<s>", true), special(7, "\u{2581}\u{2581}", false)],
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"},
            "pre_tokenizer": null, "post_processor": null,
            "decoder": {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"},
            ]},
            "model": {"type": "BPE", "byte_fallback": true, "merges": [],
                      "vocab": {"<s>": 0, "\u{2581}": 1, "a": 2, "<0x0A>": 3, "<0xC3>": 4,
                                "<0xA9>": 5, "<0xZZ>": 6, "\u{2581}\u{2581}": 7}},
        });
        Tokenizer::from_bytes(json.to_string().as_bytes()).unwrap()
    }

    fn bytes(tokenizer: &Tokenizer, ids: &[TokenId]) -> Vec<u8> {
        ids.iter().flat_map(|&id| tokenizer.token_bytes(id)).copied().collect()
    }

    #[test]
    fn bos_is_added_exactly_once_and_nothing_is_cut_or_padded() {
        let tokenizer = byte_level();
        let ids = tokenizer.encode("hello").unwrap();
        assert_eq!(ids.len(), 6);
        assert_eq!(ids[0], BOS);
        assert_eq!(tokenizer.encode("<bos>hello").unwrap(), ids);
        assert_eq!(tokenizer.encode_plain("hello").unwrap(), ids[1..]);
        assert_eq!(tokenizer.encode("").unwrap(), [BOS]);
        assert_eq!(tokenizer.token_id("<bos>"), Some(BOS));
    }

    #[test]
    fn every_token_knows_its_place_in_the_text() {
        let tokenizer = byte_level();
        let text = "<bos>a\u{e9}é and text";
        let found = tokenizer.encode_with_offsets(text).unwrap();
        let (ids, ranges): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        assert_eq!(ids, tokenizer.encode(text).unwrap());
        assert_eq!(ranges, [0..5, 5..6, 6..8, 6..8, 8..text.len()]);
        let added = tokenizer.encode_with_offsets("a").unwrap();
        assert_eq!((added[0].clone(), added[1].1.clone()), ((BOS, 0..0), 0..1));
    }

    #[test]
    fn special_tokens_have_no_bytes_and_added_text_its_own() {
        let tokenizer = byte_level();
        assert_eq!(tokenizer.token_bytes(BOS), b"");
        assert_eq!(tokenizer.token_bytes(257), "é and text".as_bytes());
        assert_eq!(tokenizer.token_bytes(9999), b"");
        assert_eq!(tokenizer.vocab_size(), 258);
    }

    #[test]
    fn every_byte_is_one_token_of_the_byte_level_alphabet() {
        let tokenizer = byte_level();
        let mut all: Vec<u8> = (0..256).flat_map(|id| tokenizer.token_bytes(id)).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn sentence_piece_spaces_and_byte_fallback_become_bytes() {
        let tokenizer = sentence_piece();
        let text = " a\n a\u{e9}";
        assert_eq!(bytes(&tokenizer, &tokenizer.encode(text).unwrap()), text.as_bytes());
        assert_eq!(tokenizer.token_bytes(4), [0xC3]);
        assert_eq!(tokenizer.token_bytes(6), b"<0xZZ>");
        assert_eq!(tokenizer.token_bytes(7), b"  ");
        assert_eq!(tokenizer.decode(&[0, 1, 2, 4]), " a\u{fffd}");
    }

    #[test]
    fn an_unknown_decoder_is_refused() {
        let error = Tokenizer::from_bytes(
            br#"{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{},"merges":[]}}"#,
        );
        let message = error.unwrap_err().to_string();
        assert!(message.contains("neither ByteLevel nor"), "{message}");
        assert!(Tokenizer::from_bytes(b"nonsense").is_err());
    }

    #[test]
    fn an_id_far_beyond_the_vocabulary_is_refused_not_allocated() {
        let error = Tokenizer::from_bytes(
            br#"{"version":"1.0","added_tokens":[],"decoder":{"type":"ByteLevel",
                "add_prefix_space":false,"trim_offsets":true},
                "model":{"type":"BPE","vocab":{"a":4294967295},"merges":[]}}"#,
        );
        let message = error.unwrap_err().to_string();
        assert!(message.contains("1 tokens have ids up to 4294967295"), "{message}");
    }

    proptest! {
        #[test]
        fn bytes_of_the_tokens_are_the_bytes_of_the_text(text in "\\PC*") {
            let tokenizer = byte_level();
            let ids = tokenizer.encode(&text).unwrap();
            prop_assert_eq!(bytes(&tokenizer, &ids), text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn a_prompt_never_ends_with_what_its_text_does_not_spell(
            text in "(<eos>|<bos>|[ab é]){0,6}", kind in 0usize..8,
        ) {
            let (_, processor, before) = beginning::tests::ending().swap_remove(kind);
            let tokenizer = Tokenizer::framed_by(&processor);
            let (ids, plain) = (tokenizer.encode(&text).unwrap(), tokenizer.encode_plain(&text).unwrap());
            prop_assert!(ids.ends_with(&plain) && ids.len() <= plain.len() + before.len());
        }
    }

    #[test]
    fn llama_3_round_trips_code() {
        let data = env::var_os("INFER_CODE_CAD_DATA").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
            PathBuf::from,
        );
        let Ok(json) = fs::read(data.join("llama-3.2-1b-instruct/tokenizer.json")) else {
            eprintln!("llama_3_round_trips_code: no llama-3.2-1b-instruct/tokenizer.json, not run");
            return;
        };
        let tokenizer = Tokenizer::from_bytes(&json).unwrap();
        let text = "def f(x):\n    return 'naïve 🦀' + x  # ok\n";
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!(ids.iter().filter(|&&id| id == 128_000).count(), 1);
        assert_eq!(bytes(&tokenizer, &ids), text.as_bytes());
        assert_eq!(tokenizer.encode(&format!("<|begin_of_text|>{text}")).unwrap(), ids);
        assert_eq!(tokenizer.token_bytes(128_009), b"");
        assert_eq!(tokenizer.vocab_size(), 128_256);
    }
}
