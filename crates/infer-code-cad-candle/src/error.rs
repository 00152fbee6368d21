use infer_code_cad_checkpoint::CheckpointError;

use crate::Device;

/// Why a model could not be put together or run on the tensor library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CandleError {
    /// The program was built without support for a device.
    #[error("{device} needs the feature {feature}; build with --features {feature}")]
    DeviceFeature {
        /// The device.
        device: Device,
        /// The feature of the crate.
        feature: &'static str,
    },
    /// A device cannot be opened.
    #[error("{device} cannot be opened ({source}); see that its driver is there, or use cpu")]
    DeviceUnusable {
        /// The device.
        device: Device,
        /// What the tensor library says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No device has this name.
    #[error("device {name:?} is unknown; choose cpu, cuda, cuda:N, metal or metal:N")]
    UnknownDevice {
        /// What was asked for.
        name: String,
    },
    /// No element type has this name.
    #[error("element type {name:?} is unknown; choose f32, f16 or bf16")]
    UnknownDType {
        /// What was asked for.
        name: String,
    },
    /// The files are at fault.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tensor library failed.
    #[error("the tensor library failed: {0}")]
    Tensor(#[source] Box<dyn std::error::Error + Send + Sync>),
}
