use infer_code_cad_checkpoint::CheckpointError;

use crate::CandleError;

/// Why a part of a model could not be loaded, before a user sees it: the tensor library's own error is no part of
/// this crate's interface.
#[derive(Debug)]
pub(crate) enum Fault {
    Tensor(candle_core::Error),
    Checkpoint(CheckpointError),
}

impl From<candle_core::Error> for Fault {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error)
    }
}

impl From<CheckpointError> for Fault {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}

impl From<Fault> for CandleError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Tensor(error) => Self::Tensor(error.into()),
            Fault::Checkpoint(error) => Self::Checkpoint(error),
        }
    }
}
