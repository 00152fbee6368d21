use serde::{Deserialize, Deserializer};

use super::{
    Activation, Architecture, AttentionBias, FeedForwardKind, NormKind, NormPlacement, Positions,
    RopeScaling, TransformerConfig, invalid,
};
use crate::CheckpointError;

/// `config.json` as it is written, every field that may be absent optional.
#[derive(Debug, Deserialize)]
pub(crate) struct HfConfig {
    #[serde(default)]
    architectures: Option<Vec<String>>,
    model_type: Option<String>,
    vocab_size: usize,
    #[serde(alias = "n_embd")]
    hidden_size: usize,
    #[serde(alias = "n_inner")]
    intermediate_size: Option<usize>,
    #[serde(alias = "n_layer")]
    num_hidden_layers: usize,
    #[serde(alias = "n_head")]
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(alias = "n_positions")]
    max_position_embeddings: usize,
    rms_norm_eps: Option<f64>,
    layer_norm_epsilon: Option<f64>,
    hidden_act: Option<String>,
    /// Gemma 2; wins over `hidden_act`, which its first files had wrong.
    hidden_activation: Option<String>,
    /// GPTBigCode.
    activation_function: Option<String>,
    rope_theta: Option<f64>,
    rope_scaling: Option<HfRope>,
    rope_parameters: Option<HfRope>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    tie_word_embeddings: Option<bool>,
    query_pre_attn_scalar: Option<f32>,
    #[serde(default, deserialize_with = "written")]
    attn_logit_softcapping: Option<Option<f32>>,
    #[serde(default, deserialize_with = "written")]
    final_logit_softcapping: Option<Option<f32>>,
    #[serde(default, deserialize_with = "written")]
    sliding_window: Option<Option<usize>>,
    use_sliding_window: Option<bool>,
    max_window_layers: Option<usize>,
    layer_types: Option<Vec<String>>,
    use_bidirectional_attention: Option<bool>,
    multi_query: Option<bool>,
    scale_attn_weights: Option<bool>,
    eos_token_id: Option<OneOrMany>,
    torch_dtype: Option<String>,
    dtype: Option<String>,
}

/// Tells a field that is null from one that is absent.
fn written<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `rope_scaling` of transformers 4, `rope_parameters` of transformers 5.
#[derive(Debug, Default, Deserialize)]
struct HfRope {
    rope_type: Option<String>,
    /// The older name; files saved again carry both.
    #[serde(rename = "type")]
    kind: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f32>,
    low_freq_factor: Option<f32>,
    high_freq_factor: Option<f32>,
    original_max_position_embeddings: Option<f32>,
    partial_rotary_factor: Option<f32>,
}

/// An `eos_token_id`: a number or a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl OneOrMany {
    pub(crate) fn into_vec(self) -> Vec<u32> {
        match self {
            Self::One(id) => vec![id],
            Self::Many(ids) => ids,
        }
    }
}

impl HfConfig {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, CheckpointError> {
        serde_json::from_slice(json)
            .map_err(|e| CheckpointError::Json { file: "config.json".into(), source: e.into() })
    }

    /// What the weights were saved in, by its older or its newer name.
    pub(crate) fn dtype(&self) -> Option<&str> {
        self.dtype.as_deref().or(self.torch_dtype.as_deref())
    }

    pub(crate) fn eos_token_ids(&self) -> Vec<u32> {
        self.eos_token_id.clone().map_or_else(Vec::new, OneOrMany::into_vec)
    }

    /// What is written, and the family's defaults of transformers for the rest.
    pub(crate) fn into_config(self) -> Result<TransformerConfig, CheckpointError> {
        let config = match self.architecture()? {
            Architecture::Llama => self.llama()?,
            Architecture::Gemma2 => self.gemma2()?,
            Architecture::GptBigCode => self.gpt_bigcode()?,
            Architecture::Qwen2 => self.qwen2()?,
        };
        config.validate()
    }

