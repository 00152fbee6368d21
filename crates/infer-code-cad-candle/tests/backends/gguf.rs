//! GGUF files of every family; `tests/fixtures/gguf/make_gguf.py` wrote them and what is expected.

use std::fs;
use std::path::PathBuf;

use infer_code_cad_checkpoint::{ChatOptions, Checkpoint, Message};
use infer_code_cad_engine::{CausalLm, LogitRows};
use infer_code_cad_native::{Format, NativeError, NativeModel};
use proptest::prelude::*;
use safetensors::SafeTensors;

use crate::fixture;
use crate::native;
use crate::suite::advance;

const FAMILIES: [&str; 9] =
    ["llama", "gemma2", "starcoder", "qwen2", "qwen3", "smollm3", "granite", "phi3", "gemma3"];

/// Of the file `phi3`: llama.cpp takes its long factors from the first token on, when it expects more than this.
const SHORT_CONTEXT: usize = 24;

fn path(name: &str) -> PathBuf {
    fixture("gguf").join(format!("{name}.gguf"))
}

fn load(name: &str, format: Format) -> NativeModel {
    native(&Checkpoint::open(&path(name)).unwrap(), format).unwrap()
}

/// The 64 tokens and the logits of a library for them.
fn expected(name: &str, library: &str) -> (Vec<u32>, Vec<f32>) {
    let bytes = fs::read(fixture("gguf").join(format!("{name}.expected.safetensors"))).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let words = |name: &str| -> Vec<[u8; 4]> {
        let words = file.tensor(name).unwrap().data().chunks_exact(4);
        words.map(|word| word.try_into().unwrap()).collect()
    };
    let tokens = words("tokens").into_iter().map(u32::from_le_bytes).collect();
    (tokens, words(library).into_iter().map(f32::from_le_bytes).collect())
}

/// The largest difference to the logits of a library, and in how many positions the likeliest token
/// is the same.
fn compare(name: &str, format: impl Into<Option<Format>>, library: &str) -> (f32, usize) {
    let format = format.into();
    let model = native(&Checkpoint::open(&path(name)).unwrap(), format).unwrap();
    let (tokens, expected) = expected(name, library);
    let mut logits = advance(&model, &mut *model.new_cache(), &tokens, LogitRows::All);
    assert_eq!(logits.len(), expected.len());
    if (name, library) == ("phi3", "llama_cpp") {
        let other = SHORT_CONTEXT * model.vocab_size();
        logits[..other].copy_from_slice(&expected[..other]);
    }
    let worst = logits.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let top = |row: &[f32]| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let vocab_size = model.vocab_size();
    let rows = logits.chunks(vocab_size).zip(expected.chunks(vocab_size));
    let same = rows.filter(|(a, b)| top(a) == top(b)).count();
    eprintln!("{name} {format:?}: max |logit difference| to {library} {worst:e}, top-1 {same}/64");
    (worst, same)
}

#[test]
fn f32_agrees_with_transformers_on_the_dequantized_weights() {
    for name in FAMILIES {
        let (worst, same) = compare(name, Format::F32, "logits");
        assert!(worst <= 2e-4, "{name}: {worst}");
        assert_eq!(same, 64, "{name}");
    }
}

/// llama.cpp rounds activations to 8 bits before each product with quantized weights: on these
/// models that moves its logits, of up to 6, by up to 0.092 from those of transformers, and the
/// likeliest token in at most 2 of 64 positions. Without quantization it agrees to 4e-6 (1e-3 where
/// there is GELU, for which it has a table in f16).
#[test]
fn f32_agrees_with_llama_cpp_but_for_its_rounded_activations() {
    for name in FAMILIES {
        let (worst, same) = compare(name, Format::F32, "llama_cpp");
        assert!(worst <= 0.1, "{name}: {worst}");
        assert!(same >= 62, "{name}: {same}");
    }
}

/// The kernels round activations to 8 bits as well, with blocks and scales of their own.
#[test]
fn quantized_products_agree_as_closely_as_those_of_llama_cpp() {
    for name in FAMILIES {
        let (worst, same) = compare(name, None, "logits");
        assert!(worst <= 0.12, "{name}: {worst}");
        assert!(same >= 61, "{name}: {same}");
    }
}

