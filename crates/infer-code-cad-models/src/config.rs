use serde::Deserialize;

use crate::ModelError;

/// The shape of a decoder-only transformer, by the names of Hugging Face's `config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformerConfig {
    /// Rows of the embedding and logits per position.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the gated feed-forward block.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides `num_attention_heads` (grouped-query attention).
    pub num_key_value_heads: usize,
    /// Width of one head; even, for the rotation.
    pub head_dim: usize,
    /// The longest stream, in tokens.
    pub max_position_embeddings: usize,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// How the rotary frequencies are stretched.
    pub rope_scaling: RopeScaling,
    /// Whether the four attention projections have a bias.
    pub attention_bias: bool,
    /// Whether the three feed-forward projections have a bias.
    pub mlp_bias: bool,
    /// Whether the output projection is the embedding.
    pub tie_word_embeddings: bool,
}

/// How rotary frequencies are stretched to longer contexts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All divided by `factor`.
    Linear {
        /// The divisor.
        factor: f32,
    },
    /// Long wavelengths divided by `factor`, short ones kept, a ramp between: Llama 3.1 and later.
    Llama3 {
        /// The divisor of long wavelengths.
        factor: f32,
        /// `original / low_freq_factor` is the wavelength above which all is divided.
        low_freq_factor: f32,
        /// `original / high_freq_factor` is the wavelength below which nothing is.
        high_freq_factor: f32,
        /// Context length of the pre-training.
        original_max_position_embeddings: f32,
    },
}

impl TransformerConfig {
    /// Reads a `config.json` in the dialect of transformers 4 or 5.
    ///
    /// # Errors
    /// [`ModelError::Json`], [`ModelError::UnsupportedConfig`] for another architecture, activation
    /// or rope type, [`ModelError::InvalidConfig`] for sizes that are absent or contradict.
    pub fn from_json(json: &[u8]) -> Result<Self, ModelError> {
        RawConfig::parse(json)?.into_config()
    }

    /// Query heads times head width.
    pub(crate) fn q_size(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Key heads times head width.
    pub(crate) fn kv_size(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }

    fn validate(self) -> Result<Self, ModelError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (field, value) in sizes {
            if value == 0 {
                return Err(invalid(field, "0", "a positive number"));
            }
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            let expected = format!("a divisor of num_attention_heads {}", self.num_attention_heads);
            return Err(invalid(
                "num_key_value_heads",
                self.num_key_value_heads.to_string(),
                expected,
            ));
        }
        for (field, value) in [("rope_theta", self.rope_theta), ("rms_norm_eps", self.rms_norm_eps)]
        {
            if !(value.is_finite() && value > 0.0) {
                return Err(invalid(field, value.to_string(), "a positive number"));
            }
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(invalid("head_dim", self.head_dim.to_string(), "an even number"));
        }
        Ok(self)
    }
}

fn invalid(
    field: &'static str,
    value: impl Into<String>,
    expected: impl Into<String>,
) -> ModelError {
    ModelError::InvalidConfig { field, value: value.into(), expected: expected.into() }
}

/// `config.json` as it is written, every field that may be absent optional.
#[derive(Debug, Deserialize)]
pub(crate) struct RawConfig {
    #[serde(default)]
    architectures: Vec<String>,
    model_type: Option<String>,
    hidden_act: Option<String>,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: usize,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<RawRope>,
    rope_parameters: Option<RawRope>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
    eos_token_id: Option<OneOrMany>,
    torch_dtype: Option<String>,
    dtype: Option<String>,
}

/// `rope_scaling` of transformers 4, `rope_parameters` of transformers 5.
#[derive(Debug, Default, Deserialize)]
struct RawRope {
    rope_type: Option<String>,
    /// The older name; files saved again carry both.
    #[serde(rename = "type")]
    kind: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f32>,
    low_freq_factor: Option<f32>,
    high_freq_factor: Option<f32>,
    original_max_position_embeddings: Option<f32>,
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

impl RawConfig {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, ModelError> {
        serde_json::from_slice(json)
            .map_err(|source| ModelError::Json { file: "config.json".into(), source })
    }

    /// What the weights were saved in, by its older or its newer name.
    pub(crate) fn dtype(&self) -> Option<&str> {
        self.dtype.as_deref().or(self.torch_dtype.as_deref())
    }

    pub(crate) fn eos_token_ids(&self) -> Vec<u32> {
        self.eos_token_id.clone().map_or_else(Vec::new, OneOrMany::into_vec)
    }