    fn architecture(&self) -> Result<Architecture, CheckpointError> {
        let classes = self.architectures.as_deref().unwrap_or_default();
        match (classes, self.model_type.as_deref()) {
            ([class], _) => match class.as_str() {
                "LlamaForCausalLM" => Ok(Architecture::Llama),
                "Gemma2ForCausalLM" => Ok(Architecture::Gemma2),
                "GPTBigCodeForCausalLM" => Ok(Architecture::GptBigCode),
                "Qwen2ForCausalLM" => Ok(Architecture::Qwen2),
                other => Err(unsupported_class(other)),
            },
            ([], Some("llama")) => Ok(Architecture::Llama),
            ([], Some("gemma2")) => Ok(Architecture::Gemma2),
            ([], Some("gpt_bigcode")) => Ok(Architecture::GptBigCode),
            ([], Some("qwen2")) => Ok(Architecture::Qwen2),
            ([], other) => Err(CheckpointError::UnsupportedConfig {
                field: "model_type",
                value: other.unwrap_or("absent").into(),
                supported: "llama, gemma2, gpt_bigcode, qwen2",
            }),
            (classes, _) => Err(unsupported_class(&classes.join(", "))),
        }
    }

    fn llama(&self) -> Result<TransformerConfig, CheckpointError> {
        let attention_bias = self.attention_bias.unwrap_or(false);
        self.rotary(TransformerConfig {
            activation: activation(self.hidden_act.as_deref(), Activation::Silu)?,
            attention_bias: if attention_bias { AttentionBias::All } else { AttentionBias::Absent },
            mlp_bias: self.mlp_bias.unwrap_or(false),
            ..TransformerConfig::default()
        })
    }

    fn qwen2(&self) -> Result<TransformerConfig, CheckpointError> {
        let from = self.max_window_layers.unwrap_or(28);
        self.rotary(TransformerConfig {
            architecture: Architecture::Qwen2,
            activation: activation(self.hidden_act.as_deref(), Activation::Silu)?,
            attention_bias: AttentionBias::Inputs,
            attention_windows: if self.use_sliding_window.unwrap_or(false) {
                self.windows(4096, |layer| layer >= from)?
            } else {
                vec![]
            },
            ..TransformerConfig::default()
        })
    }

    fn gemma2(&self) -> Result<TransformerConfig, CheckpointError> {
        if self.use_bidirectional_attention == Some(true) {
            return Err(CheckpointError::UnsupportedConfig {
                field: "use_bidirectional_attention",
                value: "true".into(),
                supported: "false",
            });
        }
        let attention_bias = self.attention_bias.unwrap_or(false);
        let scalar = self.query_pre_attn_scalar.unwrap_or(256.0);
        let config = self.rotary(TransformerConfig {
            architecture: Architecture::Gemma2,
            norm: NormKind::RmsUnitOffset,
            norm_placement: NormPlacement::BeforeAndAfter,
            activation: activation(self.hidden_activation.as_deref(), Activation::GeluTanh)?,
            attention_bias: if attention_bias { AttentionBias::All } else { AttentionBias::Absent },
            query_pre_attn_scalar: Some(scalar),
            attn_logit_softcapping: self.attn_logit_softcapping.unwrap_or(Some(50.0)),
            final_logit_softcapping: self.final_logit_softcapping.unwrap_or(Some(30.0)),
            attention_windows: self.windows(4096, |layer| layer % 2 == 0)?,
            embedding_scale: (self.hidden_size as f64).sqrt(),
            ..TransformerConfig::default()
        })?;
        Ok(TransformerConfig {
            head_dim: self.head_dim.unwrap_or(256),
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(true),
            ..config
        })
    }

    fn gpt_bigcode(&self) -> Result<TransformerConfig, CheckpointError> {
        for (field, value) in
            [("multi_query", self.multi_query), ("scale_attn_weights", self.scale_attn_weights)]
        {
            if value == Some(false) {
                let (value, supported) = ("false".into(), "true");
                return Err(CheckpointError::UnsupportedConfig { field, value, supported });
            }
        }
        let config = self.sized(TransformerConfig {
            architecture: Architecture::GptBigCode,
            norm: NormKind::Layer,
            norm_eps: self.layer_norm_epsilon.unwrap_or(1e-5),
            positions: Positions::Learned,
            attention_bias: AttentionBias::All,
            feed_forward: FeedForwardKind::Plain,
            activation: activation(self.activation_function.as_deref(), Activation::GeluTanh)?,
            mlp_bias: true,
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(true),
            ..TransformerConfig::default()
        })?;
        Ok(TransformerConfig {
            intermediate_size: self.intermediate_size.unwrap_or(4 * self.hidden_size),
            num_key_value_heads: 1,
            ..config
        })
    }

