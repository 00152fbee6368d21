use infer_code_cad_checkpoint::{Checkpoint, NamedTensors, RandomWeights, TransformerConfig};
use infer_code_cad_engine::{CausalLm, EngineError, KvCache, Step};
use infer_code_cad_kernels::Format;

use crate::stack::NativeStack;
use crate::{NativeError, NativeOptions};

/// A decoder-only transformer: Llama, Gemma 2, StarCoder, Qwen2.
///
/// What the families differ in is data: see [`TransformerConfig`]. All new tokens of a batch go
/// through each matrix together; attention is per stream. Load it with
/// [`NativeModel::load`].
///
/// **Rounding.** A stream's logits are the same to the last bit whatever else is in the batch, however
/// its prompt was chunked and on any number of threads, in every weight format.
///
/// # Examples
/// ```
/// use infer_code_cad_checkpoint::TransformerConfig;
/// use infer_code_cad_engine::{CausalLm, LogitRows, Step};
/// use infer_code_cad_native::NativeModel;
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
/// let model = NativeModel::random(&config, 0)?;
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
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NativeModel {
    config: TransformerConfig,
    weight_bytes: usize,
    stack: NativeStack,
}

impl NativeModel {
    /// Reads the weights of a checkpoint.
    ///
    /// # Errors
    /// [`NativeError::Checkpoint`] naming the tensor that is missing, misshapen, of another type or has no
    /// place in the model, and [`NativeError::Kernel`].
    pub fn load(checkpoint: &Checkpoint, options: &NativeOptions) -> Result<Self, NativeError> {
        checkpoint.build(|tensors| Self::from_tensors(checkpoint.config(), tensors, options))
    }

    /// Puts a model together from tensors of any source.
    ///
    /// # Errors
    /// As [`NativeModel::load`].
    ///
    /// # Examples
    /// A source of one's own, which changes the tensors of another on their way:
    /// ```
    /// use infer_code_cad_checkpoint::{CheckpointError, NamedTensors, RandomWeights, TransformerConfig};
    /// use infer_code_cad_native::{NativeModel, NativeOptions};
    ///
    /// struct Halved<T>(T);
    ///
    /// impl<T: NamedTensors> NamedTensors for Halved<T> {
    ///     fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
    ///         Ok(self.0.values(name, shape)?.into_iter().map(|x| x / 2.0).collect())
    ///     }
    /// }
    ///
    /// let config = TransformerConfig::named("qwen2.5-coder-0.5b").expect("a name of the list");
    /// let config = TransformerConfig { vocab_size: 50, num_hidden_layers: 1, ..config };
    /// let weights = Halved(RandomWeights { seed: 0 });
    /// let model = NativeModel::from_tensors(&config, &weights, &NativeOptions::default())?;
    /// assert_eq!(model.config().num_hidden_layers, 1);
    /// # Ok::<(), infer_code_cad_native::NativeError>(())
    /// ```
    pub fn from_tensors(
        config: &TransformerConfig,
        tensors: &dyn NamedTensors,
        options: &NativeOptions,
    ) -> Result<Self, NativeError> {
        config.check()?;
        let stack = NativeStack::load(config, options, tensors)?;
        let weight_bytes = stack.weight_bytes();
        Ok(Self { config: config.clone(), weight_bytes, stack })
    }

    /// A model with seeded random weights in f32, for tests and benchmarks.
    ///
    /// # Errors
    /// [`NativeError::Checkpoint`] naming the field that cannot be computed with, such as heads that their
    /// keys do not divide, or the tensor that no memory holds; [`NativeError::Kernel`] when memory runs out.
    pub fn random(config: &TransformerConfig, seed: u64) -> Result<Self, NativeError> {
        let options = NativeOptions { weights: Some(Format::F32), ..NativeOptions::default() };
        Self::random_with(config, seed, &options)
    }

    /// A model with seeded random weights, rounded and held as told.
    ///
    /// # Errors
    /// As [`NativeModel::random`].
    pub fn random_with(
        config: &TransformerConfig,
        seed: u64,
        options: &NativeOptions,
    ) -> Result<Self, NativeError> {
        Self::from_tensors(config, &RandomWeights { seed }, options)
    }

    /// The shape of the model.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// Memory that the weights take, in bytes.
    pub fn weight_bytes(&self) -> usize {
        self.weight_bytes
    }
}

impl CausalLm for NativeModel {
    fn weight_bytes(&self) -> Option<u64> {
        Some(self.weight_bytes as u64)
    }

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

    fn take_peak_cache_bytes(&self) -> Option<u64> {
        self.stack.take_peak_cache_bytes()
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        self.stack.forward(batch, logits)
    }

    fn is_batch_invariant(&self) -> bool {
        true
    }

    fn run_parts(&self, n_parts: usize, part: &(dyn Fn(usize) + Sync)) {
        self.stack.run_parts(n_parts, part);
    }
}
