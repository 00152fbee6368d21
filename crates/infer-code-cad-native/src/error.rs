use infer_code_cad_checkpoint::CheckpointError;
use infer_code_cad_kernels::KernelError;

/// Why a model could not be put together on the CPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NativeError {
    /// The weights do not fit into memory.
    #[error(
        "the weights need {needed_bytes} bytes of memory, {available_bytes} are to be had; choose a \
         format of fewer bits or a smaller model"
    )]
    WeightMemory {
        /// What they take once they are loaded.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// The files are at fault.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The kernels refuse the weights.
    #[error("the kernels refuse: {0}")]
    Kernel(#[from] KernelError),
}
