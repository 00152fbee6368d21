//! Any bytes as the weights of a small Llama: a model or an error.
#![no_main]

use infer_code_cad_candle::{CandleModel, DType, Device};
use infer_code_cad_checkpoint::Checkpoint;
use libfuzzer_sys::fuzz_target;

const CONFIG: &[u8] =
    include_bytes!("../../crates/infer-code-cad-checkpoint/tests/fixtures/llama/config.json");

fuzz_target!(|weights: &[u8]| {
    let checkpoint = Checkpoint::from_bytes(CONFIG, &b"{}"[..], vec![weights.to_vec().into()]);
    if let Ok(checkpoint) = checkpoint {
        let _ = checkpoint.check_finite();
        let _ = CandleModel::load(&checkpoint, Device::Cpu, DType::F32);
    }
});