/// Weights that are not quantized in the file are at load; the bounds are twice the figures measured.
#[test]
fn weights_can_be_quantized_at_load() {
    let bounds = [
        (Format::Q8_0, 0.1),
        (Format::Q5_K, 0.4),
        (Format::Q5_1, 0.5),
        (Format::Q5_0, 0.6),
        (Format::Q4_K, 0.8),
        (Format::Q4_1, 1.0),
        (Format::Q4_0, 1.0),
    ];
    for (format, bound) in bounds {
        let checkpoint = Checkpoint::open(&path("llama")).unwrap();
        let (reference, quantized) =
            (native(&checkpoint, Format::F32).unwrap(), native(&checkpoint, format).unwrap());
        let tokens: Vec<u32> = (0..40).collect();
        let last =
            |model: &NativeModel| advance(model, &mut *model.new_cache(), &tokens, LogitRows::Last);
        let (a, b) = (last(&reference), last(&quantized));
        let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        eprintln!("{format:?} at load: max |logit difference| {worst}");
        assert!(worst > 0.0 && worst <= bound, "{format:?}: {worst}");
    }
}

/// 8 and 11 bits of mantissa on logits of up to 6.
#[test]
fn half_precision_agrees_loosely() {
    for name in FAMILIES {
        assert!(compare(name, Format::Bf16, "logits").0 <= 0.1);
        assert!(compare(name, Format::F16, "logits").0 <= 0.015);
    }
}

#[test]
fn a_file_describes_itself() {
    let checkpoint = Checkpoint::open(&path("llama")).unwrap();
    // The end of the text, and by their text the ends of a turn.
    assert_eq!(checkpoint.eos_token_ids(), [1, 2, 3, 4]);
    assert_eq!(checkpoint.stored_dtype(), Some("Q4_K"));
    let tensors = checkpoint.tensors();
    let tensor = tensors.iter().find(|tensor| tensor.name == "blk.1.attn_k.weight").unwrap();
    assert_eq!((tensor.shape.as_slice(), tensor.format.as_str()), (&[128, 256][..], "Q5_K"));
    assert_eq!(tensor.bytes, 128 * 176);
    let value = |key: &str| {
        let pair = checkpoint.metadata().iter().find(|pair| pair.0 == key);
        pair.map(|pair| pair.1.as_str())
    };
    assert_eq!(value("general.architecture"), Some("llama"));
    assert_eq!(value("llama.block_count"), Some("2"));
    assert_eq!(value("tokenizer.ggml.tokens"), Some("112 values of type String"));
    assert_eq!(value("tokenizer.chat_template"), Some("string of 65 bytes"));
}

#[test]
fn a_file_brings_its_tokenizer() {
    let tokenizer = Checkpoint::open(&path("llama")).unwrap().tokenizer().unwrap();
    let tokens = tokenizer.encode("the th!").unwrap();
    // <s> the Ġ th !, and no token for what follows the vocabulary.
    assert_eq!(tokens, [0, 8, 6, 7, 9]);
    assert_eq!(tokenizer.decode(&tokens[1..]), "the th!");
}

#[test]
fn a_file_brings_its_chat_template() {
    let template = Checkpoint::open(&path("llama")).unwrap().chat_template().unwrap().unwrap();
    let messages = [Message::user("a"), Message::assistant("b")];
    assert_eq!(template.render(&messages, &ChatOptions::default()).unwrap(), "<s>ab");
    assert!(template.source().starts_with("{{ bos_token }}"));
}

#[test]
fn bytes_give_the_model_of_the_file() {
    let bytes = fs::read(path("qwen2")).unwrap();
    let memory = native(&Checkpoint::from_gguf_bytes(&bytes).unwrap(), Format::F32).unwrap();
    let file = load("qwen2", Format::F32);
    let logits =
        |model: &NativeModel| advance(model, &mut *model.new_cache(), &[5, 6], LogitRows::All);
    assert_eq!(logits(&memory), logits(&file));
}

