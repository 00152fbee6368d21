//! Metadata that say the same in other ways, or what is not computed.

use super::strings::model;
use super::*;
use crate::Checkpoint;

const TOKENS: [&[u8]; 1] = [b"a"];

/// A Llama whose `key` has these values, one for each layer.
fn by_layer(key: &str, values: &[u32]) -> Result<Checkpoint, CheckpointError> {
    let mut file = model("", &TOKENS, &[1]);
    let key = format!("llama.{key}");
    file.pairs.retain(|pair| !pair.starts_with(&string(&key)));
    let values = strings::numbers(4, values.iter().map(|n| n.to_le_bytes()));
    Checkpoint::from_gguf_bytes(&file.pair(&key, 9, &values).finish())
}

#[test]
fn layers_that_are_alike_may_be_told_one_by_one() {
    let heads = by_layer("attention.head_count_kv", &[1, 1]).unwrap();
    assert_eq!(heads.config().num_key_value_heads, 1);
    assert_eq!(by_layer("feed_forward_length", &[24]).unwrap().config().intermediate_size, 24);
    for (key, values, words) in [
        ("attention.head_count_kv", &[1, 2][..], "head_count_kv is 2 numbers that differ"),
        ("feed_forward_length", &[8, 8, 16], "supported: one number, or the same for every layer"),
        ("attention.head_count", &[], "is 0 numbers"),
    ] {
        let message = by_layer(key, values).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn attention_that_looks_ahead_is_refused() {
    let open = |causal| {
        let file = model("", &TOKENS, &[1]).pair("llama.attention.causal", 7, &[causal]);
        Checkpoint::from_gguf_bytes(&file.finish())
    };
    open(1).unwrap();
    let message = open(0).unwrap_err().to_string();
    assert!(
        message.contains("llama.attention.causal is false, which is not supported"),
        "{message}"
    );
}

#[test]
fn factors_of_frequencies_are_a_short_list() {
    let open = |dims: &[u64]| {
        let bytes = dims.iter().product::<u64>() * 4;
        let mut file = model("", &TOKENS, &[1]).tensor("rope_freqs.weight", dims, 0, 32);
        file.data.extend((0..bytes / 4).flat_map(|_| 1f32.to_le_bytes()));
        Checkpoint::from_gguf_bytes(&file.finish()).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(open(&[2]), Ok(()));
    for (dims, words) in [(&[3][..], "for rope_freqs is 3"), (&[2, 1], "[1, 2]"), (&[4097], "4096")]
    {
        let message = open(dims).unwrap_err();
        assert!(message.contains("rope_freqs") && message.contains(words), "{message}");
    }
}

#[test]
fn what_stands_beside_a_model_is_called_so() {
    let open = |kind: &str| {
        let file = model("", &TOKENS, &[1]).pair("general.type", 8, &string(kind));
        Checkpoint::from_gguf_bytes(&file.finish())
    };
    open("model").unwrap();
    let message = open("adapter").unwrap_err().to_string();
    assert!(message.contains("general.type is adapter"), "{message}");
    assert!(message.ends_with("give the file of the model itself"), "{message}");
}

#[test]
fn a_float_is_no_size() {
    let mut file = model("", &TOKENS, &[1]);
    file.pairs.retain(|pair| !pair.starts_with(&string("llama.context_length")));
    let file = file.pair("llama.context_length", 6, &16f32.to_le_bytes());
    let message = Checkpoint::from_gguf_bytes(&file.finish()).unwrap_err().to_string();
    assert!(message.contains("context_length is 16.0, expected a whole number"), "{message}");
}
