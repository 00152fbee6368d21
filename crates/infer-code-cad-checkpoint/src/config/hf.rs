use serde::de::DeserializeOwned;

use super::hf_rope::HfRope;
use super::{
    Activation, Architecture, AttentionBias, MOST_LAYERS, Positions, TransformerConfig, invalid,
};
use crate::CheckpointError;
use crate::fields::Fields;
use crate::token_ids::token_ids;

/// `config.json` as it is written. A family reads its own fields and no others.
#[derive(Debug)]
pub(crate) struct HfConfig<'a> {
    pub(super) fields: Fields<'a>,
}

const HIDDEN_SIZE: [&str; 2] = ["hidden_size", "n_embd"];
pub(super) const INTERMEDIATE_SIZE: [&str; 2] = ["intermediate_size", "n_inner"];
pub(super) const LAYERS: [&str; 2] = ["num_hidden_layers", "n_layer"];
const HEADS: [&str; 2] = ["num_attention_heads", "n_head"];
pub(super) const PART: &str = "partial_rotary_factor";
pub(super) const POSITIONS: [&str; 2] = ["max_position_embeddings", "n_positions"];

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
    pub(super) fn number_or(
        &self,
        field: &'static str,
        default: f32,
    ) -> Result<Option<f32>, CheckpointError> {
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

    pub(super) fn read<T: DeserializeOwned>(
        &self,
        field: &'static str,
        expected: &str,
    ) -> Result<Option<T>, CheckpointError> {
        self.fields.get(field).map_err(|written| invalid(field, written, expected))
    }

    /// What is written, and the family's defaults of transformers for the rest.
    pub(crate) fn into_config(self) -> Result<TransformerConfig, CheckpointError> {
        let architecture = self.architecture()?;
        self.refuse_quantized()?;
        let config = match architecture {
            Architecture::Llama => self.llama()?,
            Architecture::Gemma2 => self.gemma2()?,
            Architecture::GptBigCode => self.gpt_bigcode()?,
            Architecture::Qwen2 => self.qwen2()?,
            Architecture::Qwen3 => self.qwen3()?,
            Architecture::SmolLm3 => self.smol_lm3()?,
            Architecture::Granite => self.granite()?,
            Architecture::Phi3 => self.phi3()?,
            Architecture::Gemma3 => self.gemma3()?,
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
                "Qwen3ForCausalLM" => Ok(Architecture::Qwen3),
                "SmolLM3ForCausalLM" => Ok(Architecture::SmolLm3),
                "GraniteForCausalLM" => Ok(Architecture::Granite),
                "Phi3ForCausalLM" => Ok(Architecture::Phi3),
                "Gemma3ForCausalLM" => Ok(Architecture::Gemma3),
                other => Err(unsupported_class(other)),
            },
            ([], family) => {
                let family = family.unwrap_or("absent");
                family.parse().map_err(|_| CheckpointError::UnsupportedConfig {
                    field: "model_type",
                    value: family.into(),
                    supported: "llama, gemma2, gpt_bigcode, qwen2, qwen3, smollm3, granite, phi3, \
                                gemma3_text",
                })
            }
            (classes, _) => Err(unsupported_class(&classes.join(", "))),
        }
    }

    /// What families have in common whose queries and keys turn.
    pub(super) fn rotary(
        &self,
        config: TransformerConfig,
    ) -> Result<TransformerConfig, CheckpointError> {
        let positions = self.whole_turned(10_000.0)?;
        self.normed(TransformerConfig { positions, ..config })
    }

    /// The positions of a model whose heads turn as a whole.
    pub(super) fn whole_turned(&self, default: f64) -> Result<Positions, CheckpointError> {
        let rope = HfRope::of(&self.fields)?;
        self.refuse_partial(&rope)?;
        self.turned(&rope, "rope_theta", default)
    }

    /// The base, which may stand outside of `rope` as `field`, and what stretches the frequencies.
    pub(super) fn turned(
        &self,
        rope: &HfRope<'_>,
        field: &'static str,
        default: f64,
    ) -> Result<Positions, CheckpointError> {
        let scaling = rope.scaling(self.size(POSITIONS)?.unwrap_or_default())?;
        Ok(Positions::Rotary {
            theta: self.either(rope, "rope_theta", field)?.unwrap_or(default),
            scaling,
        })
    }

    /// A number of `rope`, or else a field beside it.
    pub(super) fn either(
        &self,
        rope: &HfRope<'_>,
        name: &'static str,
        field: &'static str,
    ) -> Result<Option<f64>, CheckpointError> {
        match rope.number(name)? {
            None => self.number(field),
            number => Ok(number),
        }
    }

    /// What families have in common whose norms have no mean.
    pub(super) fn normed(
        &self,
        config: TransformerConfig,
    ) -> Result<TransformerConfig, CheckpointError> {
        let norm_eps = self.number("rms_norm_eps")?.unwrap_or(1e-6);
        self.sized(TransformerConfig { norm_eps, ..config })
    }

    /// The sizes, which all families write.
    pub(super) fn sized(
        &self,
        config: TransformerConfig,
    ) -> Result<TransformerConfig, CheckpointError> {
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
    pub(super) fn windows(
        &self,
        default: Option<usize>,
        slides: impl Fn(usize) -> bool,
    ) -> Result<Vec<Option<usize>>, CheckpointError> {
        const WINDOW: &str = "sliding_window";
        let window = match self.fields.names(WINDOW) {
            true => self.size([WINDOW])?,
            false => default,
        };
        let types: Option<Vec<String>> = self.read("layer_types", "a list of names")?;
        let Some(types) = types else {
            let layers = 0..self.need(LAYERS)?.min(MOST_LAYERS);
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

    pub(super) fn attention_bias(&self) -> Result<AttentionBias, CheckpointError> {
        let present = self.flag("attention_bias")?.unwrap_or(false);
        Ok(if present { AttentionBias::All } else { AttentionBias::Absent })
    }

    pub(super) fn tied(&self, default: bool) -> Result<bool, CheckpointError> {
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
        supported: "LlamaForCausalLM, Gemma2ForCausalLM, GPTBigCodeForCausalLM, Qwen2ForCausalLM, \
                    Qwen3ForCausalLM, SmolLM3ForCausalLM, GraniteForCausalLM, Phi3ForCausalLM, \
                    Gemma3ForCausalLM",
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
        let nothing = json!({"rope_scaling": null, "quantization_config": null});
        let config = with(&nothing).unwrap();
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

    fn yarn(changes: &Value) -> Value {
        let mut scaling = json!({"type": "yarn", "factor": 4.0});
        scaling.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        json!({"rope_scaling": scaling})
    }

    #[test]
    fn families_refuse_what_they_would_read_past() {
        for (family, changes, words) in [
            ("Gemma3ForCausalLM", json!({"attn_logit_softcapping": 30.0}), "is 30"),
            ("Gemma3ForCausalLM", json!({"use_bidirectional_attention": true}), "is true"),
            ("SmolLM3ForCausalLM", json!({"no_rope_layers": []}), "no_rope_layers is 0 long"),
            ("Phi3ForCausalLM", json!({"rope_scaling": {"type": "linear"}}), "is linear"),
            ("SmolLM3ForCausalLM", json!({"num_hidden_layers": 4097}), "expected at most 4096"),
            (
                "SmolLM3ForCausalLM",
                json!({"rope_scaling": {"type": "longrope", "short_factor": vec![1.0; 4097]}}),
                "short_factor is 4097 long",
            ),
            ("Phi3ForCausalLM", json!({"partial_rotary_factor": 1.5}), "is 1.5"),
            ("Qwen3MoeForCausalLM", json!({}), "architectures is Qwen3MoeForCausalLM"),
            ("Gemma3ForConditionalGeneration", json!({}), "architectures is Gemma3ForCond"),
        ] {
            let mut changes = changes;
            changes["architectures"] = json!([family]);
            let message = with(&changes).unwrap_err().to_string();
            assert!(message.contains(words), "{family}: {message}");
        }
    }

    #[test]
    fn families_have_defaults_of_their_own() {
        let of = |family: &str| with(&json!({"architectures": [family]})).unwrap();
        assert_eq!(of("Qwen3ForCausalLM").head_dim, 128);
        assert_eq!(of("GraniteForCausalLM").attention_multiplier, Some(1.0));
        assert_eq!(of("Phi3ForCausalLM").norm_eps, 1e-5);
        let gemma = of("Gemma3ForCausalLM");
        assert_eq!((gemma.head_dim, gemma.attention_windows), (256, vec![Some(4096)]));
        let local = Positions::Rotary { theta: 1e4, scaling: RopeScaling::None };
        assert_eq!(gemma.layer_positions, [local]);
        let Positions::Rotary { theta, .. } = of("SmolLM3ForCausalLM").positions else { panic!() };
        assert_eq!(theta, 2e6);
    }

    #[test]
    fn what_is_not_implemented_is_refused_by_name() {
        for (changes, words) in [
            (json!({"architectures": ["GemmaForCausalLM"]}), "architectures is GemmaForCausalLM"),
            (json!({"hidden_act": "relu"}), "hidden_act is relu"),
            (json!({"rope_scaling": {"type": "dynamic", "factor": 2.0}}), "rope_type is dynamic"),
            (yarn(&json!({"truncate": false})), "truncate is false"),
            (yarn(&json!({"factor": -1.0})), "factor is -1"),
            (yarn(&json!({"rope_theta": 1.0})), "rope_theta is 1"),
            (json!({"rope_scaling": {"type": "longrope"}}), "short_factor is absent"),
            (json!({"rope_parameters": {"partial_rotary_factor": 0.5}}), "partial_rotary_factor"),
            (json!({"partial_rotary_factor": 0.5}), "partial_rotary_factor is 0.5"),
            (
                json!({"quantization_config": {"quant_method": "gptq"}}),
                "quantization_config is gptq",
            ),
            (json!({"quantization_config": {"bits": 4}}), "or a GGUF file"),
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