    /// What Llama, Gemma 2 and Qwen2 have in common.
    fn rotary(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        let none = HfRope::default();
        let rope = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref()).unwrap_or(&none);
        self.sized(TransformerConfig {
            norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            positions: Positions::Rotary {
                theta: rope.rope_theta.or(self.rope_theta).unwrap_or(10_000.0),
                scaling: rope.scaling()?,
            },
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(false),
            ..config
        })
    }

    /// The sizes, which all families write.
    fn sized(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        let head_dim = match self.head_dim {
            Some(head_dim) => head_dim,
            None => self.implied_head_dim()?,
        };
        Ok(TransformerConfig {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size.unwrap_or(0),
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            num_key_value_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            max_position_embeddings: self.max_position_embeddings,
            ..config
        })
    }

    fn implied_head_dim(&self) -> Result<usize, CheckpointError> {
        let heads = self.num_attention_heads;
        if heads == 0 || !self.hidden_size.is_multiple_of(heads) {
            let expected = "a divisor of hidden_size";
            return Err(invalid("num_attention_heads", heads.to_string(), expected));
        }
        Ok(self.hidden_size / heads)
    }

    /// The window of each layer: as `layer_types` says, or else where `slides` does.
    fn windows(
        &self,
        default: usize,
        slides: impl Fn(usize) -> bool,
    ) -> Result<Vec<Option<usize>>, CheckpointError> {
        let window = self.sliding_window.unwrap_or(Some(default));
        let Some(types) = &self.layer_types else {
            // A claimed number of layers is not yet checked: no allocation by it.
            let layers = 0..self.num_hidden_layers.min(1 << 16);
            return Ok(layers.map(|layer| window.filter(|_| slides(layer))).collect());
        };
        let of_type = |name: &String| match name.as_str() {
            "full_attention" => Ok(None),
            "sliding_attention" if window.is_some() => Ok(window),
            "sliding_attention" => Err(invalid("sliding_window", "null", "a number of positions")),
            other => Err(CheckpointError::UnsupportedConfig {
                field: "layer_types",
                value: other.into(),
                supported: "full_attention, sliding_attention",
            }),
        };
        types.iter().map(of_type).collect()
    }
}

fn unsupported_class(value: &str) -> CheckpointError {
    CheckpointError::UnsupportedConfig {
        field: "architectures",
        value: value.into(),
        supported: "LlamaForCausalLM, Gemma2ForCausalLM, GPTBigCodeForCausalLM, Qwen2ForCausalLM",
    }
}

fn activation(name: Option<&str>, default: Activation) -> Result<Activation, CheckpointError> {
    match name {
        None => Ok(default),
        Some("silu" | "swish") => Ok(Activation::Silu),
        Some("gelu") => Ok(Activation::Gelu),
        Some("gelu_pytorch_tanh" | "gelu_new" | "gelu_fast") => Ok(Activation::GeluTanh),
        Some(other) => Err(CheckpointError::UnsupportedConfig {
            field: "hidden_act",
            value: other.into(),
            supported: "silu, gelu, gelu_pytorch_tanh",
        }),
    }
}

