use crate::CheckpointError;

mod hf;
mod hf_rope;
mod names;
mod shapes;

pub(crate) use hf::HfConfig;

/// The shape and the choices of a decoder-only transformer, by the names of Hugging Face's
/// `config.json` where it has one.
///
/// The families differ in these fields and in the names of their tensors, nothing else. The default
/// is the block of Llama with every size zero: give the sizes and what differs.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformerConfig {
    /// Whose tensor names the checkpoint uses.
    pub architecture: Architecture,
    /// Rows of the embedding and logits per position.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the feed-forward block.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides `num_attention_heads` (grouped-query attention).
    pub num_key_value_heads: usize,
    /// Width of one head; even where positions are rotary.
    pub head_dim: usize,
    /// The longest stream, in tokens.
    pub max_position_embeddings: usize,
    /// What normalises the residual stream.
    pub norm: NormKind,
    /// Added to the mean square or the variance in every norm.
    pub norm_eps: f64,
    /// Where the norms are.
    pub norm_placement: NormPlacement,
    /// How a token knows its place.
    pub positions: Positions,
    /// Which attention projections have a bias.
    pub attention_bias: AttentionBias,
    /// Scores are divided by the root of this; `head_dim` when absent.
    pub query_pre_attn_scalar: Option<f32>,
    /// Scores become `cap * tanh(score / cap)`.
    pub attn_logit_softcapping: Option<f32>,
    /// How many positions each layer sees, itself included; `None` for all before it. Empty when
    /// every layer sees all.
    pub attention_windows: Vec<Option<usize>>,
    /// Whether the feed-forward block has a gate.
    pub feed_forward: FeedForwardKind,
    /// The nonlinearity of the feed-forward block.
    pub activation: Activation,
    /// Whether the feed-forward projections have a bias.
    pub mlp_bias: bool,
    /// Token embeddings are multiplied by this.
    pub embedding_scale: f64,
    /// Logits become `cap * tanh(logit / cap)`.
    pub final_logit_softcapping: Option<f32>,
    /// Whether the output projection is the embedding.
    pub tie_word_embeddings: bool,
}

/// Families by the class names of transformers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Architecture {
    /// `LlamaForCausalLM`: Llama, SmolLM2, DeepSeek-Coder 1.3B.
    Llama,
    /// `Gemma2ForCausalLM`.
    Gemma2,
    /// `GPTBigCodeForCausalLM`: StarCoder.
    GptBigCode,
    /// `Qwen2ForCausalLM`: Qwen2 and Qwen2.5, Coder included.
    Qwen2,
}

/// What normalises the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// `x / rms(x) * weight`: Zhang and Sennrich, [RMSNorm](https://arxiv.org/abs/1910.07467).
    Rms,
    /// `x / rms(x) * (1 + weight)`, as Gemma stores it.
    RmsUnitOffset,
    /// `(x - mean) / std * weight + bias`: Ba et al.,
    /// [Layer Normalization](https://arxiv.org/abs/1607.06450).
    Layer,
}

/// Where the norms of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormPlacement {
    /// Before attention and before the feed-forward block.
    Before,
    /// Before and after each of them, as in Gemma 2.
    BeforeAndAfter,
}

/// How a token knows its place.
#[derive(Debug, Clone, PartialEq)]
pub enum Positions {
    /// Queries and keys turn with their position.
    Rotary {
        /// Base of the frequencies.
        theta: f64,
        /// How the frequencies are stretched.
        scaling: RopeScaling,
    },
    /// An embedding per position is added to that of the token.
    Learned,
}

/// How rotary frequencies are stretched to longer contexts.
#[derive(Debug, Clone, PartialEq)]
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
    /// Each divided by its own factor, `(head_dim / 2)`: what GGUF files store as `rope_freqs`.
    Factors(Vec<f32>),
}

/// Which attention projections have a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttentionBias {
    /// None.
    Absent,
    /// Query, key and value, not the output: Qwen2.
    Inputs,
    /// All four.
    All,
}

/// Whether the feed-forward block has a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedForwardKind {
    /// `down(activation(gate(x)) * up(x))`: Shazeer,
    /// [GLU Variants](https://arxiv.org/abs/2002.05202).
    Gated,
    /// `down(activation(up(x)))`.
    Plain,
}

/// The nonlinearity of the feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// `x * Phi(x)`: Hendrycks and Gimpel, [GELU](https://arxiv.org/abs/1606.08415).
    Gelu,
    /// The approximation of GELU by tanh.
    GeluTanh,
}

impl Default for TransformerConfig {
    fn default() -> Self {
        Self {
            architecture: Architecture::Llama,
            vocab_size: 0,
            hidden_size: 0,
            intermediate_size: 0,
            num_hidden_layers: 0,
            num_attention_heads: 0,
            num_key_value_heads: 0,
            head_dim: 0,
            max_position_embeddings: 0,
            norm: NormKind::Rms,
            norm_eps: 1e-5,
            norm_placement: NormPlacement::Before,
            positions: Positions::Rotary { theta: 10_000.0, scaling: RopeScaling::None },
            attention_bias: AttentionBias::Absent,
            query_pre_attn_scalar: None,
            attn_logit_softcapping: None,
            attention_windows: vec![],
            feed_forward: FeedForwardKind::Gated,
            activation: Activation::Silu,
            mlp_bias: false,
            embedding_scale: 1.0,
            final_logit_softcapping: None,
            tie_word_embeddings: false,
        }
    }
}

