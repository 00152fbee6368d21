use std::path::PathBuf;
use std::sync::LazyLock;
use std::{env, fs};

use infer_code_cad_decode::TokenId;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// A vocabulary and what the libraries that define it make of some texts (see make_tokenizers.py).
#[derive(Deserialize)]
struct Fixture {
    vocabulary: GgufVocabulary,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    ids: Vec<TokenId>,
}

const BYTE_LEVEL: [&str; 6] =
    ["gpt-2", "starcoder", "llama-bpe", "qwen2", "gpt-4o", "deepseek-coder"];
const SENTENCE_PIECE: [&str; 2] = ["sentencepiece-llama", "sentencepiece-gemma"];

fn fixture(name: &str) -> Fixture {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = manifest.join("tests/fixtures/tokenizers").join(name).with_extension("json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn tokenizer(name: &str) -> Tokenizer {
    fixture(name).vocabulary.into_tokenizer().unwrap()
}

fn bytes(tokenizer: &Tokenizer, ids: &[TokenId]) -> Vec<u8> {
    ids.iter().flat_map(|&id| tokenizer.token_bytes(id)).copied().collect()
}

#[test]
fn agrees_with_the_libraries_that_define_the_vocabularies() {
    for name in BYTE_LEVEL.into_iter().chain(SENTENCE_PIECE) {
        let Fixture { vocabulary, cases } = fixture(name);
        let tokenizer = vocabulary.into_tokenizer().unwrap();
        assert!(cases.len() > 50);
        for Case { text, ids } in cases {
            assert_eq!(tokenizer.encode(&text).unwrap(), ids, "{name}: {text:?}");
        }
    }
}

/// The real Llama 3.2 vocabulary as a GGUF file holds it, and its own tokenizer.json.
static LLAMA_3: LazyLock<Option<[Tokenizer; 2]>> = LazyLock::new(|| {
    let data = env::var_os("INFER_CODE_CAD_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let json = fs::read(data.join("llama-3.2-1b-instruct/tokenizer.json")).ok()?;
    let value: Value = serde_json::from_slice(&json).unwrap();
    let added = value["added_tokens"].as_array().unwrap();
    let vocab = value["model"]["vocab"].as_object().unwrap();
    let mut tokens = vec![String::new(); vocab.len() + added.len()];
    let mut token_types = vec![1; tokens.len()];
    for (token, id) in vocab {
        tokens[usize::try_from(id.as_u64().unwrap()).unwrap()] = token.clone();
    }
    for token in added {
        let id = usize::try_from(token["id"].as_u64().unwrap()).unwrap();
        tokens[id] = token["content"].as_str().unwrap().to_owned();
        token_types[id] = 3;
    }
    let merges = value["model"]["merges"].as_array().unwrap().iter();
    let part = |merge: &Value, side: usize| merge[side].as_str().unwrap().to_owned();
    let vocabulary = GgufVocabulary {
        model: "gpt2".into(),
        pre: Some("llama-bpe".into()),
        merges: merges.map(|m| format!("{} {}", part(m, 0), part(m, 1))).collect(),
        bos: Some(128_000),
        eos: Some(128_001),
        tokens,
        token_types,
        ..GgufVocabulary::default()
    };
    Some([vocabulary.into_tokenizer().unwrap(), Tokenizer::from_bytes(&json).unwrap()])
});

#[test]
fn llama_3_from_gguf_is_llama_3_from_json() {
    let Some([gguf, json]) = LLAMA_3.as_ref() else {
        eprintln!(
            "llama_3_from_gguf_is_llama_3_from_json: no llama-3.2-1b-instruct/tokenizer.json, not run"
        );
        return;
    };
    assert_eq!(gguf.vocab_size(), json.vocab_size());
    for id in 0..128_256 {
        assert_eq!(gguf.token_bytes(id), json.token_bytes(id), "token {id}");
    }
    let chat = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>\r\n";
    let texts: Vec<String> = fixture("gpt-2").cases.into_iter().map(|case| case.text).collect();
    for text in texts.iter().map(String::as_str).chain([chat, "WE'ſ 'LL", include_str!("tests.rs")])
    {
        assert_eq!(gguf.encode(text).unwrap(), json.encode(text).unwrap(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn llama_3_from_gguf_is_llama_3_from_json_on_any_text(text in "(?s).{0,40}") {
        if let Some([gguf, json]) = LLAMA_3.as_ref() {
            prop_assert_eq!(gguf.encode(&text).unwrap(), json.encode(&text).unwrap());
        }
    }
}

/// Llama 2's way to cut a text, word for word: join the best pair, the leftmost of equals.
fn join_best_pairs(vocabulary: &GgufVocabulary, text: &str) -> Vec<TokenId> {
    let id = |piece: &str| vocabulary.tokens.iter().position(|token| token == piece);
    let formed = |piece: &str| id(piece).filter(|&id| vocabulary.token_types[id] == 1);
    let text = format!("\u{2581}{}", text.replace(' ', "\u{2581}"));
    let mut symbols: Vec<String> = text.chars().map(String::from).collect();
    loop {
        let pairs = symbols.windows(2).enumerate();
        let scored = pairs
            .filter_map(|(at, pair)| formed(&pair.concat()).map(|id| (vocabulary.scores[id], at)));
        let Some((_, at)) = scored.reduce(|best, next| if next.0 > best.0 { next } else { best })
        else {
            break;
        };
        let right = symbols.remove(at + 1);
        symbols[at].push_str(&right);
    }
    let spelled = |symbol: &String| match formed(symbol) {
        Some(id) => vec![id],
        None => symbol.bytes().map(|byte| id(&format!("<0x{byte:02X}>")).unwrap()).collect(),
    };
    symbols.iter().flat_map(spelled).map(|id| TokenId::try_from(id).unwrap()).collect()
}

static LLAMA_2: LazyLock<(GgufVocabulary, Tokenizer)> = LazyLock::new(|| {
    let vocabulary = fixture("sentencepiece-llama").vocabulary;
    (vocabulary.clone(), vocabulary.into_tokenizer().unwrap())
});
static STAR_CODER: LazyLock<Tokenizer> = LazyLock::new(|| tokenizer("starcoder"));

proptest! {
    #[test]
    fn sentence_piece_joins_the_best_pairs(text in "[ab +=_\\n\t(){}:.returnifsl日é🦀]{1,60}") {
        let (vocabulary, tokenizer) = &*LLAMA_2;
        prop_assert_eq!(tokenizer.encode_plain(&text).unwrap(), join_best_pairs(vocabulary, &text));
    }

    #[test]
    fn bytes_of_the_tokens_are_the_bytes_of_the_text(text in "(?s).{1,40}") {
        let ids = STAR_CODER.encode(&text).unwrap();
        prop_assert_eq!(bytes(&STAR_CODER, &ids), text.as_bytes());
        let (_, llama) = &*LLAMA_2;
        let prefixed = format!(" {text}");
        prop_assert_eq!(bytes(llama, &llama.encode(&text).unwrap()), prefixed.as_bytes());
    }

    #[test]
    fn any_metadata_make_a_tokenizer_or_an_error(
        entries in prop::collection::vec(("[ab <>0x1é▁]{0,4}", any::<f32>(), -1..8), 0..8),
        missing in 0..20_usize,
        merges in prop::collection::vec("[ab]{0,2} ?[ab]{0,3}", 0..4),
        bos in prop::option::of(0..9_u32),
        add_bos in prop::option::of(any::<bool>()),
        pre in prop::option::of("gpt-2|qwen2|none"),
        model in "gpt2|llama",
        exact in prop::collection::btree_map(0..8_u32, prop::collection::vec(128..255_u8, 1..3), 0..3),
        text in ".{0,12}",
    ) {
        let (unknown, eos, ends) = (bos, bos, bos.into_iter().chain([7]).collect());
        let tokens: Vec<String> = entries.iter().map(|entry| entry.0.clone()).collect();
        let mut scores: Vec<f32> = entries.iter().map(|entry| entry.1).collect();
        let token_types = entries.iter().map(|entry| entry.2).collect();
        scores.truncate(20 - missing);
        let exact = exact.into_iter().filter(|(id, _)| (*id as usize) < tokens.len()).collect();
        let vocabulary = GgufVocabulary {
            model, pre, tokens, exact, scores, token_types, merges, bos, eos, unknown, add_bos,
            ends, add_space_prefix: add_bos,
        };
        if let Ok(tokenizer) = vocabulary.into_tokenizer() {
            prop_assert!(tokenizer.encode(&text).is_ok());
        }
    }
}

#[test]
fn special_tokens_are_recognised_and_have_no_bytes() {
    let tokenizer = tokenizer("llama-bpe");
    let id = |token| tokenizer.token_id(token).unwrap();
    let ids = tokenizer.encode("a<|end|>\n<fim_middle>").unwrap();
    assert_eq!((ids[0], ids[2], ids[4]), (id("<|begin|>"), id("<|end|>"), id("<fim_middle>")));
    assert_eq!(tokenizer.decode(&ids), "a\n<fim_middle>");
    assert_eq!(tokenizer.encode("<|begin|>a").unwrap(), tokenizer.encode("a").unwrap());
}

#[test]
fn user_defined_tokens_are_whole_and_are_text() {
    let tokenizer = tokenizer("sentencepiece-gemma");
    let ids = tokenizer.encode_plain("a     b<td>\n\n\n").unwrap();
    let pieces: Vec<&[u8]> = ids.iter().map(|&id| tokenizer.token_bytes(id)).collect();
    assert_eq!(pieces, [b"a".as_slice(), b"     ", b"b", b"<td>", b"\n\n\n"]);
}

#[test]
fn bos_begins_a_text_as_the_file_says_and_nothing_ends_it() {
    let framed = |add_bos| {
        let mut vocabulary = fixture("starcoder").vocabulary;
        vocabulary.add_bos = add_bos;
        vocabulary.into_tokenizer().unwrap()
    };
    let tokenizer = framed(Some(true));
    let [bos, eos] = ["<|begin|>", "<|end|>"].map(|token| tokenizer.token_id(token).unwrap());
    let text = tokenizer.encode_plain("x").unwrap();
    assert_eq!(tokenizer.encode("x").unwrap(), [&[bos], &text[..]].concat());
    assert_eq!(tokenizer.encode("<|begin|>x").unwrap(), tokenizer.encode("x").unwrap());
    assert_eq!(framed(None).encode("x").unwrap(), text);
    assert_eq!(framed(None).encode("<|end|><|end|>").unwrap(), [eos; 2], "the text spells them");
}

#[test]
fn an_end_is_a_mark_whatever_its_type() {
    for kind in [1, 3, 4, 5] {
        let mut vocabulary = fixture("starcoder").vocabulary;
        let end = TokenId::try_from(vocabulary.tokens.len()).unwrap();
        vocabulary.tokens.push("<|im_end|>".into());
        vocabulary.token_types.push(kind);
        vocabulary.ends = vec![end, end + 9];
        let tokenizer = vocabulary.into_tokenizer().unwrap();
        let ids = tokenizer.encode_plain("x<|im_end|>").unwrap();
        assert_eq!(ids.last(), Some(&end), "type {kind}");
        assert_eq!(tokenizer.token_bytes(end), b"", "type {kind}");
    }
}

#[test]
fn bad_metadata_are_refused_by_key() {
    type Spoil = fn(&mut GgufVocabulary);
    let refusals: [(&str, &str, &str, Spoil); 15] = [
        ("gpt-2", "model", "rwkv", |v| v.model = "rwkv".into()),
        ("gpt-2", "pre", "llama-bpe, llama3", |v| v.pre = Some("nonsense".into())),
        ("gpt-2", "tokens", "absent or empty", |v| v.tokens.clear()),
        ("gpt-2", "tokens", "\"!\" at both", |v| v.tokens[300] = "!".into()),
        ("gpt-2", "token_type", "of length 1", |v| v.token_types.truncate(1)),
        ("gpt-2", "token_type", "7 at 3", |v| v.token_types[3] = 7),
        ("gpt-2", "merges", "absent or empty", |v| v.merges.clear()),
        ("gpt-2", "merges", "\"ab\" at 2", |v| v.merges[2] = "ab".into()),
        ("gpt-2", "merges", "at 0", |v| v.merges[0] = "z Z".into()),
        ("gpt-2", "bos_token_id", "601, expected an id below 601", |v| v.bos = Some(601)),
        ("gpt-2", "eos_token_id", "9, an empty token", |v| {
            v.tokens[9].clear();
            v.eos = Some(9);
        }),
        ("gpt-2", "bos_token_id", "absent", |v| (v.bos, v.add_bos) = (None, Some(true))),
        ("sentencepiece-llama", "unknown_token_id", "950", |v| v.unknown = Some(950)),
        ("sentencepiece-llama", "scores", "of length 0", |v| v.scores.clear()),
        ("sentencepiece-llama", "scores", "not a number at 5", |v| v.scores[5] = f32::NAN),
    ];
    for (name, key, says, spoil) in refusals {
        let mut vocabulary = fixture(name).vocabulary;
        spoil(&mut vocabulary);
        let error = vocabulary.into_tokenizer().unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, CheckpointError::GgufTokenizer { .. }), "{message}");
        assert!(message.contains(&format!("tokenizer.ggml.{key} ")), "{key}: {message}");
        assert!(message.contains(says), "{says}: {message}");
    }
}

#[test]
fn every_named_pre_tokenizer_can_be_built() {
    for name in PreTokenizer::names().split(", ") {
        let mut vocabulary = fixture("gpt-2").vocabulary;
        vocabulary.pre = Some(name.into());
        let tokenizer = vocabulary.into_tokenizer().unwrap();
        let text = "x = [12345, 'naïve'] 日本\r\n";
        assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()), text, "{name}");
    }
}
