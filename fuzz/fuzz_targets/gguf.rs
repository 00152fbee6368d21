//! Any bytes as a GGUF file: a model or an error.
#![no_main]

use infer_code_cad_candle::{CandleModel, DType, Device};
use infer_code_cad_checkpoint::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = Checkpoint::from_gguf_bytes(bytes) {
        let _ = checkpoint.check_finite();
        let _ = CandleModel::load(&checkpoint, Device::Cpu, DType::F32);
    }
});
