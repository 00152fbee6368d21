use serde::de::DeserializeOwned;

use super::hf_rope::HfRope;
use super::{
    Activation, Architecture, AttentionBias, FeedForwardKind, NormKind, NormPlacement, Positions,
    TransformerConfig, invalid,
};
use crate::CheckpointError;
use crate::fields::Fields;
use crate::token_ids::token_ids;

/// `config.json` as it is written. A family reads its own fields and no others.
#[derive(Debug)]
pub(crate) struct HfConfig<'a> {
    fields: Fields<'a>,
}

const HIDDEN_SIZE: [&str; 2] = ["hidden_size", "n_embd"];
const INTERMEDIATE_SIZE: [&str; 2] = ["intermediate_size", "n_inner"];
const LAYERS: [&str; 2] = ["num_hidden_layers", "n_layer"];
const HEADS: [&str; 2] = ["num_attention_heads", "n_head"];
const POSITIONS: [&str; 2] = ["max_position_embeddings", "n_positions"];

impl<'a> HfConfig<'a> {
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, CheckpointError> {
        Ok(Self { fields: Fields::of("config.json", json)? })
    }

    /// What the weights were saved in, by its newer or its older name, where it says.
    pub(crate) fn dtype(&self) -> Option<String> {
        let text = |name| self.fields.get(name).ok().flatten();
        text("dtype").or_else(|| text("torch_dtype"))
    }

    pub(crate) fn eos_token_ids(&self) -> Result<Vec<u32>, CheckpointError> {
        const FIELD: &str = "eos_token_id";
        token_ids(&self.fields, FIELD)
            .map_err(|written| invalid(FIELD, written, "a token id or a list of them"))
    }

    pub(crate) fn text(&self, field: &'static str) -> Result<Option<String>, CheckpointError> {
        self.read(field, "a text")
    }

    pub(crate) fn flag(&self, field: &'static str) -> Result<Option<bool>, CheckpointError> {
        self.read(field, "true or false")
    }

    pub(crate) fn number(&self, field: &'static str) -> Result<Option<f64>, CheckpointError> {
        self.read(field, "a number")
    }

    /// A number that is none where the field is null, and the default where it is absent.
    fn number_or(&self, field: &'static str, default: f32) -> Result<Option<f32>, CheckpointError> {
        match self.fields.names(field) {
            true => self.read(field, "a number or null"),
            false => Ok(Some(default)),
        }
    }

    /// A size by the first of its names that is there.
    pub(crate) fn size<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<Option<usize>, CheckpointError> {
        let name = names.into_iter().find(|name| self.fields.written(name).is_some());
        name.map_or(Ok(None), |name| self.read(name, "a whole number"))
    }

    pub(crate) fn need<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<usize, CheckpointError> {
        self.size(names)?.ok_or_else(|| invalid(names[0], "absent", "a whole number"))
    }

    fn read<T: DeserializeOwned>(
        &self,
        field: &'static str,
        expected: &str,
    ) -> Result<Option<T>, CheckpointError> {
        self.fields.get(field).map_err(|written| invalid(field, written, expected))
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
        let classes: Option<Vec<String>> = self.read("architectures", "a list of names")?;
        let family = self.text("model_type")?;
        match (classes.as_deref().unwrap_or_default(), family.as_deref()) {
            ([class], _) => match class.as_str() {
                "LlamaForCausalLM" => Ok(Architecture::Llama),
                "Gemma2ForCausalLM" => Ok(Architecture::Gemma2),
                "GPTBigCodeForCausalLM" => Ok(Architecture::GptBigCode),
                "Qwen2ForCausalLM" => Ok(Architecture::Qwen2),
                other => Err(unsupported_class(other)),
            },
            ([], family) => {
                let family = family.unwrap_or("absent");
                family.parse().map_err(|_| CheckpointError::UnsupportedConfig {
                    field: "model_type",
                    value: family.into(),
                    supported: "llama, gemma2, gpt_bigcode, qwen2",
                })
            }
            (classes, _) => Err(unsupported_class(&classes.join(", "))),
        }
    }

