use std::sync::Arc;

use infer_code_cad_checkpoint::{Checkpoint, TensorInfo};
use infer_code_cad_kernels::{Format, KvFormat, Pool, StoredFormat};

use crate::NativeError;

/// How a model is held on the CPU, and what computes it.
#[derive(Debug, Clone)]
pub struct NativeOptions {
    /// The format of the matrices; `None`: as they are in the file, and in [`StoredFormat::held_in`] what the
    /// kernels have no product for, such as Q3_K in Q6_K.
    ///
    /// Activations are rounded to 8 bits in blocks of 32 where the weights are quantized, and stay f32
    /// where they are floats.
    pub weights: Option<Format>,
    /// The keys and values of streams. `None`: single precision where the output projection's weights
    /// are, half where those are other floats, and bytes where they are quantized, as activations are then.
    pub kv: Option<KvFormat>,
    /// The threads, which models may share.
    pub pool: Arc<Pool>,
}

impl Default for NativeOptions {
    /// Weights as they are stored, every thread of the machine.
    fn default() -> Self {
        Self { weights: None, kv: None, pool: Arc::new(Pool::all_threads()) }
    }
}

/// Bytes that a model on the CPU takes for the weights of a checkpoint.
pub fn weight_bytes(checkpoint: &Checkpoint, weights: Option<Format>) -> u64 {
    checkpoint.tensors().iter().map(|tensor| bytes_of(weights, tensor)).sum()
}

/// Sees that the weights fit into memory before they are loaded.
///
/// # Errors
/// [`NativeError::WeightMemory`].
pub fn check_memory(
    checkpoint: &Checkpoint,
    weights: Option<Format>,
    available_bytes: u64,
) -> Result<(), NativeError> {
    let needed_bytes = weight_bytes(checkpoint, weights);
    if needed_bytes > available_bytes {
        return Err(NativeError::WeightMemory { needed_bytes, available_bytes });
    }
    Ok(())
}

/// What a tensor takes once it is loaded: a matrix in its format, its rows whole blocks; a vector in f32.
fn bytes_of(weights: Option<Format>, tensor: &TensorInfo) -> u64 {
    let elements = tensor.shape.iter().map(|&dim| dim as u64).product::<u64>();
    let &[rows, columns] = tensor.shape.as_slice() else {
        return elements * size_of::<f32>() as u64;
    };
    // Of no elements, one dimension may be anything.
    if elements == 0 {
        return 0;
    }
    let stored = || tensor.format.parse::<StoredFormat>().ok()?.held_in();
    let format = weights.or_else(stored).unwrap_or(Format::Q8_0);
    let columns = columns.next_multiple_of(format.in_features_multiple());
    (columns / format.block_len() * format.block_bytes()) as u64 * rows as u64
}
