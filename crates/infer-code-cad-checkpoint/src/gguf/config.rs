use super::Gguf;
use crate::CheckpointError;
use crate::config::{
    Activation, Architecture, AttentionBias, FeedForwardKind, NormKind, NormPlacement, Positions,
    RopeScaling, TransformerConfig,
};

/// Divisors of the rotary frequencies, by which Llama 3 is stretched.
pub(super) const ROPE_FREQS: &str = "rope_freqs.weight";

/// The shape of the model, from the metadata and the tensors there are.
///
/// Keys, defaults and constants as llama.cpp reads them in `load_hparams`.
pub(crate) fn transformer_config(gguf: &Gguf) -> Result<TransformerConfig, CheckpointError> {
    const KEY: &str = "general.architecture";
    let prefix = gguf.string(KEY)?.ok_or_else(|| gguf.unexpected(KEY, "a string"))?;
    let keys = Keys { gguf, prefix };
    let config = match prefix {
        "llama" => keys.llama()?,
        "gemma2" => keys.gemma2()?,
        "starcoder" => keys.starcoder()?,
        "qwen2" => keys.qwen2()?,
        other => {
            let supported = "llama, gemma2, starcoder, qwen2";
            return Err(keys.unsupported(KEY.into(), other, supported));
        }
    };
    config.validate().map_err(|error| match error {
        CheckpointError::InvalidConfig { field, value, expected } => CheckpointError::GgufValue {
            file: gguf.file().into(),
            key: format!("{prefix}.* for {field}"),
            value,
            expected,
        },
        other => other,
    })
}

/// The metadata of one architecture.
struct Keys<'a> {
    gguf: &'a Gguf,
    prefix: &'a str,
}

