use super::TransformerConfig;

/// The configurations of well-known checkpoints, as far as they say anything of the shape.
const SHAPES: [(&str, &str); 9] = [
    ("llama-3.2-1b", LLAMA_3_2_1B),
    ("gemma-2-2b", GEMMA_2_2B),
    ("starcoder-1b", STARCODER_1B),
    ("qwen2.5-coder-0.5b", QWEN_2_5_CODER_500M),
    ("qwen2.5-coder-1.5b", QWEN_2_5_CODER_1500M),
    ("qwen3-0.6b", QWEN_3_600M),
    ("smollm3-3b", SMOL_LM_3_3B),
    ("granite-3.3-2b", GRANITE_3_3_2B),
    ("gemma-3-1b", GEMMA_3_1B),
];

impl TransformerConfig {
    /// The shape of a well-known checkpoint, to measure speed and memory on
    /// [random weights](crate::RandomWeights) where the checkpoint is not at hand.
    ///
    /// The names are `llama-3.2-1b`, `gemma-2-2b`, `starcoder-1b`, `qwen2.5-coder-0.5b`, `qwen2.5-coder-1.5b`,
    /// `qwen3-0.6b`, `smollm3-3b`, `granite-3.3-2b` and `gemma-3-1b`; `None` for any other.
    pub fn named(name: &str) -> Option<Self> {
        let (_, json) = SHAPES.into_iter().find(|(known, _)| *known == name)?;
        Some(Self::from_json(json.as_bytes()).expect("a test reads all of them"))
    }
}

const LLAMA_3_2_1B: &str = r#"{
    "model_type": "llama", "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192,
    "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64,
    "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
    "rope_scaling": {
        "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192
    },
    "hidden_act": "silu", "attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true
}"#;

const GEMMA_2_2B: &str = r#"{
    "model_type": "gemma2", "vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216,
    "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
    "max_position_embeddings": 8192, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
    "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 256,
    "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "sliding_window": 4096,
    "attention_bias": false, "tie_word_embeddings": true
}"#;

const STARCODER_1B: &str = r#"{
    "model_type": "gpt_bigcode", "vocab_size": 49152, "n_embd": 2048, "n_inner": 8192,
    "n_layer": 24, "n_head": 16, "n_positions": 8192, "multi_query": true,
    "layer_norm_epsilon": 1e-5, "activation_function": "gelu_pytorch_tanh",
    "tie_word_embeddings": true
}"#;

const QWEN_2_5_CODER_500M: &str = r#"{
    "model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864,
    "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
    "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
    "hidden_act": "silu", "tie_word_embeddings": true
}"#;

const QWEN_2_5_CODER_1500M: &str = r#"{
    "model_type": "qwen2", "vocab_size": 151936, "hidden_size": 1536, "intermediate_size": 8960,
    "num_hidden_layers": 28, "num_attention_heads": 12, "num_key_value_heads": 2,
    "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
    "hidden_act": "silu", "tie_word_embeddings": true
}"#;

const QWEN_3_600M: &str = r#"{
    "model_type": "qwen3", "vocab_size": 151936, "hidden_size": 1024, "intermediate_size": 3072,
    "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
    "max_position_embeddings": 40960, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
    "hidden_act": "silu", "attention_bias": false, "tie_word_embeddings": true
}"#;

const SMOL_LM_3_3B: &str = r#"{
    "model_type": "smollm3", "vocab_size": 128256, "hidden_size": 2048,
    "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16,
    "num_key_value_heads": 4, "max_position_embeddings": 65536, "rms_norm_eps": 1e-6,
    "rope_theta": 5000000.0, "no_rope_layer_interval": 4, "hidden_act": "silu",
    "attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true
}"#;

const GRANITE_3_3_2B: &str = r#"{
    "model_type": "granite", "vocab_size": 49159, "hidden_size": 2048, "intermediate_size": 8192,
    "num_hidden_layers": 40, "num_attention_heads": 32, "num_key_value_heads": 8,
    "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 10000000.0,
    "embedding_multiplier": 12.0, "attention_multiplier": 0.015625, "residual_multiplier": 0.22,
    "logits_scaling": 8.0, "hidden_act": "silu", "attention_bias": false, "mlp_bias": false,
    "tie_word_embeddings": true
}"#;

const GEMMA_3_1B: &str = r#"{
    "model_type": "gemma3_text", "vocab_size": 262144, "hidden_size": 1152,
    "intermediate_size": 6912, "num_hidden_layers": 26, "num_attention_heads": 4,
    "num_key_value_heads": 1, "head_dim": 256, "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
    "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 256, "sliding_window": 512,
    "sliding_window_pattern": 6, "attention_bias": false, "tie_word_embeddings": true
}"#;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::FeedForwardKind;

    #[test]
    fn every_shape_is_of_the_size_its_name_says() {
        // The parameters their cards tell, in billions.
        for (name, billions) in [
            ("llama-3.2-1b", 1.24),
            ("gemma-2-2b", 2.61),
            ("starcoder-1b", 1.14),
            ("qwen2.5-coder-0.5b", 0.49),
            ("qwen2.5-coder-1.5b", 1.54),
            ("qwen3-0.6b", 0.60),
            ("smollm3-3b", 3.08),
            ("granite-3.3-2b", 2.53),
            ("gemma-3-1b", 1.00),
        ] {
            let config = TransformerConfig::named(name).unwrap();
            let projections = match config.feed_forward {
                FeedForwardKind::Gated => 3,
                FeedForwardKind::Plain => 2,
            };
            let matrices = config.hidden_size
                * (2 * config.num_attention_heads + 2 * config.num_key_value_heads)
                * config.head_dim
                + config.hidden_size * config.intermediate_size * projections;
            let parameters =
                matrices * config.num_hidden_layers + config.vocab_size * config.hidden_size;
            let actual = parameters as f64 / 1e9;
            assert!((actual / billions - 1.0).abs() < 0.02, "{name}: {actual}");
        }
        assert!(TransformerConfig::named("gpt-5").is_none());
    }
}