impl TransformerConfig {
    /// Reads a `config.json` in the dialect of transformers 4 or 5.
    ///
    /// Only the fields that the architecture has are read: any other may hold what JSON forbids and Python
    /// writes, such as `Infinity`.
    ///
    /// # Errors
    /// [`CheckpointError::Json`] when it is no object, [`CheckpointError::LfsPointer`],
    /// [`CheckpointError::UnsupportedConfig`] for another architecture, activation or rope type,
    /// [`CheckpointError::InvalidConfig`] for fields that are absent, of another type or contradict.
    pub fn from_json(json: &[u8]) -> Result<Self, CheckpointError> {
        HfConfig::parse(json)?.into_config()
    }

    /// Query heads times head width.
    pub fn q_size(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Key heads times head width.
    pub fn kv_size(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }

    /// How many positions `layer` sees, itself included.
    pub fn window(&self, layer: usize) -> Option<usize> {
        self.attention_windows.get(layer).copied().flatten()
    }

    /// Refuses what cannot be computed.
    ///
    /// # Errors
    /// [`CheckpointError::InvalidConfig`] and [`CheckpointError::UnsupportedConfig`].
    pub fn validate(self) -> Result<Self, CheckpointError> {
        self.check_sizes()?;
        self.check_numbers()?;
        self.check_names()?;
        let layers = self.num_hidden_layers;
        if ![0, layers].contains(&self.attention_windows.len()) {
            let windows = self.attention_windows.len().to_string();
            return Err(invalid("layer_types", windows, format!("{layers} layers")));
        }
        if self.attention_windows.contains(&Some(0)) {
            return Err(invalid("sliding_window", "0", "a positive number"));
        }
        match &self.positions {
            Positions::Rotary { .. } if !self.head_dim.is_multiple_of(2) => {
                Err(invalid("head_dim", self.head_dim.to_string(), "an even number"))
            }
            Positions::Rotary { scaling: RopeScaling::Factors(factors), .. }
                if 2 * factors.len() != self.head_dim =>
            {
                let expected = format!("half of head_dim {}", self.head_dim);
                Err(invalid("rope_freqs", factors.len().to_string(), expected))
            }
            _ => Ok(self),
        }
    }

    /// As [`TransformerConfig::validate`], for a configuration that no file said: backends ask it before they
    /// compute anything of the sizes.
    ///
    /// # Errors
    /// [`CheckpointError::Config`] naming the field.
    pub fn check(&self) -> Result<(), CheckpointError> {
        match self.clone().validate() {
            Err(CheckpointError::InvalidConfig { field, value, expected }) => {
                Err(CheckpointError::Config { field, value, expected })
            }
            checked => checked.map(|_| ()),
        }
    }

    fn check_sizes(&self) -> Result<(), CheckpointError> {
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
            if value == 0 || value > LARGEST {
                return Err(invalid(field, value.to_string(), "a positive number up to 2^28"));
            }
        }
        if self.q_size() > LARGEST {
            let expected = format!("{} heads of at most 2^28 in all", self.num_attention_heads);
            return Err(invalid("head_dim", self.head_dim.to_string(), expected));
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            let expected = format!("a divisor of num_attention_heads {}", self.num_attention_heads);
            let value = self.num_key_value_heads.to_string();
            return Err(invalid("num_key_value_heads", value, expected));
        }
        Ok(())
    }

    /// Refuses parts that the architecture has no tensor names for.
    fn check_names(&self) -> Result<(), CheckpointError> {
        if self.architecture != Architecture::GptBigCode {
            return Ok(());
        }
        if self.feed_forward == FeedForwardKind::Gated {
            return Err(invalid("feed_forward", "Gated", "Plain, as GptBigCode has no gate"));
        }
        if self.norm_placement == NormPlacement::BeforeAndAfter {
            let expected = "Before, as GptBigCode has no norms after";
            return Err(invalid("norm_placement", "BeforeAndAfter", expected));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), CheckpointError> {
        let one_or = |value: Option<f32>| f64::from(value.unwrap_or(1.0));
        let mut numbers = vec![
            ("norm_eps", self.norm_eps),
            ("embedding_scale", self.embedding_scale),
            ("query_pre_attn_scalar", one_or(self.query_pre_attn_scalar)),
            ("attn_logit_softcapping", one_or(self.attn_logit_softcapping)),
            ("final_logit_softcapping", one_or(self.final_logit_softcapping)),
        ];
        if let Positions::Rotary { theta, scaling } = &self.positions {
            numbers.push(("rope_theta", *theta));
            numbers.extend(scaling.numbers());
        }
        // They are computed with in f32, where less than the smallest normal number is as bad as zero.
        let is_usable = |value: f64| value > 0.0 && (value as f32).is_normal();
        match numbers.into_iter().find(|(_, value)| !is_usable(*value)) {
            None => Ok(()),
            Some((field, value)) => {
                Err(invalid(field, value.to_string(), "a positive number that f32 holds"))
            }
        }
    }
}

impl RopeScaling {
    /// Its numbers by the names of their fields; all divide or are divided by.
    fn numbers(&self) -> Vec<(&'static str, f64)> {
        let numbers = match self {
            Self::None => vec![],
            Self::Linear { factor } => vec![("factor", *factor)],
            Self::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            } => vec![
                ("factor", *factor),
                ("low_freq_factor", *low_freq_factor),
                ("high_freq_factor", *high_freq_factor),
                ("original_max_position_embeddings", *original_max_position_embeddings),
            ],
            Self::Factors(all) => all.iter().map(|&factor| ("rope_freqs", factor)).collect(),
        };
        numbers.into_iter().map(|(field, value)| (field, f64::from(value))).collect()
    }
}

/// The bound keeps every product of two sizes, and all heads of a token, within 64 bits.
pub(crate) const LARGEST: usize = 1 << 28;

pub(crate) fn invalid(
    field: &'static str,
    value: impl Into<String>,
    expected: impl Into<String>,
) -> CheckpointError {
    CheckpointError::InvalidConfig { field, value: value.into(), expected: expected.into() }
}