impl Keys<'_> {
    fn llama(&self) -> Result<TransformerConfig, CheckpointError> {
        if let Some(experts) = self.size("expert_count")?.filter(|&experts| experts > 0) {
            let key = self.key("expert_count");
            return Err(self.unsupported(key, &experts.to_string(), "0, a model without experts"));
        }
        let attention_bias =
            match (self.has("blk.0.attn_q.bias"), self.has("blk.0.attn_output.bias")) {
                (true, true) => AttentionBias::All,
                (true, false) => AttentionBias::Inputs,
                (false, _) => AttentionBias::Absent,
            };
        self.rotary(TransformerConfig {
            attention_bias,
            mlp_bias: self.has("blk.0.ffn_down.bias"),
            ..TransformerConfig::default()
        })
    }

    fn qwen2(&self) -> Result<TransformerConfig, CheckpointError> {
        self.rotary(TransformerConfig {
            architecture: Architecture::Qwen2,
            attention_bias: AttentionBias::Inputs,
            ..TransformerConfig::default()
        })
    }

    fn gemma2(&self) -> Result<TransformerConfig, CheckpointError> {
        let config = self.rotary(TransformerConfig {
            architecture: Architecture::Gemma2,
            norm: NormKind::RmsUnitOffset,
            norm_placement: NormPlacement::BeforeAndAfter,
            activation: Activation::GeluTanh,
            attn_logit_softcapping: Some(self.number_or("attn_logit_softcapping", 50.0)? as f32),
            final_logit_softcapping: Some(self.number_or("final_logit_softcapping", 30.0)? as f32),
            ..TransformerConfig::default()
        })?;
        let window = self.size("attention.sliding_window")?.unwrap_or(4096);
        // The 27B model, known by its layers, scales by the width of the stream.
        let scalar = match config.num_hidden_layers {
            46 => config.hidden_size / config.num_attention_heads.max(1),
            _ => config.head_dim,
        };
        // A claimed number of layers is not yet checked: no allocation by it.
        let layers = 0..config.num_hidden_layers.min(1 << 16);
        Ok(TransformerConfig {
            query_pre_attn_scalar: Some(scalar as f32),
            attention_windows: layers.map(|layer| (layer % 2 == 0).then_some(window)).collect(),
            embedding_scale: (config.hidden_size as f64).sqrt(),
            ..config
        })
    }

    fn starcoder(&self) -> Result<TransformerConfig, CheckpointError> {
        let config = self.sized(TransformerConfig {
            architecture: Architecture::GptBigCode,
            norm: NormKind::Layer,
            norm_eps: self.need_number("attention.layer_norm_epsilon")?,
            positions: Positions::Learned,
            attention_bias: AttentionBias::All,
            feed_forward: FeedForwardKind::Plain,
            activation: Activation::GeluTanh,
            mlp_bias: true,
            ..TransformerConfig::default()
        })?;
        match config.num_key_value_heads {
            1 => Ok(config),
            heads => {
                let key = self.key("attention.head_count_kv");
                Err(self.unsupported(key, &heads.to_string(), "1, multi-query attention"))
            }
        }
    }

    /// What Llama, Gemma 2 and Qwen2 have in common.
    fn rotary(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        let config = self.sized(TransformerConfig {
            norm_eps: self.need_number("attention.layer_norm_rms_epsilon")?,
            positions: Positions::Rotary {
                theta: self.number_or("rope.freq_base", 10_000.0)?,
                scaling: self.rope_scaling()?,
            },
            ..config
        })?;
        let head_dim = config.head_dim;
        match self.size("rope.dimension_count")? {
            Some(turned) if turned != head_dim => Err(self.unsupported(
                self.key("rope.dimension_count"),
                &format!("{turned} of {head_dim}"),
                "all dimensions of a head",
            )),
            _ => Ok(config),
        }
    }

    fn rope_scaling(&self) -> Result<RopeScaling, CheckpointError> {
        let key = self.key("rope.scaling.type");
        // Without a type llama.cpp takes the factor for a linear one.
        let factor = match self.gguf.string(&key)?.unwrap_or("linear") {
            "none" => 1.0,
            "linear" => self.linear_factor()?,
            other => return Err(self.unsupported(key, other, "none, linear")),
        };
        Ok(match self.rope_factors()? {
            // Both divide the frequencies.
            Some(factors) => RopeScaling::Factors(factors.iter().map(|f| f * factor).collect()),
            None if factor == 1.0 => RopeScaling::None,
            None => RopeScaling::Linear { factor },
        })
    }

    fn linear_factor(&self) -> Result<f32, CheckpointError> {
        for name in ["rope.scaling.factor", "rope.scale_linear"] {
            let factor = self.number_or(name, 0.0)? as f32;
            if !(factor.is_finite() && factor >= 0.0) {
                return Err(self.gguf.unexpected(&self.key(name), "a positive number"));
            }
            if factor != 0.0 {
                return Ok(factor);
            }
        }
        Ok(1.0)
    }

    /// The tensor that holds a divisor per frequency, where there is one.
    fn rope_factors(&self) -> Result<Option<Vec<f32>>, CheckpointError> {
        self.gguf.values(ROPE_FREQS)
    }

    /// The sizes, which all families write.
    fn sized(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        let (hidden_size, heads) =
            (self.need("embedding_length")?, self.need("attention.head_count")?);
        let head_dim = match self.size("attention.key_length")? {
            Some(head_dim) => head_dim,
            None => self.implied_head_dim(hidden_size, heads)?,
        };
        if let Some(value) = self.size("attention.value_length")?.filter(|&v| v != head_dim) {
            let key = self.key("attention.value_length");
            return Err(self.unsupported(key, &value.to_string(), "the width of a key"));
        }
        Ok(TransformerConfig {
            vocab_size: self.vocab_size()?,
            hidden_size,
            intermediate_size: self.need("feed_forward_length")?,
            num_hidden_layers: self.need("block_count")?,
            num_attention_heads: heads,
            num_key_value_heads: self.size("attention.head_count_kv")?.unwrap_or(heads),
            head_dim,
            max_position_embeddings: self.need("context_length")?,
            tie_word_embeddings: !self.has("output.weight"),
            ..config
        })
    }

    fn implied_head_dim(&self, hidden_size: usize, heads: usize) -> Result<usize, CheckpointError> {
        if heads == 0 || !hidden_size.is_multiple_of(heads) {
            let key = self.key("attention.head_count");
            return Err(self.gguf.unexpected(&key, &format!("a divisor of {hidden_size}")));
        }
        Ok(hidden_size / heads)
    }

    /// The rows of the embedding: a tokenizer may be padded.
    fn vocab_size(&self) -> Result<usize, CheckpointError> {
        const EMBEDDING: &str = "token_embd.weight";
        match self.gguf.shape(EMBEDDING) {
            Some([rows, _]) => Ok(*rows),
            Some(other) => Err(CheckpointError::TensorShape {
                tensor: EMBEDDING.into(),
                file: self.gguf.file().into(),
                expected: vec![0, self.need("embedding_length")?],
                actual: other.to_vec(),
            }),
            None => Err(CheckpointError::MissingTensor {
                tensor: EMBEDDING.into(),
                files: self.gguf.files().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn has(&self, tensor: &str) -> bool {
        self.gguf.shape(tensor).is_some()
    }

    fn size(&self, name: &str) -> Result<Option<usize>, CheckpointError> {
        self.gguf.size(&self.key(name))
    }

    fn need(&self, name: &str) -> Result<usize, CheckpointError> {
        self.size(name)?.ok_or_else(|| self.gguf.unexpected(&self.key(name), "a number"))
    }

    fn need_number(&self, name: &str) -> Result<f64, CheckpointError> {
        let key = self.key(name);
        self.gguf.number(&key)?.ok_or_else(|| self.gguf.unexpected(&key, "a number"))
    }

    fn number_or(&self, name: &str, default: f64) -> Result<f64, CheckpointError> {
        Ok(self.gguf.number(&self.key(name))?.unwrap_or(default))
    }

    fn unsupported(&self, key: String, value: &str, supported: &'static str) -> CheckpointError {
        let file = self.gguf.file().into();
        CheckpointError::GgufUnsupported { file, key, value: value.into(), supported }
    }
}
