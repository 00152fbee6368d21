use super::Gguf;
use crate::CheckpointError;
use crate::config::{
    Activation, Architecture, AttentionBias, FeedForwardKind, MOST_LAYERS, NormKind, NormPlacement,
    Positions, RopeScaling, TransformerConfig,
};

/// The shape of the model, from the metadata and the tensors there are.
///
/// Keys, defaults and constants as llama.cpp reads them in `load_hparams`.
pub(crate) fn transformer_config(gguf: &Gguf) -> Result<TransformerConfig, CheckpointError> {
    refuse_other_kinds(gguf)?;
    const KEY: &str = "general.architecture";
    let prefix = gguf.string(KEY)?.ok_or_else(|| gguf.unexpected(KEY, "a string"))?;
    let keys = Keys { gguf, prefix };
    let config = match prefix {
        "llama" => keys.llama(),
        "gemma2" => keys.gemma2(),
        "starcoder" => keys.starcoder(),
        "qwen2" => keys.qwen2(),
        "qwen3" => keys.qwen3(),
        "smollm3" => keys.smol_lm3(),
        "granite" => keys.granite(),
        "phi3" => keys.phi3(),
        "gemma3" => keys.gemma3(),
        other => {
            let supported = "llama, gemma2, starcoder, qwen2, qwen3, smollm3, granite, phi3, \
                             gemma3";
            Err(keys.unsupported(KEY.into(), other, supported))
        }
    };
    config.and_then(TransformerConfig::validate).map_err(|error| match error {
        CheckpointError::InvalidConfig { field, value, expected } => CheckpointError::GgufValue {
            file: gguf.file().into(),
            key: format!("{prefix}.* for {field}"),
            value,
            expected,
        },
        other => other,
    })
}

/// Refuses what stands beside a model: adapters, projections of images, importance matrices.
fn refuse_other_kinds(gguf: &Gguf) -> Result<(), CheckpointError> {
    const KEY: &str = "general.type";
    match gguf.string(KEY)? {
        Some(kind @ ("adapter" | "mmproj" | "imatrix")) => Err(CheckpointError::GgufUnsupported {
            file: gguf.file().into(),
            key: KEY.into(),
            value: kind.into(),
            supported: "model, so give the file of the model itself",
        }),
        _ => Ok(()),
    }
}

/// The metadata of one architecture.
pub(super) struct Keys<'a> {
    pub(super) gguf: &'a Gguf,
    prefix: &'a str,
}

