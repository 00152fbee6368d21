use infer_code_cad::candle::{CandleModel, DType, Device};
use infer_code_cad::checkpoint::{RandomWeights, TransformerConfig};
use infer_code_cad::engine::{CausalLm, LogitRows};
use infer_code_cad::native::NativeModel;
use serde_json::{Value, json};

use crate::common::Failure;
use crate::record::Record;
use crate::suite;

const FAMILIES: [&str; 8] = [
    "llama-3.2-1b",
    "gemma-2-2b",
    "gemma-3-1b",
    "starcoder-1b",
    "qwen2.5-coder-0.5b",
    "qwen3-0.6b",
    "smollm3-3b",
    "granite-3.3-2b",
];
const SEED: u64 = 1;

/// How far logits may differ: the bits of an element type (24, 11, 8) of a logit of about 10, over a
/// few layers.
fn tolerance(dtype: DType) -> f32 {
    match dtype {
        DType::F32 => 1e-3,
        DType::F16 => 0.1,
        _ => 0.5,
    }
}

/// Four layers of a family, each kind of its layers among them.
pub(crate) fn small(shape: &str) -> Result<TransformerConfig, Failure> {
    let config = TransformerConfig::named(shape).ok_or_else(|| format!("no shape {shape}"))?;
    let windows = config.attention_windows.iter().map(|window| window.map(|_| 21));
    Ok(TransformerConfig {
        vocab_size: 160,
        hidden_size: 128,
        intermediate_size: 192,
        num_hidden_layers: 4,
        num_attention_heads: 4,
        num_key_value_heads: config.num_key_value_heads.min(2),
        head_dim: 32,
        max_position_embeddings: 512,
        attention_windows: windows.skip(2).take(4).collect(),
        layer_positions: config.layer_positions.iter().skip(2).take(4).cloned().collect(),
        ..config
    })
}

fn load(family: &str, device: Device, dtype: DType) -> Result<CandleModel, Failure> {
    let weights = RandomWeights { seed: SEED };
    Ok(CandleModel::from_tensors(&small(family)?, &weights, device, dtype)?)
}

/// Whether anything can be held on the device.
pub(crate) fn open(device: Device) -> Result<Value, Failure> {
    Ok(json!({ "bytes": load(FAMILIES[0], device, DType::F32)?.weight_bytes() }))
}

/// The largest difference to the logits of the CPU backend in f32, in every family and element type.
pub(crate) fn agree(device: Device, record: &mut Record<'_>) -> Result<(), Failure> {
    for family in FAMILIES {
        for dtype in DType::ALL {
            record.part(&format!("{family} {dtype} beside the CPU backend"), || {
                let model = load(family, device, dtype)?;
                let worst = difference(&model, &NativeModel::random(&small(family)?, SEED)?);
                match worst <= tolerance(dtype) {
                    true => Ok(json!({ "largest_difference": worst })),
                    false => Err(format!("logits differ by {worst}").into()),
                }
            })?;
        }
    }
    Ok(())
}

fn difference(model: &CandleModel, reference: &NativeModel) -> f32 {
    let tokens = suite::tokens(model, 1, 60);
    let [ours, theirs] = [model as &dyn CausalLm, reference]
        .map(|model| suite::advance(model, &mut *model.new_cache(), &tokens, LogitRows::All));
    // Not a number where a logit is none.
    let worst = |worst: f32, x: f32| if x <= worst || worst.is_nan() { worst } else { x };
    ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, worst)
}

/// What every backend must do.
pub(crate) fn suites(device: Device, record: &mut Record<'_>) -> Result<(), Failure> {
    for family in FAMILIES {
        for dtype in DType::ALL {
            record.part(&format!("{family} {dtype} suite"), || {
                suite::suite(&load(family, device, dtype)?, tolerance(dtype));
                Ok(Value::Null)
            })?;
        }
    }
    Ok(())
}
