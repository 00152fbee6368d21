use crate::attention::Heads;
use crate::config::TransformerConfig;
use crate::decoder_stack::DecoderStack;
use crate::loader::{Fetch, Loader};
use crate::native::{NativeOptions, NativeStack, WeightFormat};
use crate::random::RandomWeights;
use crate::rope::Rope;
use crate::tensor_attention::TensorAttention;
use crate::{CausalLm, KvCache, ModelError, Step};

/// The element type of a [`Transformer`]'s weights. On the CPU activations are f32 whatever it is;
/// the portable backend computes in it, but for norms and softmax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32 bits: the reference.
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16: the range of f32, 8 bits of precision.
    BF16,
}

impl From<DType> for candle_core::DType {
    fn from(dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::F32,
            DType::F16 => Self::F16,
            DType::BF16 => Self::BF16,
        }
    }
}

impl From<DType> for WeightFormat {
    fn from(dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::F32,
            DType::F16 => Self::F16,
            DType::BF16 => Self::Bf16,
        }
    }
}

/// A decoder-only transformer: Llama, Gemma 2, StarCoder, Qwen2.
///
/// What the families differ in is data: see [`TransformerConfig`]. All new tokens of a batch go
/// through each matrix together; attention is per stream. Load it with
/// [`Checkpoint::load_packed`](crate::Checkpoint::load_packed) for the CPU and with
/// [`Checkpoint::load_on`](crate::Checkpoint::load_on) for a GPU.
///
/// **Rounding.** On the CPU a stream's logits are the same to the last bit whatever else is in the
/// batch, however its prompt was chunked and on any number of threads, in every weight format. On
/// the portable backend they agree up to rounding.
///
/// # Examples
/// ```
/// use infer_code_cad_models::{
///     CausalLm, LogitRows, Step, Transformer, TransformerConfig,
/// };
///
/// let config = TransformerConfig {
///     vocab_size: 50,
///     hidden_size: 32,
///     intermediate_size: 64,
///     num_hidden_layers: 2,
///     num_attention_heads: 4,
///     num_key_value_heads: 2,
///     head_dim: 8,
///     max_position_embeddings: 128,
///     tie_word_embeddings: true,
///     ..TransformerConfig::default()
/// };
/// let model = Transformer::random(&config, 0)?;
/// let (mut a, mut b) = (model.new_cache(), model.new_cache());
/// let mut logits = Vec::new();
/// model.forward(
///     &mut [
///         Step { cache: &mut *a, tokens: &[1, 2, 3], logits: LogitRows::Last },
///         Step { cache: &mut *b, tokens: &[4], logits: LogitRows::Last },
///     ],
///     &mut logits,
/// )?;
/// assert_eq!(logits.len(), 2 * model.vocab_size());
/// assert_eq!((a.len(), b.len()), (3, 1));
/// # Ok::<(), infer_code_cad_models::ModelError>(())
/// ```
#[derive(Debug)]
pub struct Transformer {
    config: TransformerConfig,
    weight_bytes: usize,
    stack: Box<dyn CausalLm>,
}

impl Transformer {
    /// A model with seeded random weights in f32, for tests and benchmarks.
    ///
    /// # Errors
    /// [`ModelError::Tensor`] when memory runs out or the sizes contradict.
    pub fn random(config: &TransformerConfig, seed: u64) -> Result<Self, ModelError> {
        let options = NativeOptions { weights: WeightFormat::F32, ..NativeOptions::default() };
        Self::random_native(config, seed, &options)
    }

    /// A model with seeded random weights, rounded and held as told.
    ///
    /// # Errors
    /// As [`Transformer::random`].
    pub fn random_native(
        config: &TransformerConfig,
        seed: u64,
        options: &NativeOptions,
    ) -> Result<Self, ModelError> {
        Self::native(config, options, &RandomWeights { seed })
    }

    /// The shape of the model.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// Memory that the weights take, in bytes.
    pub fn weight_bytes(&self) -> usize {
        self.weight_bytes
    }

    /// Builds the model on the CPU.
    pub(crate) fn native(
        config: &TransformerConfig,
        options: &NativeOptions,
        fetch: &dyn Fetch,
    ) -> Result<Self, ModelError> {
        let stack = NativeStack::load(config, options, fetch)?;
        let weight_bytes = stack.weight_bytes();
        Ok(Self { config: config.clone(), weight_bytes, stack: Box::new(stack) })
    }

