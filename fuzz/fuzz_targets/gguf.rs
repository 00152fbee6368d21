//! Any bytes as a GGUF file: a model, tokenizer and template, or errors.
#![no_main]

use infer_code_cad_models::{Checkpoint, DType};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = Checkpoint::from_gguf_bytes(bytes) {
        let _ = checkpoint.tokenizer();
        let _ = checkpoint.chat_template();
        let _ = checkpoint.check_finite();
        let _ = checkpoint.load(DType::F32);
    }
});