    fn llama(&self) -> Result<TransformerConfig, CheckpointError> {
        self.rotary(TransformerConfig {
            activation: self.activation("hidden_act", Activation::Silu)?,
            attention_bias: self.attention_bias()?,
            mlp_bias: self.flag("mlp_bias")?.unwrap_or(false),
            tie_word_embeddings: self.tied(false)?,
            ..TransformerConfig::default()
        })
    }

    fn qwen2(&self) -> Result<TransformerConfig, CheckpointError> {
        let slides = self.flag("use_sliding_window")?.unwrap_or(false);
        self.rotary(TransformerConfig {
            architecture: Architecture::Qwen2,
            activation: self.activation("hidden_act", Activation::Silu)?,
            attention_bias: AttentionBias::Inputs,
            attention_windows: if slides {
                let from = self.size(["max_window_layers"])?.unwrap_or(28);
                self.windows(4096, |layer| layer >= from)?
            } else {
                vec![]
            },
            tie_word_embeddings: self.tied(false)?,
            ..TransformerConfig::default()
        })
    }

    fn gemma2(&self) -> Result<TransformerConfig, CheckpointError> {
        let field = "use_bidirectional_attention";
        if self.flag(field)? == Some(true) {
            let (value, supported) = ("true".into(), "false");
            return Err(CheckpointError::UnsupportedConfig { field, value, supported });
        }
        let scalar = self.number("query_pre_attn_scalar")?.unwrap_or(256.0);
        let config = self.rotary(TransformerConfig {
            architecture: Architecture::Gemma2,
            norm: NormKind::RmsUnitOffset,
            norm_placement: NormPlacement::BeforeAndAfter,
            // `hidden_act` was wrong in the first files.
            activation: self.activation("hidden_activation", Activation::GeluTanh)?,
            attention_bias: self.attention_bias()?,
            query_pre_attn_scalar: Some(scalar as f32),
            attn_logit_softcapping: self.number_or("attn_logit_softcapping", 50.0)?,
            final_logit_softcapping: self.number_or("final_logit_softcapping", 30.0)?,
            attention_windows: self.windows(4096, |layer| layer % 2 == 0)?,
            tie_word_embeddings: self.tied(true)?,
            ..TransformerConfig::default()
        })?;
        Ok(TransformerConfig {
            head_dim: self.size(["head_dim"])?.unwrap_or(256),
            embedding_scale: (config.hidden_size as f64).sqrt(),
            ..config
        })
    }

    fn gpt_bigcode(&self) -> Result<TransformerConfig, CheckpointError> {
        for field in ["multi_query", "scale_attn_weights"] {
            if self.flag(field)? == Some(false) {
                let (value, supported) = ("false".into(), "true");
                return Err(CheckpointError::UnsupportedConfig { field, value, supported });
            }
        }
        let config = self.sized(TransformerConfig {
            architecture: Architecture::GptBigCode,
            norm: NormKind::Layer,
            norm_eps: self.number("layer_norm_epsilon")?.unwrap_or(1e-5),
            positions: Positions::Learned,
            attention_bias: AttentionBias::All,
            feed_forward: FeedForwardKind::Plain,
            activation: self.activation("activation_function", Activation::GeluTanh)?,
            mlp_bias: true,
            tie_word_embeddings: self.tied(true)?,
            ..TransformerConfig::default()
        })?;
        let inner = self.size(INTERMEDIATE_SIZE)?;
        Ok(TransformerConfig {
            intermediate_size: inner.unwrap_or_else(|| config.hidden_size.saturating_mul(4)),
            num_key_value_heads: 1,
            ..config
        })
    }

