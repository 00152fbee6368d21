use crate::CheckpointError;

mod check;
mod hf;
mod hf_families;
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
    /// The same of each layer, where layers differ; empty where all are as `positions` says.
    pub layer_positions: Vec<Positions>,
    /// How many values of each head turn, the first ones; `head_dim` when absent.
    pub rotary_dim: Option<usize>,
    /// Whether queries and keys are normalised, each head by itself, before they turn.
    pub head_norms: bool,
    /// Which attention projections have a bias.
    pub attention_bias: AttentionBias,
    /// Scores are divided by the root of this; `head_dim` when absent.
    pub query_pre_attn_scalar: Option<f32>,
    /// Scores are multiplied by this and not divided by a root.
    pub attention_multiplier: Option<f32>,
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
    /// What a block adds to the residual stream is multiplied by this.
    pub residual_multiplier: f32,
    /// Logits are divided by this, before they are capped.
    pub logits_scaling: f32,
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
    /// `Qwen3ForCausalLM`.
    Qwen3,
    /// `SmolLM3ForCausalLM`.
    SmolLm3,
    /// `GraniteForCausalLM`.
    Granite,
    /// `Phi3ForCausalLM`: Phi-3 and Phi-4-mini.
    Phi3,
    /// `Gemma3ForCausalLM`: Gemma 3 without its eyes.
    Gemma3,
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
    /// Not at all, but for which tokens it sees: the layers of SmolLM3 without rotation. Kazemnejad et al.,
    /// [NoPE](https://arxiv.org/abs/2305.19466).
    Absent,
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
    /// Each divided by its own factor, `(rotary_dim / 2)`: what GGUF files store as `rope_freqs`.
    Factors(Vec<f32>),
    /// Those that turn less often than `beta_slow` times in the original context divided by `factor`, those that turn
    /// more often than `beta_fast` times kept, a ramp between: Peng et al., [YaRN](https://arxiv.org/abs/2309.00071).
    Yarn {
        /// The divisor of slow frequencies.
        factor: f32,
        /// Context length of the pre-training.
        original_max_position_embeddings: f32,
        /// Queries and keys, once turned, are multiplied by this.
        attention_factor: f32,
        /// Turns from which on nothing is divided.
        beta_fast: f32,
        /// Turns up to which all is divided.
        beta_slow: f32,
    },
    /// Each divided by its own factor, `(rotary_dim / 2)`, of one list up to the original context and of another
    /// beyond it: Ding et al., [LongRoPE](https://arxiv.org/abs/2402.13753). The logits behind `n` tokens are those of
    /// the list for `n`: a stream that grows beyond the original context is computed anew with the other list.
    LongRope {
        /// Divisors up to the original context.
        short_factor: Vec<f32>,
        /// Divisors beyond it.
        long_factor: Vec<f32>,
        /// Context length of the pre-training, in tokens.
        original_max_position_embeddings: usize,
        /// Queries and keys, once turned, are multiplied by this.
        attention_factor: f32,
    },
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
            layer_positions: vec![],
            rotary_dim: None,
            head_norms: false,
            attention_bias: AttentionBias::Absent,
            query_pre_attn_scalar: None,
            attention_multiplier: None,
            attn_logit_softcapping: None,
            attention_windows: vec![],
            feed_forward: FeedForwardKind::Gated,
            activation: Activation::Silu,
            mlp_bias: false,
            embedding_scale: 1.0,
            residual_multiplier: 1.0,
            logits_scaling: 1.0,
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

    /// How many values of each head turn.
    pub fn rotary_dim(&self) -> usize {
        self.rotary_dim.unwrap_or(self.head_dim)
    }

    /// How a token knows its place in `layer`.
    pub fn positions(&self, layer: usize) -> &Positions {
        self.layer_positions.get(layer).unwrap_or(&self.positions)
    }

    /// The longest stream that is computed with other frequencies than longer ones, where the model reads both: see
    /// [`RopeScaling::LongRope`].
    pub fn short_context(&self) -> Option<usize> {
        let original = |positions: &Positions| match positions {
            Positions::Rotary {
                scaling: RopeScaling::LongRope { original_max_position_embeddings, .. },
                ..
            } => Some(*original_max_position_embeddings),
            _ => None,
        };
        let short = self.layer_positions.iter().chain([&self.positions]).find_map(original);
        short.filter(|&short| short < self.max_position_embeddings)
    }

    /// How many positions `layer` sees, itself included.
    pub fn window(&self, layer: usize) -> Option<usize> {
        self.attention_windows.get(layer).copied().flatten()
    }
}

/// The most layers: what differs between layers is told for each.
pub(crate) const MOST_LAYERS: usize = 1 << 12;

/// The most factors of frequencies, which may be told for each layer: those of a head of 8192 values.
pub(crate) const MOST_FACTORS: usize = 1 << 12;

/// The bound keeps every product of two sizes, and all heads of a token, within 64 bits.
pub(crate) const LARGEST: usize = 1 << 28;

pub(crate) fn invalid(
    field: &'static str,
    value: impl Into<String>,
    expected: impl Into<String>,
) -> CheckpointError {
    CheckpointError::InvalidConfig { field, value: value.into(), expected: expected.into() }
}