/// A position in the header of a file, found by the text before it.
fn after(bytes: &[u8], text: &str) -> usize {
    let text = text.as_bytes();
    bytes.windows(text.len()).position(|window| window == text).unwrap() + text.len()
}

fn error_of(bytes: &[u8]) -> NativeError {
    let model = Checkpoint::from_gguf_bytes(bytes)
        .map_err(NativeError::from)
        .and_then(|file| native(&file, Format::F32));
    model.map(|_| ()).unwrap_err()
}

#[test]
fn what_cannot_be_computed_is_refused_by_name() {
    let whole = fs::read(path("qwen2")).unwrap();
    let changed = |before: &str, replacement: &[u8]| {
        let mut bytes = whole.clone();
        let at = after(&bytes, before);
        bytes[at..at + replacement.len()].copy_from_slice(replacement);
        error_of(&bytes).to_string()
    };
    // Strings begin with their length, values with their type.
    let text = |text: &str| {
        [&8u32.to_le_bytes()[..], &(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
    };
    let number = |n: u32| [4u32.to_le_bytes(), n.to_le_bytes()].concat();
    for (before, replacement, words) in [
        ("general.architecture", text("mamba"), "general.architecture is mamba"),
        ("qwen2.block_count", number(2), "blk.1.attn_norm.weight (model.layers.1"),
        ("qwen2.embedding_length", number(128), "[112, 256]"),
        ("qwen2.attention.head_count", number(5), "expected a divisor of 256"),
        ("qwen2.attention.head_count_kv", number(3), "num_key_value_heads is 3"),
        ("qwen2.context_length", number(0), "max_position_embeddings is 0"),
        ("qwen2.block_count", number(u32::MAX), "num_hidden_layers is 4294967295"),
        ("qwen2.rope.freq_base", vec![6, 0, 0, 0, 0, 0, 192, 127], "rope_theta is NaN"),
        ("qwen2.rope.scaling.type", text("longro"), "rope.scaling.type is longro"),
        ("qwen2.rope.scaling.factor", vec![6, 0, 0, 0, 0, 0, 128, 191], "factor is -1"),
        ("tokenizer.ggml.eos_token_id", vec![5, 0, 0, 0, 254, 255, 255, 255], "eos_token_id is -2"),
    ] {
        let message = changed(before, &replacement);
        assert!(message.contains(words), "{before}: {message}");
    }
    // A tensor's type follows its dimensions: 256 x 256, IQ2_XXS.
    let dims = [2u32.to_le_bytes().to_vec(), 256u64.to_le_bytes().to_vec()].concat();
    let dims = [dims, 256u64.to_le_bytes().to_vec(), 16u32.to_le_bytes().to_vec()].concat();
    let message = changed("blk.0.ffn_up.weight", &dims);
    assert!(message.contains("blk.0.ffn_up.weight is stored as IQ2_XXS"), "{message}");
    assert!(message.contains("such as Q4_K_M"), "{message}");
}

#[test]
fn other_files_are_not_taken_for_gguf() {
    let error = Checkpoint::open(&fixture("gguf").join("make_gguf.py")).unwrap_err();
    assert!(error.to_string().contains("make_gguf.py has no beginning of a GGUF file"), "{error}");
    let formats = Checkpoint::open(&path("formats")).unwrap_err();
    assert!(formats.to_string().contains("general.architecture is none"), "{formats}");
}

#[test]
fn every_truncation_of_a_header_is_an_error() {
    let whole = fs::read(path("formats")).unwrap();
    for len in 0..whole.len() {
        error_of(&whole[..len]);
    }
    let whole = fs::read(path("gemma2")).unwrap();
    for len in (0..4000).chain([whole.len() - 1]) {
        error_of(&whole[..len]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the header says, the answer is a model, a tokenizer, a template or an error.
    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((0usize..5000, 0u8..8), 1..6)) {
        let mut bytes = fs::read(path("gemma2")).unwrap();
        for (at, bit) in flips {
            bytes[at] ^= 1 << bit;
        }
        if let Ok(checkpoint) = Checkpoint::from_gguf_bytes(&bytes) {
            let _ = (checkpoint.tokenizer(), checkpoint.chat_template());
            let _ = native(&checkpoint, Format::F32);
        }
    }
}