    /// What Llama, Gemma 2 and Qwen2 have in common.
    fn rotary(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        let rope = HfRope::of(&self.fields)?;
        let theta = match rope.number("rope_theta")? {
            Some(theta) => Some(theta),
            None => self.number("rope_theta")?,
        };
        self.sized(TransformerConfig {
            norm_eps: self.number("rms_norm_eps")?.unwrap_or(1e-6),
            positions: Positions::Rotary {
                theta: theta.unwrap_or(10_000.0),
                scaling: rope.scaling()?,
            },
            ..config
        })
    }

    /// The sizes, which all families write.
    fn sized(&self, config: TransformerConfig) -> Result<TransformerConfig, CheckpointError> {
        let (hidden_size, heads) = (self.need(HIDDEN_SIZE)?, self.need(HEADS)?);
        let head_dim = match self.size(["head_dim"])? {
            Some(head_dim) => head_dim,
            None => implied_head_dim(hidden_size, heads)?,
        };
        Ok(TransformerConfig {
            vocab_size: self.need(["vocab_size"])?,
            hidden_size,
            intermediate_size: self.size(INTERMEDIATE_SIZE)?.unwrap_or(0),
            num_hidden_layers: self.need(LAYERS)?,
            num_attention_heads: heads,
            num_key_value_heads: self.size(["num_key_value_heads"])?.unwrap_or(heads),
            head_dim,
            max_position_embeddings: self.need(POSITIONS)?,
            ..config
        })
    }

    /// The window of each layer: as `layer_types` says, or else where `slides` does.
    fn windows(
        &self,
        default: usize,
        slides: impl Fn(usize) -> bool,
    ) -> Result<Vec<Option<usize>>, CheckpointError> {
        const WINDOW: &str = "sliding_window";
        let window = match self.fields.names(WINDOW) {
            true => self.size([WINDOW])?,
            false => Some(default),
        };
        let types: Option<Vec<String>> = self.read("layer_types", "a list of names")?;
        let Some(types) = types else {
            // A claimed number of layers is not yet checked: no allocation by it.
            let layers = 0..self.need(LAYERS)?.min(1 << 16);
            return Ok(layers.map(|layer| window.filter(|_| slides(layer))).collect());
        };
        let of_type = |name: &String| match name.as_str() {
            "full_attention" => Ok(None),
            "sliding_attention" if window.is_some() => Ok(window),
            "sliding_attention" => Err(invalid(WINDOW, "null", "a number of positions")),
            other => Err(CheckpointError::UnsupportedConfig {
                field: "layer_types",
                value: other.into(),
                supported: "full_attention, sliding_attention",
            }),
        };
        types.iter().map(of_type).collect()
    }

    fn attention_bias(&self) -> Result<AttentionBias, CheckpointError> {
        let present = self.flag("attention_bias")?.unwrap_or(false);
        Ok(if present { AttentionBias::All } else { AttentionBias::Absent })
    }

    fn tied(&self, default: bool) -> Result<bool, CheckpointError> {
        Ok(self.flag("tie_word_embeddings")?.unwrap_or(default))
    }

    pub(crate) fn activation(
        &self,
        field: &'static str,
        default: Activation,
    ) -> Result<Activation, CheckpointError> {
        match self.text(field)?.as_deref() {
            None => Ok(default),
            Some("swish") => Ok(Activation::Silu),
            Some("gelu_new" | "gelu_fast") => Ok(Activation::GeluTanh),
            Some(name) => name.parse().map_err(|_| CheckpointError::UnsupportedConfig {
                field,
                value: name.into(),
                supported: "silu, gelu, gelu_pytorch_tanh",
            }),
        }
    }
}

fn implied_head_dim(hidden_size: usize, heads: usize) -> Result<usize, CheckpointError> {
    if heads == 0 || !hidden_size.is_multiple_of(heads) {
        let expected = "a divisor of hidden_size";
        return Err(invalid("num_attention_heads", heads.to_string(), expected));
    }
    Ok(hidden_size / heads)
}

