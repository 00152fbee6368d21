//! Strings that end in NUL or are not UTF-8, and tokens that are not there.

use super::*;
use crate::{Checkpoint, Tokenizer};

fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u64).to_le_bytes()[..], bytes].concat()
}

pub(super) fn strings(strings: &[&[u8]]) -> Vec<u8> {
    let all: Vec<u8> = strings.iter().flat_map(|string| bytes(string)).collect();
    [&8u32.to_le_bytes()[..], &(strings.len() as u64).to_le_bytes(), &all].concat()
}

pub(super) fn numbers(kind: u32, numbers: impl ExactSizeIterator<Item = [u8; 4]>) -> Vec<u8> {
    let len = numbers.len() as u64;
    let all: Vec<u8> = numbers.flatten().collect();
    [&kind.to_le_bytes()[..], &len.to_le_bytes(), &all].concat()
}

/// A Llama without blocks to speak of; its keys are followed by `end`, and so are its strings.
pub(super) fn model(end: &str, tokens: &[&[u8]], types: &[i32]) -> Writer {
    let key = |name: &str| format!("{name}{end}");
    let mut file = Writer::default();
    for (name, value) in [
        ("embedding_length", 8),
        ("attention.head_count", 2),
        ("block_count", 1),
        ("context_length", 16),
        ("feed_forward_length", 8),
    ] {
        file = file.u32(&key(&format!("llama.{name}")), value);
    }
    let rows = tokens.len() as u64;
    file.pair(&key("general.architecture"), 8, &string(&key("llama")))
        .pair(&key("llama.attention.layer_norm_rms_epsilon"), 6, &1e-5f32.to_le_bytes())
        .pair(&key("tokenizer.ggml.tokens"), 9, &strings(tokens))
        .pair(
            &key("tokenizer.ggml.token_type"),
            9,
            &numbers(5, types.iter().map(|n| n.to_le_bytes())),
        )
        .tensor(&key("token_embd.weight"), &[8, rows], 0, 0)
        .data(&vec![0; tokens.len() * 32])
}

pub(super) fn open(file: &Writer) -> Checkpoint {
    Checkpoint::from_gguf_bytes(&file.finish()).unwrap()
}

/// With scores that prefer what comes later.
pub(super) fn sentence_piece(end: &str, tokens: &[&[u8]], types: &[i32]) -> Writer {
    let scores = numbers(6, (0..tokens.len()).map(|id| (id as f32).to_le_bytes()));
    model(end, tokens, types)
        .pair(&format!("tokenizer.ggml.model{end}"), 8, &string(&format!("llama{end}")))
        .pair(&format!("tokenizer.ggml.scores{end}"), 9, &scores)
        .pair(&format!("tokenizer.ggml.add_space_prefix{end}"), 7, &[0])
}

const MARKS: [&[u8]; 3] = [b"<unk>", b"<s>", b"</s>"];

