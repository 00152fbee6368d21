//! Any bytes as a GGUF file: its tokenizer and chat template, or errors.
#![no_main]

use infer_code_cad_checkpoint::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = Checkpoint::from_gguf_bytes(bytes) {
        let _ = checkpoint.tokenizer();
        let _ = checkpoint.chat_template();
    }
});
