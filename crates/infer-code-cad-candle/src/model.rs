use infer_code_cad_checkpoint::architecture::{Heads, Rope};
use infer_code_cad_checkpoint::{Checkpoint, NamedTensors, RandomWeights, TransformerConfig};
use infer_code_cad_engine::{CausalLm, EngineError, KvCache, Step};

use crate::decoder_stack::DecoderStack;
use crate::loader::Loader;
use crate::tensor_attention::TensorAttention;
use crate::{CandleError, DType, Device};

/// A decoder-only transformer on any device of the tensor library.
///
/// On the CPU it is the reference that the native backend is compared with, and slow.
///
/// **Rounding.** A stream's logits agree up to rounding whatever else is in the batch.
#[derive(Debug)]
pub struct CandleModel {
    config: TransformerConfig,
    weight_bytes: usize,
    stack: DecoderStack,
}

impl CandleModel {
    /// Reads the weights of a checkpoint.
    ///
    /// # Errors
    /// [`CandleError::DeviceFeature`], [`CandleError::DeviceUnusable`], [`CandleError::Checkpoint`] naming
    /// the tensor at fault, and [`CandleError::Tensor`].
    pub fn load(
        checkpoint: &Checkpoint,
        device: Device,
        dtype: DType,
    ) -> Result<Self, CandleError> {
        let device = device.open()?;
        checkpoint.build(|tensors| Self::from_tensors(checkpoint.config(), dtype, device, tensors))
    }

    /// A model with seeded random weights in f32 on the CPU, for tests.
    ///
    /// # Errors
    /// [`CandleError::Tensor`] when memory runs out or the sizes contradict.
    pub fn random(config: &TransformerConfig, seed: u64) -> Result<Self, CandleError> {
        let device = candle_core::Device::Cpu;
        Self::from_tensors(config, DType::F32, device, &RandomWeights { seed })
    }

    /// The shape of the model.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// Memory that the weights take, in bytes.
    pub fn weight_bytes(&self) -> usize {
        self.weight_bytes
    }

    fn from_tensors(
        config: &TransformerConfig,
        dtype: DType,
        device: candle_core::Device,
        tensors: &dyn NamedTensors,
    ) -> Result<Self, CandleError> {
        let attention = TensorAttention {
            heads: Heads::new(config),
            rope: Rope::new(config),
            dtype: dtype.into(),
            device: device.clone(),
        };
        let mut loader = Loader { config, dtype: dtype.into(), device, tensors, bytes: 0 };
        let stack = DecoderStack::load(config, attention, &mut loader)?;
        Ok(Self { config: config.clone(), weight_bytes: loader.bytes, stack })
    }
}

impl CausalLm for CandleModel {
    fn vocab_size(&self) -> usize {
        self.stack.vocab_size()
    }

    fn max_positions(&self) -> usize {
        self.stack.max_positions()
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        self.stack.new_cache()
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        self.stack.forward(batch, logits)
    }
}