impl Keys<'_> {
    fn llama(&self) -> Result<TransformerConfig, CheckpointError> {
        self.rotary(self.biased(Architecture::Llama)?)
    }

    /// The biases there are in Llama and in families made after it.
    fn biased(&self, architecture: Architecture) -> Result<TransformerConfig, CheckpointError> {
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
        Ok(TransformerConfig {
            architecture,
            attention_bias,
            mlp_bias: self.has("blk.0.ffn_down.bias"),
            ..TransformerConfig::default()
        })
    }

    fn qwen3(&self) -> Result<TransformerConfig, CheckpointError> {
        let config = self.biased(Architecture::Qwen3)?;
        self.rotary(TransformerConfig { head_norms: true, ..config })
    }

    /// Every fourth layer turns nothing, in llama.cpp whatever the checkpoint said.
    fn smol_lm3(&self) -> Result<TransformerConfig, CheckpointError> {
        let config = self.rotary(self.biased(Architecture::SmolLm3)?)?;
        let positions = |layer: usize| match layer % 4 {
            3 => Positions::Absent,
            _ => config.positions.clone(),
        };
        let layer_positions = self.layers(&config).map(positions).collect();
        Ok(TransformerConfig { layer_positions, ..config })
    }

    fn granite(&self) -> Result<TransformerConfig, CheckpointError> {
        const TURNS: &str = "rope.scaling.finetuned";
        if self.gguf.bool(&self.key(TURNS))? == Some(false) {
            return Err(self.unsupported(self.key(TURNS), "false", "true"));
        }
        // Zero stands for what is not there.
        let scale = |name| {
            Ok::<_, CheckpointError>(self.gguf.number(&self.key(name))?.filter(|&x| x != 0.0))
        };
        let config = self.biased(Architecture::Granite)?;
        self.rotary(TransformerConfig {
            embedding_scale: scale("embedding_scale")?.unwrap_or(1.0),
            attention_multiplier: scale("attention.scale")?.map(|scale| scale as f32),
            residual_multiplier: scale("residual_scale")?.unwrap_or(1.0) as f32,
            logits_scaling: self.need_number("logit_scale")? as f32,
            ..config
        })
    }

    /// A window is computed, as in transformers; llama.cpp reads past it.
    fn phi3(&self) -> Result<TransformerConfig, CheckpointError> {
        let config = self.partly_rotary(TransformerConfig {
            architecture: Architecture::Phi3,
            ..TransformerConfig::default()
        })?;
        let window = self.size("attention.sliding_window")?.filter(|&window| window > 0);
        let layers = if window.is_some() { self.layers(&config) } else { 0..0 };
        Ok(TransformerConfig { attention_windows: layers.map(|_| window).collect(), ..config })
    }

    fn gemma3(&self) -> Result<TransformerConfig, CheckpointError> {
        let cap = self.gguf.number(&self.key("final_logit_softcapping"))?.filter(|&cap| cap != 0.0);
        let config = self.gemma(
            62,
            TransformerConfig {
                architecture: Architecture::Gemma3,
                head_norms: true,
                final_logit_softcapping: cap.map(|cap| cap as f32),
                ..TransformerConfig::default()
            },
        )?;
        let window = self.size("attention.sliding_window")?.filter(|&window| window > 0);
        let pattern = self.size("attention.sliding_window_pattern")?.unwrap_or(6);
        let slides = |layer: usize| pattern == 0 || layer % pattern < pattern - 1;
        let windows = self.layers(&config).map(|layer| window.filter(|_| slides(layer)));
        let windows: Vec<_> = windows.collect();
        let local = Positions::Rotary {
            theta: self.number_or("rope.freq_base_swa", 10_000.0)?,
            scaling: RopeScaling::None,
        };
        let positions = windows.iter().map(|window| match window {
            Some(_) => local.clone(),
            None => config.positions.clone(),
        });
        Ok(TransformerConfig {
            layer_positions: positions.collect(),
            attention_windows: windows,
            ..config
        })
    }

    fn layers(&self, config: &TransformerConfig) -> std::ops::Range<usize> {
        0..config.num_hidden_layers.min(MOST_LAYERS)
    }

    fn qwen2(&self) -> Result<TransformerConfig, CheckpointError> {
        self.rotary(TransformerConfig {
            architecture: Architecture::Qwen2,
            attention_bias: AttentionBias::Inputs,
            ..TransformerConfig::default()
        })
    }

    fn gemma2(&self) -> Result<TransformerConfig, CheckpointError> {
        let config =
            self.gemma(
                46,
                TransformerConfig {
                    architecture: Architecture::Gemma2,
                    attn_logit_softcapping: Some(
                        self.number_or("attn_logit_softcapping", 50.0)? as f32
                    ),
                    final_logit_softcapping: Some(
                        self.number_or("final_logit_softcapping", 30.0)? as f32
                    ),
                    ..TransformerConfig::default()
                },
            )?;
        let window = self.size("attention.sliding_window")?.unwrap_or(4096);
        let windows = self.layers(&config).map(|layer| (layer % 2 == 0).then_some(window));
        Ok(TransformerConfig { attention_windows: windows.collect(), ..config })
    }

    /// What Gemma 2 and 3 have in common. The 27B model, known by its layers, scales by the width of the stream.
    fn gemma(
        &self,
        layers_of_27b: usize,
        config: TransformerConfig,
    ) -> Result<TransformerConfig, CheckpointError> {
        let config = self.rotary(TransformerConfig {
            norm: NormKind::RmsUnitOffset,
            norm_placement: NormPlacement::BeforeAndAfter,
            activation: Activation::GeluTanh,
            ..config
        })?;
        let scalar = match config.num_hidden_layers == layers_of_27b {
            true => config.hidden_size / config.num_attention_heads.max(1),
            false => config.head_dim,
        };
        Ok(TransformerConfig {
            query_pre_attn_scalar: Some(scalar as f32),
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

    /// What families have in common whose heads turn as a whole.
    fn rotary(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        let config = self.partly_rotary(config)?;
        match config.rotary_dim {
            Some(turned) if turned != config.head_dim => Err(self.unsupported(
                self.key("rope.dimension_count"),
                &format!("{turned} of {}", config.head_dim),
                "all dimensions of a head",
            )),
            _ => Ok(TransformerConfig { rotary_dim: None, ..config }),
        }
    }

    /// What families have in common whose queries and keys turn.
    fn partly_rotary(
        &self,
        config: TransformerConfig,
    ) -> Result<TransformerConfig, CheckpointError> {
        self.sized(TransformerConfig {
            norm_eps: self.need_number("attention.layer_norm_rms_epsilon")?,
            positions: Positions::Rotary {
                theta: self.number_or("rope.freq_base", 10_000.0)?,
                scaling: self.rope_scaling()?,
            },
            rotary_dim: self.size("rope.dimension_count")?,
            ..config
        })
    }

    /// The sizes, which all families write.
    fn sized(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        const CAUSAL: &str = "attention.causal";
        if self.gguf.bool(&self.key(CAUSAL))? == Some(false) {
            return Err(self.unsupported(self.key(CAUSAL), "false", "true"));
        }
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

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    pub(super) fn has(&self, tensor: &str) -> bool {
        self.gguf.shape(tensor).is_some()
    }

    pub(super) fn size(&self, name: &str) -> Result<Option<usize>, CheckpointError> {
        self.gguf.size_of_layers(&self.key(name))
    }

    pub(super) fn need(&self, name: &str) -> Result<usize, CheckpointError> {
        self.size(name)?.ok_or_else(|| self.gguf.unexpected(&self.key(name), "a number"))
    }

    fn need_number(&self, name: &str) -> Result<f64, CheckpointError> {
        let key = self.key(name);
        self.gguf.number(&key)?.ok_or_else(|| self.gguf.unexpected(&key, "a number"))
    }

    pub(super) fn number_or(&self, name: &str, default: f64) -> Result<f64, CheckpointError> {
        Ok(self.gguf.number(&self.key(name))?.unwrap_or(default))
    }

    pub(super) fn unsupported(
        &self,
        key: String,
        value: &str,
        supported: &'static str,
    ) -> CheckpointError {
        let file = self.gguf.file().into();
        CheckpointError::GgufUnsupported { file, key, value: value.into(), supported }
    }
}
