use infer_code_cad_checkpoint::architecture::{Arranged, Heads, Reach, Ropes};
use infer_code_cad_checkpoint::{Checkpoint, NamedTensors, RandomWeights, TransformerConfig};
use infer_code_cad_engine::backend::TwoContexts;
use infer_code_cad_engine::{CausalLm, EngineError, KvCache, Step};

use crate::decoder_stack::DecoderStack;
use crate::fault::Fault;
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
        checkpoint.build(|tensors| Self::from_tensors(checkpoint.config(), tensors, device, dtype))
    }

    /// Puts a model together from tensors of any source.
    ///
    /// # Errors
    /// As [`CandleModel::load`].
    pub fn from_tensors(
        config: &TransformerConfig,
        tensors: &dyn NamedTensors,
        device: Device,
        dtype: DType,
    ) -> Result<Self, CandleError> {
        config.check()?;
        Ok(Self::build(config, tensors, device.open()?, dtype)?)
    }

    /// A model with seeded random weights in f32 on the CPU, for tests.
    ///
    /// # Errors
    /// [`CandleError::Checkpoint`] naming the field that cannot be computed with, such as heads that their
    /// keys do not divide, or the tensor that no memory holds; [`CandleError::Tensor`] when memory runs out.
    pub fn random(config: &TransformerConfig, seed: u64) -> Result<Self, CandleError> {
        Self::from_tensors(config, &RandomWeights { seed }, Device::Cpu, DType::F32)
    }

    /// The shape of the model.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// Memory that the weights take, in bytes.
    pub fn weight_bytes(&self) -> usize {
        self.weight_bytes
    }

    fn build(
        config: &TransformerConfig,
        tensors: &dyn NamedTensors,
        device: candle_core::Device,
        dtype: DType,
    ) -> Result<Self, Fault> {
        let dtype = dtype.of_tensors();
        let attention = TensorAttention {
            heads: Heads::new(config),
            ropes: Ropes::new(config, Reach::Short),
            long_ropes: config
                .short_context()
                .map(|short| (TwoContexts { short }, Ropes::new(config, Reach::Long))),
            dtype,
            device: device.clone(),
        };
        let tensors = &Arranged::new(config, tensors);
        let mut loader = Loader { config, dtype, device, tensors, bytes: 0 };
        let stack = DecoderStack::load(config, attention, &mut loader)?;
        // Each thread has a CUDA stream of its own: none may start on weights that are under way.
        loader.device.synchronize()?;
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
