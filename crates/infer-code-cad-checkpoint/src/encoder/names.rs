use super::{EncoderConfig, EncoderFamily};

/// Tensor names of an encoder outside its blocks, as transformers saves the model without a head; `.weight` and
/// `.bias` follow.
#[derive(Debug)]
pub struct EncoderNames {
    /// The embedding of tokens.
    pub tokens: &'static str,
    /// The embedding of positions.
    pub positions: &'static str,
    /// The embedding of token types, where there is one.
    pub token_types: Option<&'static str>,
    /// The norm of their sum.
    pub norm: &'static str,
    /// The bias by distance, where there is one.
    pub relative_attention_bias: Option<&'static str>,
}

/// Tensor names of one block.
#[derive(Debug)]
pub struct EncoderBlockNames {
    /// Queries, keys and values.
    pub qkv: [String; 3],
    /// The projection after attention.
    pub attention_output: String,
    /// The norm after attention.
    pub attention_norm: String,
    /// The projection up.
    pub feed_forward_input: String,
    /// The projection down.
    pub feed_forward_output: String,
    /// The norm after the feed-forward part.
    pub feed_forward_norm: String,
}

impl EncoderNames {
    /// Those of a configuration.
    pub fn new(config: &EncoderConfig) -> Self {
        let is_bert = config.family == EncoderFamily::Bert;
        Self {
            tokens: "embeddings.word_embeddings",
            positions: "embeddings.position_embeddings",
            token_types: is_bert.then_some("embeddings.token_type_embeddings"),
            norm: "embeddings.LayerNorm",
            relative_attention_bias: (!is_bert).then_some("encoder.relative_attention_bias"),
        }
    }
}

impl EncoderBlockNames {
    /// Those of a layer, counted from 0.
    pub fn new(config: &EncoderConfig, layer: usize) -> Self {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let (qkv, output, norm) = match config.family {
            EncoderFamily::Bert => (
                ["attention.self.query", "attention.self.key", "attention.self.value"],
                "attention.output.dense",
                "attention.output.LayerNorm",
            ),
            EncoderFamily::MpNet => (
                ["attention.attn.q", "attention.attn.k", "attention.attn.v"],
                "attention.attn.o",
                "attention.LayerNorm",
            ),
        };
        Self {
            qkv: qkv.map(name),
            attention_output: name(output),
            attention_norm: name(norm),
            feed_forward_input: name("intermediate.dense"),
            feed_forward_output: name("output.dense"),
            feed_forward_norm: name("output.LayerNorm"),
        }
    }
}