    /// Builds the model on any device of the tensor library.
    pub(crate) fn on_tensors(
        config: &TransformerConfig,
        dtype: DType,
        device: candle_core::Device,
        fetch: &dyn Fetch,
    ) -> Result<Self, ModelError> {
        let attention = TensorAttention {
            heads: Heads::new(config),
            rope: Rope::new(config),
            dtype: dtype.into(),
            device: device.clone(),
        };
        let mut loader = Loader { config, dtype: dtype.into(), device, fetch, bytes: 0 };
        let stack = DecoderStack::load(config, attention, &mut loader)?;
        Ok(Self { config: config.clone(), weight_bytes: loader.bytes, stack: Box::new(stack) })
    }
}

impl CausalLm for Transformer {
    fn vocab_size(&self) -> usize {
        self.stack.vocab_size()
    }

    fn max_positions(&self) -> usize {
        self.stack.max_positions()
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        self.stack.new_cache()
    }

    fn cache_bytes(&self, positions: usize) -> Option<u64> {
        self.stack.cache_bytes(positions)
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), ModelError> {
        self.stack.forward(batch, logits)
    }

    fn run_parts(&self, n_parts: usize, part: &(dyn Fn(usize) + Sync)) {
        self.stack.run_parts(n_parts, part);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use infer_code_cad_decode::TokenId;

    use super::*;
    use crate::{
        Activation, Architecture, AttentionBias, FeedForwardKind, LogitRows, NormKind,
        NormPlacement, Positions, RopeScaling,
    };

    fn llama() -> TransformerConfig {
        TransformerConfig {
            vocab_size: 90,
            hidden_size: 48,
            intermediate_size: 64,
            num_hidden_layers: 2,
            num_attention_heads: 6,
            num_key_value_heads: 2,
            head_dim: 10,
            max_position_embeddings: 600,
            positions: Positions::Rotary {
                theta: 10_000.0,
                scaling: RopeScaling::Linear { factor: 2.0 },
            },
            attention_bias: AttentionBias::All,
            mlp_bias: true,
            ..TransformerConfig::default()
        }
    }

    fn gemma2() -> TransformerConfig {
        TransformerConfig {
            architecture: Architecture::Gemma2,
            norm: NormKind::RmsUnitOffset,
            norm_placement: NormPlacement::BeforeAndAfter,
            activation: Activation::GeluTanh,
            query_pre_attn_scalar: Some(3.0),
            attn_logit_softcapping: Some(4.0),
            final_logit_softcapping: Some(3.0),
            attention_windows: vec![Some(21), None],
            embedding_scale: 7.0,
            tie_word_embeddings: true,
            attention_bias: AttentionBias::Absent,
            mlp_bias: false,
            ..llama()
        }
    }

    fn gpt_bigcode() -> TransformerConfig {
        TransformerConfig {
            architecture: Architecture::GptBigCode,
            num_key_value_heads: 1,
            norm: NormKind::Layer,
            positions: Positions::Learned,
            feed_forward: FeedForwardKind::Plain,
            activation: Activation::Gelu,
            tie_word_embeddings: true,
            ..llama()
        }
    }

    /// Chunks over two streams, a fork of one of them in the middle, all logits.
    fn run(model: &Transformer) -> Vec<f32> {
        let tokens: Vec<TokenId> = (0..300).map(|i| i * i % 90).collect();
        let (mut a, mut b) = (model.new_cache(), model.new_cache());
        let mut all = Vec::new();
        let mut forward = |x: &mut dyn KvCache, n: usize, y: &mut dyn KvCache, m: usize| {
            let mut logits = Vec::new();
            let x = Step { cache: x, tokens: &tokens[..n], logits: LogitRows::All };
            let y = Step { cache: y, tokens: &tokens[n..n + m], logits: LogitRows::All };
            model.forward(&mut [x, y], &mut logits).unwrap();
            all.extend(logits);
        };
        forward(&mut *a, 250, &mut *b, 1);
        let mut c = a.fork();
        forward(&mut *a, 3, &mut *b, 20);
        c.truncate(240);
        forward(&mut *a, 1, &mut *c, 30);
        forward(&mut *c, 1, &mut *b, 1);
        all
    }

    #[test]
    fn slices_and_tensors_compute_the_same() {
        for config in [llama(), gemma2(), gpt_bigcode()] {
            let host = Transformer::random(&config, 5).unwrap();
            let weights = &RandomWeights { seed: 5 };
            let device = candle_core::Device::Cpu;
            let tensors = Transformer::on_tensors(&config, DType::F32, device, weights).unwrap();
            let (host, tensors) = (run(&host), run(&tensors));
            assert_eq!(host.len(), tensors.len());
            let worst = host.iter().zip(&tensors).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-5, "{worst} in {:?}", config.architecture);
            assert!(host.iter().any(|x| x.abs() > 0.5));
        }
    }
}
