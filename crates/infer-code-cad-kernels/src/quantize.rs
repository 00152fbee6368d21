use half::{bf16, f16};

use crate::Format;
use crate::isa::MAGNITUDE;
use crate::quantize_k::{q4_k, q6_k};

/// Rounds a row to the bytes a file would hold. A block of integers cannot hold an infinity or a NaN: it
/// becomes NaN as a whole.
#[inline(always)]
pub(crate) fn quantize_row(format: Format, row: &[f32], bytes: &mut [u8]) {
    match format {
        Format::Q8_0 => each_block(row, bytes, |block| or_nan(block, 0, q8_0)),
        Format::Q4_0 => each_block(row, bytes, |block| or_nan(block, 0, q4_0)),
        Format::Bf16 => each_block(row, bytes, |[x]| bf16::from_f32(*x).to_le_bytes()),
        Format::F16 => each_block(row, bytes, |[x]| f16::from_f32(*x).to_le_bytes()),
        Format::F32 => each_block(row, bytes, |[x]| x.to_le_bytes()),
        Format::Q4_K => each_block(row, bytes, |block| or_nan(block, 0, q4_k)),
        Format::Q6_K => each_block(row, bytes, |block| or_nan(block, 208, q6_k)),
    }
}

/// A block with its f16 scale at byte `scale`, which is NaN where a weight is not finite: comparisons
/// would pass over it, and casts to integers make it zero.
#[inline(always)]
fn or_nan<const LEN: usize, const BYTES: usize>(
    block: &[f32; LEN],
    scale: usize,
    quantize: impl Fn(&[f32; LEN]) -> [u8; BYTES],
) -> [u8; BYTES] {
    let largest = block.iter().fold(0, |largest, x| u32::max(largest, x.to_bits() & MAGNITUDE));
    let mut bytes = quantize(block);
    if largest >= f32::INFINITY.to_bits() {
        bytes[scale..scale + 2].copy_from_slice(&f16::NAN.to_le_bytes());
    }
    bytes
}

#[inline(always)]
fn each_block<const LEN: usize, const BYTES: usize>(
    row: &[f32],
    bytes: &mut [u8],
    quantize: impl Fn(&[f32; LEN]) -> [u8; BYTES],
) {
    let blocks = row.as_chunks().0.iter().zip(bytes.as_chunks_mut().0);
    blocks.for_each(|(from, to)| *to = quantize(from));
}

#[inline(always)]
fn reciprocal(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// `scale = max |x| / 127`, and ties away from zero, as ggml's reference has it.
#[inline(always)]
fn q8_0(block: &[f32; 32]) -> [u8; 34] {
    let scale = block.iter().fold(0.0f32, |peak, x| peak.max(x.abs())) / 127.0;
    let inverse = reciprocal(scale);
    let mut bytes = [0; 34];
    bytes[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    for (byte, x) in bytes[2..].iter_mut().zip(block) {
        *byte = (x * inverse).round() as i32 as u8;
    }
    bytes
}

/// `scale = x / -8` for the `x` of the largest magnitude, which becomes 0 of 0..=15.
#[inline(always)]
fn q4_0(block: &[f32; 32]) -> [u8; 18] {
    let further = |far: f32, &x: &f32| if x.abs() > far.abs() { x } else { far };
    let scale = block.iter().fold(0.0, further) / -8.0;
    let inverse = reciprocal(scale);
    let quant = |x: f32| ((x * inverse + 8.5) as i32).clamp(0, 15) as u8;
    let mut bytes = [0; 18];
    bytes[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    for (j, byte) in bytes[2..].iter_mut().enumerate() {
        *byte = quant(block[j]) | quant(block[j + 16]) << 4;
    }
    bytes
}
