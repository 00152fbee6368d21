use half::{bf16, f16};

use crate::Format;
use crate::isa::MAGNITUDE;
use crate::quantize_k::{q4_k, q5_k, q6_k};

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
        Format::Q4_1 => each_block(row, bytes, |block| or_nan(block, 0, q4_1)),
        Format::Q5_0 => each_block(row, bytes, |block| or_nan(block, 0, q5_0)),
        Format::Q5_1 => each_block(row, bytes, |block| or_nan(block, 0, q5_1)),
        Format::Q5_K => each_block(row, bytes, |block| or_nan(block, 0, q5_k)),
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
    let (scale, quants) = from_largest(block, 16);
    let mut bytes = [0; 18];
    bytes[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    put_low_bits(&quants, &mut bytes[2..]);
    bytes
}

/// The same with 0..=31.
#[inline(always)]
fn q5_0(block: &[f32; 32]) -> [u8; 22] {
    let (scale, quants) = from_largest(block, 32);
    let mut bytes = [0; 22];
    bytes[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    bytes[2..6].copy_from_slice(&fifth_bits(&quants));
    put_low_bits(&quants, &mut bytes[6..]);
    bytes
}

/// The least weight is the minimum, the largest 15 steps above it.
#[inline(always)]
fn q4_1(block: &[f32; 32]) -> [u8; 20] {
    let (factors, quants) = from_least(block, 15);
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&factors);
    put_low_bits(&quants, &mut bytes[4..]);
    bytes
}

/// The same with 31 steps.
#[inline(always)]
fn q5_1(block: &[f32; 32]) -> [u8; 24] {
    let (factors, quants) = from_least(block, 31);
    let mut bytes = [0; 24];
    bytes[..4].copy_from_slice(&factors);
    bytes[4..8].copy_from_slice(&fifth_bits(&quants));
    put_low_bits(&quants, &mut bytes[8..]);
    bytes
}

/// The scale that makes the weight of the largest magnitude the lowest of `levels`, and the quants.
#[inline(always)]
fn from_largest(block: &[f32; 32], levels: i32) -> (f32, [u8; 32]) {
    let further = |far: f32, &x: &f32| if x.abs() > far.abs() { x } else { far };
    let half = levels as f32 / 2.0;
    let scale = block.iter().fold(0.0, further) / -half;
    let inverse = reciprocal(scale);
    let quant = |x: f32| ((x * inverse + (half + 0.5)) as i32).clamp(0, levels - 1) as u8;
    (scale, block.map(quant))
}

/// Scale and minimum, which span a block in so many steps, and the quants.
#[inline(always)]
fn from_least(block: &[f32; 32], steps: i32) -> ([u8; 4], [u8; 32]) {
    let least = block.iter().fold(f32::MAX, |least, &x| if x < least { x } else { least });
    let most = block.iter().fold(f32::MIN, |most, &x| if x > most { x } else { most });
    let scale = (most - least) / steps as f32;
    let inverse = reciprocal(scale);
    let quant = |x: f32| (((x - least) * inverse + 0.5) as i32).clamp(0, steps) as u8;
    let [[a, b], [c, d]] = [scale, least].map(|x| f16::from_f32(x).to_le_bytes());
    ([a, b, c, d], block.map(quant))
}

/// Two quants' lower four bits in each of 16 bytes.
#[inline(always)]
pub(crate) fn put_low_bits(quants: &[u8; 32], bytes: &mut [u8]) {
    for (j, byte) in bytes.iter_mut().enumerate() {
        *byte = quants[j] & 15 | quants[j + 16] << 4;
    }
}

#[inline(always)]
pub(crate) fn fifth_bits(quants: &[u8; 32]) -> [u8; 4] {
    let bits = quants.iter().enumerate().map(|(k, quant)| u32::from(quant >> 4) << k);
    bits.fold(0, |all, bit| all | bit).to_le_bytes()
}
