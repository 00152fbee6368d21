//! What each family writes in its `config.json`, and the defaults of transformers for the rest.

use super::hf::{HfConfig, INTERMEDIATE_SIZE, LAYERS, PART, POSITIONS};
use super::hf_rope::HfRope;
use super::{
    Activation, Architecture, AttentionBias, FeedForwardKind, MOST_LAYERS, NormKind, NormPlacement,
    Positions, TransformerConfig, invalid,
};
use crate::CheckpointError;

impl HfConfig<'_> {
    /// Quantized weights are other tensors, or the same ones computed with otherwise.
    pub(super) fn refuse_quantized(&self) -> Result<(), CheckpointError> {
        let field = "quantization_config";
        if self.fields.written(field).is_none() {
            return Ok(());
        }
        let fields = self.fields.object(field).ok().flatten();
        let method = fields.and_then(|fields| fields.get("quant_method").ok().flatten());
        Err(CheckpointError::UnsupportedConfig {
            field,
            value: method.unwrap_or_else(|| "of an unknown quant_method".into()),
            supported: "null, so take the weights before quantization or a GGUF file",
        })
    }

    /// Refuses heads of which only a part turns.
    pub(super) fn refuse_partial(&self, rope: &HfRope<'_>) -> Result<(), CheckpointError> {
        match self.either(rope, PART, PART)?.filter(|&factor| factor != 1.0) {
            None => Ok(()),
            Some(factor) => Err(CheckpointError::UnsupportedConfig {
                field: PART,
                value: factor.to_string(),
                supported: "1",
            }),
        }
    }

    pub(super) fn llama(&self) -> Result<TransformerConfig, CheckpointError> {
        self.rotary(TransformerConfig {
            activation: self.activation("hidden_act", Activation::Silu)?,
            attention_bias: self.attention_bias()?,
            mlp_bias: self.flag("mlp_bias")?.unwrap_or(false),
            tie_word_embeddings: self.tied(false)?,
            ..TransformerConfig::default()
        })
    }

    pub(super) fn qwen2(&self) -> Result<TransformerConfig, CheckpointError> {
        self.rotary(TransformerConfig {
            architecture: Architecture::Qwen2,
            activation: self.activation("hidden_act", Activation::Silu)?,
            attention_bias: AttentionBias::Inputs,
            attention_windows: self.windows_of_last_layers()?,
            tie_word_embeddings: self.tied(false)?,
            ..TransformerConfig::default()
        })
    }

    pub(super) fn qwen3(&self) -> Result<TransformerConfig, CheckpointError> {
        let config = self.rotary(TransformerConfig {
            architecture: Architecture::Qwen3,
            head_norms: true,
            activation: self.activation("hidden_act", Activation::Silu)?,
            attention_bias: self.attention_bias()?,
            attention_windows: self.windows_of_last_layers()?,
            tie_word_embeddings: self.tied(false)?,
            ..TransformerConfig::default()
        })?;
        Ok(TransformerConfig { head_dim: self.size(["head_dim"])?.unwrap_or(128), ..config })
    }

    /// The windows of Qwen2 and Qwen3.
    fn windows_of_last_layers(&self) -> Result<Vec<Option<usize>>, CheckpointError> {
        if !self.slides()? {
            return Ok(vec![]);
        }
        let from = self.size(["max_window_layers"])?.unwrap_or(28);
        self.windows(Some(4096), |layer| layer >= from)
    }

    fn slides(&self) -> Result<bool, CheckpointError> {
        Ok(self.flag("use_sliding_window")?.unwrap_or(false))
    }

    pub(super) fn smol_lm3(&self) -> Result<TransformerConfig, CheckpointError> {
        let positions = self.whole_turned(2_000_000.0)?;
        let turns = self.turning_layers()?;
        let layer_positions = turns.iter().map(|turns| match turns {
            true => positions.clone(),
            false => Positions::Absent,
        });
        let is_still = |layer: usize| turns.get(layer) == Some(&false);
        self.normed(TransformerConfig {
            architecture: Architecture::SmolLm3,
            layer_positions: layer_positions.collect(),
            attention_windows: match self.slides()? {
                true => self.windows(None, is_still)?,
                false => vec![],
            },
            positions,
            activation: self.activation("hidden_act", Activation::Silu)?,
            attention_bias: self.attention_bias()?,
            mlp_bias: self.flag("mlp_bias")?.unwrap_or(false),
            tie_word_embeddings: self.tied(true)?,
            ..TransformerConfig::default()
        })
    }

    /// Whether the queries and keys of each layer turn; the name of the field says the opposite of what it holds.
    fn turning_layers(&self) -> Result<Vec<bool>, CheckpointError> {
        const FIELD: &str = "no_rope_layers";
        let layers = self.need(LAYERS)?.min(MOST_LAYERS);
        let written: Option<Vec<u8>> = self.read(FIELD, "a list of 0 and 1")?;
        let Some(written) = written else {
            let step = self.size(["no_rope_layer_interval"])?.unwrap_or(4);
            return Ok((1..=layers).map(|layer| !layer.is_multiple_of(step)).collect());
        };
        if written.len() < layers {
            let expected = format!("a 0 or 1 for each of {layers} layers");
            return Err(invalid(FIELD, format!("{} long", written.len()), expected));
        }
        Ok(written[..layers].iter().map(|&turns| turns != 0).collect())
    }

    pub(super) fn granite(&self) -> Result<TransformerConfig, CheckpointError> {
        let multiplier = |field| Ok::<_, CheckpointError>(self.number(field)?.unwrap_or(1.0));
        self.rotary(TransformerConfig {
            architecture: Architecture::Granite,
            activation: self.activation("hidden_act", Activation::Silu)?,
            attention_bias: self.attention_bias()?,
            mlp_bias: self.flag("mlp_bias")?.unwrap_or(false),
            embedding_scale: multiplier("embedding_multiplier")?,
            attention_multiplier: Some(multiplier("attention_multiplier")? as f32),
            residual_multiplier: multiplier("residual_multiplier")? as f32,
            logits_scaling: multiplier("logits_scaling")? as f32,
            tie_word_embeddings: self.tied(false)?,
            ..TransformerConfig::default()
        })
    }

    pub(super) fn phi3(&self) -> Result<TransformerConfig, CheckpointError> {
        let rope = HfRope::of(&self.fields)?;
        let config = self.sized(TransformerConfig {
            architecture: Architecture::Phi3,
            norm_eps: self.number("rms_norm_eps")?.unwrap_or(1e-5),
            positions: self.phi3_positions(&rope)?,
            activation: self.activation("hidden_act", Activation::Silu)?,
            attention_windows: self.windows(None, |_| true)?,
            tie_word_embeddings: self.tied(false)?,
            ..TransformerConfig::default()
        })?;
        let part = self.either(&rope, PART, PART)?.unwrap_or(1.0);
        if !(part > 0.0 && part <= 1.0) {
            return Err(invalid(PART, part.to_string(), "a number above 0, at most 1"));
        }
        Ok(TransformerConfig {
            rotary_dim: Some((config.head_dim as f64 * part) as usize),
            ..config
        })
    }

    /// The list of factors is told apart by the context of the pre-training, which stands outside of the other
    /// parameters and whose default does not depend on them.
    fn phi3_positions(&self, rope: &HfRope<'_>) -> Result<Positions, CheckpointError> {
        if rope.kind()?.is_none_or(|kind| kind == "default") {
            return self.turned(rope, "rope_theta", 10_000.0);
        }
        let original = match self.size(["original_max_position_embeddings"])? {
            Some(original) => original,
            None => rope.size("original_max_position_embeddings")?.unwrap_or(4096),
        };
        let theta = self.either(rope, "rope_theta", "rope_theta")?.unwrap_or(10_000.0);
        Ok(Positions::Rotary { theta, scaling: rope.long_rope(original, self.need(POSITIONS)?)? })
    }

    pub(super) fn gemma3(&self) -> Result<TransformerConfig, CheckpointError> {
        // It is written for no model, and transformers reads past it.
        if let Some(cap) = self.number("attn_logit_softcapping")? {
            let (field, value) = ("attn_logit_softcapping", cap.to_string());
            return Err(CheckpointError::UnsupportedConfig { field, value, supported: "null" });
        }
        let pattern = self.size(["sliding_window_pattern"])?.unwrap_or(6);
        let windows = self.windows(Some(4096), |layer| !(layer + 1).is_multiple_of(pattern))?;
        let (positions, local) = self.gemma3_positions()?;
        self.gemma(TransformerConfig {
            architecture: Architecture::Gemma3,
            head_norms: true,
            layer_positions: windows
                .iter()
                .map(|window| if window.is_some() { local.clone() } else { positions.clone() })
                .collect(),
            positions,
            final_logit_softcapping: self.number("final_logit_softcapping")?.map(|cap| cap as f32),
            attention_windows: windows,
            ..TransformerConfig::default()
        })
    }

    /// Those of layers that see all, and those of layers with a window.
    fn gemma3_positions(&self) -> Result<(Positions, Positions), CheckpointError> {
        let (global, local) = HfRope::by_layer_type(&self.fields)?;
        self.refuse_partial(&global)?;
        self.refuse_partial(&local)?;
        Ok((
            self.turned(&global, "rope_theta", 1_000_000.0)?,
            self.turned(&local, "rope_local_base_freq", 10_000.0)?,
        ))
    }

    pub(super) fn gemma2(&self) -> Result<TransformerConfig, CheckpointError> {
        self.gemma(TransformerConfig {
            architecture: Architecture::Gemma2,
            positions: self.whole_turned(10_000.0)?,
            attn_logit_softcapping: self.number_or("attn_logit_softcapping", 50.0)?,
            final_logit_softcapping: self.number_or("final_logit_softcapping", 30.0)?,
            attention_windows: self.windows(Some(4096), |layer| layer % 2 == 0)?,
            ..TransformerConfig::default()
        })
    }

    /// What Gemma 2 and 3 have in common.
    fn gemma(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        let field = "use_bidirectional_attention";
        if self.flag(field)? == Some(true) {
            let (value, supported) = ("true".into(), "false");
            return Err(CheckpointError::UnsupportedConfig { field, value, supported });
        }
        let scalar = self.number("query_pre_attn_scalar")?.unwrap_or(256.0);
        let config = self.normed(TransformerConfig {
            norm: NormKind::RmsUnitOffset,
            norm_placement: NormPlacement::BeforeAndAfter,
            // `hidden_act` was wrong in the first files.
            activation: self.activation("hidden_activation", Activation::GeluTanh)?,
            attention_bias: self.attention_bias()?,
            query_pre_attn_scalar: Some(scalar as f32),
            tie_word_embeddings: self.tied(true)?,
            ..config
        })?;
        Ok(TransformerConfig {
            head_dim: self.size(["head_dim"])?.unwrap_or(256),
            embedding_scale: (config.hidden_size as f64).sqrt(),
            ..config
        })
    }

    pub(super) fn gpt_bigcode(&self) -> Result<TransformerConfig, CheckpointError> {
        let shares_keys = self.flag("multi_query")?.unwrap_or(true);
        let is_scaled = self.flag("scale_attn_weights")?.unwrap_or(true);
        let config = self.sized(TransformerConfig {
            architecture: Architecture::GptBigCode,
            norm: NormKind::Layer,
            norm_eps: self.number("layer_norm_epsilon")?.unwrap_or(1e-5),
            positions: Positions::Learned,
            attention_bias: AttentionBias::All,
            attention_multiplier: (!is_scaled).then_some(1.0),
            feed_forward: FeedForwardKind::Plain,
            activation: self.activation("activation_function", Activation::GeluTanh)?,
            mlp_bias: true,
            tie_word_embeddings: self.tied(true)?,
            ..TransformerConfig::default()
        })?;
        let inner = self.size(INTERMEDIATE_SIZE)?;
        Ok(TransformerConfig {
            intermediate_size: inner.unwrap_or_else(|| config.hidden_size.saturating_mul(4)),
            num_key_value_heads: if shares_keys { 1 } else { config.num_attention_heads },
            ..config
        })
    }
}