    pub(crate) fn into_config(self) -> Result<TransformerConfig, ModelError> {
        self.check_architecture()?;
        let head_dim = match self.head_dim {
            Some(head_dim) => head_dim,
            None => self.implied_head_dim()?,
        };
        let rope = self.rope_parameters.or(self.rope_scaling).unwrap_or_default();
        TransformerConfig {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            num_key_value_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            max_position_embeddings: self.max_position_embeddings,
            rms_norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            rope_theta: rope.rope_theta.or(self.rope_theta).unwrap_or(10_000.0),
            rope_scaling: rope.scaling()?,
            attention_bias: self.attention_bias,
            mlp_bias: self.mlp_bias,
            tie_word_embeddings: self.tie_word_embeddings,
        }
        .validate()
    }

    fn check_architecture(&self) -> Result<(), ModelError> {
        let unsupported = |field, value: &str, supported| {
            Err(ModelError::UnsupportedConfig { field, value: value.into(), supported })
        };
        match (self.architectures.as_slice(), self.model_type.as_deref()) {
            ([name], _) if name == "LlamaForCausalLM" => {}
            ([], Some("llama")) => {}
            ([], other) => return unsupported("model_type", other.unwrap_or("absent"), "llama"),
            (names, _) => {
                return unsupported("architectures", &names.join(", "), "LlamaForCausalLM");
            }
        }
        match self.hidden_act.as_deref() {
            None | Some("silu") => Ok(()),
            Some(other) => unsupported("hidden_act", other, "silu"),
        }
    }

    fn implied_head_dim(&self) -> Result<usize, ModelError> {
        let heads = self.num_attention_heads;
        if heads == 0 || !self.hidden_size.is_multiple_of(heads) {
            return Err(invalid(
                "num_attention_heads",
                heads.to_string(),
                "a divisor of hidden_size",
            ));
        }
        Ok(self.hidden_size / heads)
    }
}

impl RawRope {
    fn scaling(&self) -> Result<RopeScaling, ModelError> {
        let need = |field, value: Option<f32>| {
            value
                .filter(|v| v.is_finite() && *v > 0.0)
                .ok_or_else(|| invalid(field, format!("{value:?}"), "a positive number"))
        };
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
            Some(other) => Err(ModelError::UnsupportedConfig {
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

    fn with(changes: &Value) -> Result<TransformerConfig, ModelError> {
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
        assert_eq!(five.rope_theta, 500_000.0);
        assert!(matches!(five.rope_scaling, RopeScaling::Llama3 { factor: 32.0, .. }));
    }

    #[test]
    fn a_rope_type_may_have_both_names() {
        let scaling = json!({"type": "linear", "rope_type": "linear", "factor": 4.0});
        let config = with(&json!({"rope_scaling": scaling})).unwrap();
        assert_eq!(config.rope_scaling, RopeScaling::Linear { factor: 4.0 });
    }

    #[test]
    fn the_dtype_has_two_names() {
        let dtype = |changes: Value| {
            let mut config = base();
            config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            let raw = RawConfig::parse(config.to_string().as_bytes()).unwrap();
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
        assert_eq!(config.rope_theta, 10_000.0);
        assert_eq!(config.rope_scaling, RopeScaling::None);
        assert!(!config.tie_word_embeddings);
    }

    #[test]
    fn eos_is_a_number_a_list_or_absent() {
        for (eos, expected) in
            [(json!(7), vec![7]), (json!([1, 2]), vec![1, 2]), (json!(null), vec![])]
        {
            let mut config = base();
            config["eos_token_id"] = eos;
            let raw = RawConfig::parse(config.to_string().as_bytes()).unwrap();
            assert_eq!(raw.eos_token_ids(), expected);
        }
    }

    #[test]
    fn what_is_not_implemented_is_refused_by_name() {
        for (changes, words) in [
            (json!({"architectures": ["GemmaForCausalLM"]}), "architectures is GemmaForCausalLM"),
            (json!({"hidden_act": "gelu"}), "hidden_act is gelu"),
            (json!({"rope_scaling": {"type": "yarn", "factor": 2.0}}), "rope_type is yarn"),
            (json!({"rope_scaling": {"type": "linear"}}), "factor is None"),
            (json!({"num_key_value_heads": 3}), "a divisor of num_attention_heads 4"),
            (json!({"head_dim": 3}), "head_dim is 3"),
            (json!({"vocab_size": 0}), "vocab_size is 0"),
            (json!({"rope_theta": 0.0}), "rope_theta is 0"),
            (json!({"rms_norm_eps": -1.0}), "rms_norm_eps is -1"),
            (json!({"num_attention_heads": 3}), "a divisor of hidden_size"),
        ] {
            let message = with(&changes).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