impl HfRope {
    fn scaling(&self) -> Result<RopeScaling, CheckpointError> {
        let need = |field, value: Option<f32>| {
            value
                .filter(|v| v.is_finite() && *v > 0.0)
                .ok_or_else(|| invalid(field, format!("{value:?}"), "a positive number"))
        };
        if let Some(factor) = self.partial_rotary_factor.filter(|&factor| factor != 1.0) {
            return Err(CheckpointError::UnsupportedConfig {
                field: "partial_rotary_factor",
                value: factor.to_string(),
                supported: "1",
            });
        }
        match self.rope_type.as_deref().or(self.kind.as_deref()) {
            None | Some("default") => Ok(RopeScaling::None),
            Some("linear") => Ok(RopeScaling::Linear { factor: need("factor", self.factor)? }),
            Some("llama3") => Ok(RopeScaling::Llama3 {
                factor: need("factor", self.factor)?,
                low_freq_factor: need("low_freq_factor", self.low_freq_factor)?,
                high_freq_factor: need("high_freq_factor", self.high_freq_factor)?,
                original_max_position_embeddings: need(
                    "original_max_position_embeddings",
                    self.original_max_position_embeddings,
                )?,
            }),
            Some(other) => Err(CheckpointError::UnsupportedConfig {
                field: "rope_type",
                value: other.into(),
                supported: "default, linear, llama3",
            }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn base() -> Value {
        json!({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
            "vocab_size": 10, "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 32,
        })
    }

    fn with(changes: &Value) -> Result<TransformerConfig, CheckpointError> {
        let mut config = base();
        let changes = changes.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(changes);
        TransformerConfig::from_json(config.to_string().as_bytes())
    }

    #[test]
    fn both_dialects_say_the_same() {
        let scaling = json!({
            "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        });
        let mut parameters = scaling.clone();
        parameters["rope_theta"] = json!(500000.0);
        let four = with(&json!({
            "rope_theta": 500000.0, "rope_scaling": scaling, "torch_dtype": "bfloat16",
        }));
        let five = with(&json!({"rope_parameters": parameters, "dtype": "bfloat16"})).unwrap();
        assert_eq!(four.unwrap(), five);
        let Positions::Rotary { theta, scaling } = five.positions else { panic!("not rotary") };
        assert_eq!(theta, 500_000.0);
        assert!(matches!(scaling, RopeScaling::Llama3 { factor: 32.0, .. }));
    }

    #[test]
    fn a_rope_type_may_have_both_names() {
        let scaling = json!({"type": "linear", "rope_type": "linear", "factor": 4.0});
        let config = with(&json!({"rope_scaling": scaling})).unwrap();
        let scaling = RopeScaling::Linear { factor: 4.0 };
        assert_eq!(config.positions, Positions::Rotary { theta: 10_000.0, scaling });
    }

    #[test]
    fn the_dtype_has_two_names() {
        let dtype = |changes: Value| {
            let mut config = base();
            config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            let raw = HfConfig::parse(config.to_string().as_bytes()).unwrap();
            raw.dtype().map(str::to_owned)
        };
        assert_eq!(dtype(json!({"torch_dtype": "bfloat16"})).as_deref(), Some("bfloat16"));
        assert_eq!(dtype(json!({"dtype": "float16"})).as_deref(), Some("float16"));
        assert_eq!(dtype(json!({})), None);
    }

    #[test]
    fn absent_fields_take_the_defaults_of_transformers() {
        let config = with(&json!({"rope_scaling": null})).unwrap();
        assert_eq!(config.head_dim, 2);
        let scaling = RopeScaling::None;
        assert_eq!(config.positions, Positions::Rotary { theta: 10_000.0, scaling });
        assert!(!config.tie_word_embeddings);
    }

    #[test]
    fn eos_is_a_number_a_list_or_absent() {
        for (eos, expected) in
            [(json!(7), vec![7]), (json!([1, 2]), vec![1, 2]), (json!(null), vec![])]
        {
            let mut config = base();
            config["eos_token_id"] = eos;
            let raw = HfConfig::parse(config.to_string().as_bytes()).unwrap();
            assert_eq!(raw.eos_token_ids(), expected);
        }
    }

    #[test]
    fn what_is_not_implemented_is_refused_by_name() {
        for (changes, words) in [
            (json!({"architectures": ["GemmaForCausalLM"]}), "architectures is GemmaForCausalLM"),
            (json!({"hidden_act": "relu"}), "hidden_act is relu"),
            (json!({"rope_scaling": {"type": "yarn", "factor": 2.0}}), "rope_type is yarn"),
            (json!({"rope_scaling": {"type": "linear"}}), "factor is None"),
            (json!({"num_key_value_heads": 3}), "a divisor of num_attention_heads 4"),
            (json!({"head_dim": 3}), "head_dim is 3"),
            (json!({"vocab_size": 0}), "vocab_size is 0"),
            (json!({"rope_theta": 0.0}), "rope_theta is 0"),
            (json!({"rms_norm_eps": -1.0}), "norm_eps is -1"),
            (json!({"num_attention_heads": 3}), "a divisor of hidden_size"),
        ] {
            let message = with(&changes).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