pub(super) fn all(more: &[&'static [u8]]) -> Vec<&'static [u8]> {
    [&MARKS, more].concat()
}

fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<TokenId> {
    tokenizer.encode_plain(text).unwrap()
}

#[test]
fn nuls_that_end_keys_values_names_and_tokens_are_left_out() {
    let template = "{{ bos_token }}{{ messages[0].content }}";
    let file = |end: &str| {
        let tokens: Vec<Vec<u8>> = [&b"<unk>"[..], b"<s>", b"</s>", b"a", b"b", b"ab"]
            .iter()
            .map(|token| [token, end.as_bytes()].concat())
            .collect();
        let tokens: Vec<&[u8]> = tokens.iter().map(Vec::as_slice).collect();
        sentence_piece(end, &tokens, &[2, 3, 3, 1, 1, 1])
            .u32(&format!("tokenizer.ggml.bos_token_id{end}"), 1)
            .u32(&format!("tokenizer.ggml.mask_token_id{end}"), 5)
            .pair(&format!("tokenizer.chat_template{end}"), 8, &string(&format!("{template}{end}")))
    };
    let (plain, ended) = (open(&file("")), open(&file("\0\0")));
    assert_eq!(ended.config(), plain.config());
    assert_eq!(ended.tensors()[0].name, "token_embd.weight");
    assert_eq!(ended.metadata(), plain.metadata());
    assert_eq!(ended.mask_token().as_deref(), Some("ab"));
    let tokenizer = ended.tokenizer().unwrap();
    assert_eq!(ids(&tokenizer, "abb</s>"), [5, 4, 2]);
    assert_eq!(tokenizer.decode(&[5, 4, 2]), "abb");
    let template = ended.chat_template().unwrap().unwrap();
    let text = template.render(&[crate::Message::user("hi")], &crate::ChatOptions::default());
    assert_eq!(text.unwrap(), "<s>hi");
}

#[test]
fn latin_1_is_read_in_metadata_that_nobody_needs() {
    let file = sentence_piece("", &all(&[b"a"]), &[2, 3, 3, 1])
        .pair("general.author", 8, &bytes(b"Jos\xe9"))
        .pair("general.tags", 9, &strings(&[b"caf\xe9", b"\xff"]));
    let mut file = file;
    file.pairs.push([&bytes(b"general.cit\xe9")[..], &4u32.to_le_bytes(), &[7, 0, 0, 0]].concat());
    let checkpoint = open(&file);
    let value = |key: &str| {
        let pair = checkpoint.metadata().iter().find(|(known, _)| known == key);
        pair.map(|(_, value)| value.as_str())
    };
    assert_eq!(value("general.author"), Some("José"));
    assert_eq!(value("general.tags"), Some("2 values of type String"));
    assert_eq!(value("general.cité"), Some("7"));
    checkpoint.tokenizer().unwrap();
}

#[test]
fn a_sentence_piece_token_that_is_not_utf_8_keeps_its_bytes_and_is_never_formed() {
    // The letter, its Latin-1 byte, a half of a character, and a mark in Latin-1.
    let tokens = all(&["é".as_bytes(), b"\xe9", b"\xe2\x96", b"<caf\xe9>", b"a"]);
    let checkpoint = open(&sentence_piece("", &tokens, &[2, 3, 3, 1, 1, 4, 3, 1]));
    let tokenizer = checkpoint.tokenizer().unwrap();
    assert_eq!(tokenizer.vocab_size(), 8);
    assert_eq!(tokenizer.token_bytes(3), "é".as_bytes());
    assert_eq!(tokenizer.token_bytes(4), b"\xe9");
    assert_eq!(tokenizer.token_bytes(5), b"\xe2\x96");
    assert_eq!(tokenizer.token_bytes(6), b"", "a mark has no bytes");
    assert_eq!(ids(&tokenizer, "aéa<café>"), [7, 3, 7, 6]);
    // Bytes of one character may come in two tokens.
    assert_eq!(tokenizer.decode(&[7, 5]), "a\u{fffd}");
}

#[test]
fn a_byte_level_token_that_is_its_bytes_is_what_it_spells() {
    let mut alphabet: Vec<String> =
        (0..=255).map(|byte| crate::tokenizer::byte_level_spelling(&[byte])).collect();
    alphabet.push("<end>".into());
    let mut tokens: Vec<&[u8]> = alphabet.iter().map(String::as_bytes).collect();
    // The bytes of U+9000 are E9 80 80.
    (tokens[0xe9], tokens[0x80]) = (b"\xe9", b"\x80\0");
    let types: Vec<i32> = (0..257).map(|id| if id == 256 { 3 } else { 1 }).collect();
    let file = model("", &tokens, &types)
        .pair("tokenizer.ggml.model", 8, &string("gpt2"))
        .pair("tokenizer.ggml.pre", 8, &string("gpt-2\0"))
        .pair("tokenizer.ggml.merges", 9, &strings(&[b"\xe9 \x80"]));
    let tokenizer = open(&file).tokenizer().unwrap();
    for byte in 0..=255 {
        assert_eq!(tokenizer.token_bytes(byte.into()), [byte]);
    }
    assert_eq!(ids(&tokenizer, "\u{9000}é"), [0xe9, 0x80, 0x80, 0xc3, 0xa9]);
}

#[test]
fn a_token_of_minus_one_is_no_token() {
    let file = |value: u32| {
        ["eos", "eot", "eom", "padding", "bos", "unknown"]
            .iter()
            .fold(sentence_piece("", &all(&[b"a"]), &[2, 3, 3, 1]), |file, name| {
                file.u32(&format!("tokenizer.ggml.{name}_token_id"), value)
            })
    };
    let checkpoint = open(&file(u32::MAX));
    // What llama.cpp takes where the file is silent: 1 begins a text and 2 ends it.
    assert_eq!(checkpoint.eos_token_ids(), [2]);
    let tokenizer = checkpoint.tokenizer().unwrap();
    assert_eq!(tokenizer.encode("a").unwrap(), [1, 3]);
    assert_eq!(open(&file(3)).eos_token_ids(), [3]);

    let signed = |kind, value: &[u8]| {
        let file = sentence_piece("", &all(&[b"a"]), &[2, 3, 3, 1]);
        Checkpoint::from_gguf_bytes(&file.pair("tokenizer.ggml.eos_token_id", kind, value).finish())
    };
    assert_eq!(signed(5, &(-1i32).to_le_bytes()).unwrap().eos_token_ids(), [2]);
    assert_eq!(signed(11, &(-1i64).to_le_bytes()).unwrap().eos_token_ids(), [2]);
    let message = signed(5, &(-2i32).to_le_bytes()).unwrap_err().to_string();
    assert!(message.contains("eos_token_id is -2, expected a token id"), "{message}");
}

proptest! {
    #[test]
    fn any_strings_make_a_tokenizer_or_an_error(
        tokens in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 1..12),
        types in prop::collection::vec(1..7, 12),
        text in ".{0,8}",
    ) {
        let tokens: Vec<&[u8]> = tokens.iter().map(Vec::as_slice).collect();
        let file = sentence_piece("", &tokens, &types[..tokens.len()]);
        let checkpoint = Checkpoint::from_gguf_bytes(&file.finish()).unwrap();
        if let Ok(tokenizer) = checkpoint.tokenizer() {
            let ids = tokenizer.encode(&text).unwrap();
            prop_assert!(ids.iter().all(|&id| (id as usize) < tokens.len()));
        }
    }
}
