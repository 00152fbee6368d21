//! Every backend against the shared suite, transformers' logits and damaged checkpoints.

#![allow(clippy::unwrap_used, reason = "tests")]

mod checkpoint;
mod decoding;
mod encoder_opinion;
mod fixtures;
mod gguf;
mod invariance;
mod parity;
mod same;
mod second_opinion;
mod suite;

use fixtures::{fixture, load, native};
#[cfg(any(feature = "cuda", feature = "metal"))]
use infer_code_cad_candle::CandleError;
use infer_code_cad_candle::{CandleModel, DType, Device};
use infer_code_cad_checkpoint::{Checkpoint, TransformerConfig};
use infer_code_cad_native::{Format, NativeModel};

/// The sizes of the embedded model with fewer layers.
fn small_config() -> TransformerConfig {
    TransformerConfig {
        vocab_size: 1024,
        hidden_size: 256,
        intermediate_size: 512,
        num_hidden_layers: 2,
        num_attention_heads: 8,
        num_key_value_heads: 4,
        head_dim: 32,
        max_position_embeddings: 512,
        tie_word_embeddings: true,
        ..TransformerConfig::default()
    }
}

/// In f32 on the CPU every row is the same to the last bit in any batch.
#[test]
fn suite_f32() {
    for name in fixtures::ALL {
        suite::suite(&load(name, Format::F32), 0.0);
    }
    suite::suite(&NativeModel::random(&small_config(), 1).unwrap(), 0.0);
}

/// So it is with every format of the weights.
#[test]
fn suite_packed() {
    use Format::{Bf16, F16, Q4_0, Q4_K, Q8_0};
    for name in ["llama", "gemma2", "bigcode", "qwen2"] {
        let checkpoint = Checkpoint::open(&fixture(name)).unwrap();
        for format in [None, Some(Bf16), Some(F16), Some(Q8_0), Some(Q4_0), Some(Q4_K)] {
            suite::suite(&native(&checkpoint, format).unwrap(), 0.0);
        }
    }
}

/// The tensor library takes other kernels for other shapes: 8 (bf16), 11 (f16) or 24 bits of a logit
/// of about 10, over two layers.
#[test]
fn suite_portable() {
    for name in ["llama", "gemma2", "bigcode", "qwen2"] {
        let checkpoint = Checkpoint::open(&fixture(name)).unwrap();
        for (dtype, tolerance) in [(DType::F32, 1e-4), (DType::F16, 0.1), (DType::BF16, 0.5)] {
            let model = CandleModel::load(&checkpoint, Device::Cpu, dtype).unwrap();
            suite::suite(&model, tolerance);
        }
    }
}

/// A GPU takes other kernels for other shapes in f32 as well.
#[cfg(any(feature = "cuda", feature = "metal"))]
#[test]
fn suite_gpu() {
    let device = if cfg!(feature = "cuda") { Device::Cuda(0) } else { Device::Metal(0) };
    for (dtype, tolerance) in [(DType::F32, 1e-3), (DType::BF16, 0.5)] {
        for name in ["llama", "llama-sharded"] {
            let checkpoint = Checkpoint::open(&fixture(name)).unwrap();
            match CandleModel::load(&checkpoint, device, dtype) {
                Err(error @ CandleError::DeviceUnusable { .. }) => {
                    return eprintln!("suite_gpu: {error}; not run");
                }
                loaded => suite::suite(&loaded.unwrap(), tolerance),
            }
        }
    }
}