fn unsupported_class(value: &str) -> CheckpointError {
    CheckpointError::UnsupportedConfig {
        field: "architectures",
        value: value.into(),
        supported: "LlamaForCausalLM, Gemma2ForCausalLM, GPTBigCodeForCausalLM, Qwen2ForCausalLM",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::RopeScaling;

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
            HfConfig::parse(config.to_string().as_bytes()).unwrap().dtype()
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
    fn eos_is_a_number_a_list_or_absent_and_minus_one_is_none() {
        for (eos, expected) in [
            (json!(7), vec![7]),
            (json!([1, 2]), vec![1, 2]),
            (json!(null), vec![]),
            (json!(-1), vec![]),
            (json!([-1, 2, u32::MAX]), vec![2]),
        ] {
            let mut config = base();
            config["eos_token_id"] = eos;
            config["pad_token_id"] = json!(-1);
            let config = config.to_string();
            let raw = HfConfig::parse(config.as_bytes()).unwrap();
            assert_eq!(raw.eos_token_ids().unwrap(), expected);
        }
        let raw = HfConfig::parse(br#"{"eos_token_id": [1, -7]}"#).unwrap();
        let message = raw.eos_token_ids().unwrap_err().to_string();
        assert!(message.contains("eos_token_id is -7, expected a token id"), "{message}");
    }

    /// The base with fields as Python may write them.
    fn with_written(fields: &str) -> Result<TransformerConfig, CheckpointError> {
        let base = base().to_string();
        let json = format!("{},\n {fields}}}", base.strip_suffix('}').unwrap());
        TransformerConfig::from_json(json.as_bytes())
    }

    #[test]
    fn what_only_python_writes_is_read_past_where_nobody_reads_it() {
        let plain = with(&json!({})).unwrap();
        for fields in [
            r#""initializer_range": Infinity"#,
            r#""time_step_limit": [0.0, Infinity], "quantization": {"threshold": NaN}"#,
            r#""name": "\ud83d", "huge": 1e999"#,
            // Fields of other architectures.
            r#""layer_norm_epsilon": NaN, "final_logit_softcapping": -Infinity, "multi_query": 1"#,
            // Only read where a window slides.
            r#""sliding_window": Infinity, "layer_types": NaN"#,
            r#""torch_dtype": NaN"#,
        ] {
            assert_eq!(with_written(fields).unwrap(), plain, "{fields}");
        }
    }

    #[test]
    fn what_only_python_writes_is_refused_by_name_where_it_is_read() {
        for (fields, words) in [
            (r#""rms_norm_eps": NaN"#, "rms_norm_eps is NaN, expected a number"),
            (r#""rope_theta": Infinity"#, "rope_theta is Infinity, expected a number"),
            (r#""rope_scaling": {"type": "linear", "factor": Infinity}"#, "factor is Infinity"),
            (r#""vocab_size": -Infinity"#, "vocab_size is -Infinity, expected a whole number"),
            (r#""rms_norm_eps": 1e999"#, "rms_norm_eps is 1e999"),
            (
                r#""rope_theta": 1e300, "rope_scaling": {"type": "linear", "factor": 1e39}"#,
                "factor is inf",
            ),
            (r#""hidden_size": "8""#, "hidden_size is \"8\", expected a whole number"),
            (r#""rope_scaling": 4"#, "rope_scaling is 4, expected an object"),
        ] {
            let message = with_written(fields).unwrap_err().to_string();
            assert!(message.starts_with("config.json: ") && message.contains(words), "{message}");
        }
        let message = TransformerConfig::from_json(b"{\"model_type\": \"llama\"}").unwrap_err();
        assert!(message.to_string().contains("hidden_size is absent, expected a whole number"));
    }

    #[test]
    fn what_is_not_implemented_is_refused_by_name() {
        for (changes, words) in [
            (json!({"architectures": ["GemmaForCausalLM"]}), "architectures is GemmaForCausalLM"),
            (json!({"hidden_act": "relu"}), "hidden_act is relu"),
            (json!({"rope_scaling": {"type": "yarn", "factor": 2.0}}), "rope_type is yarn"),
            (json!({"rope_scaling": {"type": "linear"}}), "factor is absent"),
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
