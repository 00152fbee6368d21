//! Any bytes as a GGUF file: a model or an error.
#![no_main]

use infer_code_cad_checkpoint::{Checkpoint, DType, Device};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = Checkpoint::from_gguf_bytes(bytes) {
        let _ = checkpoint.check_finite();
        let _ = checkpoint.load_on(Device::Cpu, DType::F32);
    }
});
