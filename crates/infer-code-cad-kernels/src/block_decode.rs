//! One block of a quantized format to floats, as ggml's `dequantize_row_*` define them.

use half::f16;

use crate::{StoredFormat, scaled};

/// `bytes` is one block of `format`, `out` its elements.
///
/// # Panics
/// When the lengths are not those of a block, or the format is none of blocks that are decoded.
pub(crate) fn block(format: StoredFormat, bytes: &[u8], out: &mut [f32]) {
    match format {
        StoredFormat::Q4_0 => nibbles(&bytes[2..], out, |_, q| half(bytes, 0) * (q - 8.0)),
        StoredFormat::Q4_1 => {
            let (scale, min) = (half(bytes, 0), half(bytes, 2));
            nibbles(&bytes[4..], out, |_, q| q * scale + min);
        }
        StoredFormat::Q5_0 => {
            let (scale, high) = (half(bytes, 0), &bytes[2..6]);
            nibbles(&bytes[6..], out, |i, q| (q + fifth_bit(high, i) - 16.0) * scale);
        }
        StoredFormat::Q5_1 => {
            let (scale, min, high) = (half(bytes, 0), half(bytes, 2), &bytes[4..8]);
            nibbles(&bytes[8..], out, |i, q| (q + fifth_bit(high, i)) * scale + min);
        }
        StoredFormat::Q8_0 => {
            let scale = half(bytes, 0);
            for (out, &q) in out.iter_mut().zip(&bytes[2..]) {
                *out = f32::from(q as i8) * scale;
            }
        }
        StoredFormat::Q2_K => q2_k(bytes, out),
        StoredFormat::Q3_K => q3_k(bytes, out),
        StoredFormat::Q4_K => with_minima(&bytes[..16], out, |i| {
            f32::from(bytes[16 + i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 0xf)
        }),
        StoredFormat::Q5_K => with_minima(&bytes[..16], out, |i| {
            let low = bytes[48 + i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 0xf;
            f32::from(low) + f32::from((bytes[16 + i % 32] >> (i / 32) & 1) << 4)
        }),
        StoredFormat::Q6_K => q6_k(bytes, out),
        StoredFormat::NVFP4 => nvfp4(bytes, out),
        other => {
            for (part, out) in out.chunks_exact_mut(32).enumerate() {
                let (scale, quants) = scaled::part(other, bytes, part);
                out.iter_mut().zip(quants).for_each(|(out, quant)| *out = scale * f32::from(quant));
            }
        }
    }
}

pub(crate) fn half(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// 32 elements: the low halves of 16 bytes, then the high ones.
fn nibbles(bytes: &[u8], out: &mut [f32], value: impl Fn(usize, f32) -> f32) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = value(i, f32::from(nibble(bytes, i)));
    }
}

/// Element `i` of such 32.
pub(crate) fn nibble(bytes: &[u8], i: usize) -> u8 {
    bytes[i % 16] >> (i / 16 * 4) & 0xf
}

/// 16 where bit `i` of four bytes is set.
fn fifth_bit(high: &[u8], i: usize) -> f32 {
    f32::from((high[i / 8] >> (i % 8) & 1) << 4)
}

/// Q4_K and Q5_K: `head` is scale, scale of the minima, and per 32 elements 6 bits of each.
fn with_minima(head: &[u8], out: &mut [f32], quant: impl Fn(usize) -> f32) {
    let (scale, min) = (half(head, 0), half(head, 2));
    for (part, out) in out.chunks_exact_mut(32).enumerate() {
        let (s, m) = six_bits(&head[4..], part);
        let (scale, min) = (scale * f32::from(s), min * f32::from(m));
        for (i, out) in out.iter_mut().enumerate() {
            *out = scale * quant(32 * part + i) - min;
        }
    }
}

/// Scale and minimum number `part` of eight, packed into 12 bytes.
fn six_bits(packed: &[u8], part: usize) -> (u8, u8) {
    if part < 4 {
        return (packed[part] & 63, packed[part + 4] & 63);
    }
    let low = packed[part + 4];
    (low & 0xf | packed[part - 4] >> 6 << 4, low >> 4 | packed[part] >> 6 << 4)
}

/// 16 bytes of scales and minima, 64 bytes of 2-bit elements, two scales of these.
fn q2_k(bytes: &[u8], out: &mut [f32]) {
    let (scale, min) = (half(bytes, 80), half(bytes, 82));
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let packed = bytes[part];
        let (scale, min) = (scale * f32::from(packed & 0xf), min * f32::from(packed >> 4));
        for (i, out) in out.iter_mut().enumerate() {
            *out = scale * f32::from(two_bits(&bytes[16..], 16 * part + i)) - min;
        }
    }
}

/// Element `i` of 256: 128 at a time share 32 bytes, 32 elements at each pair of bits.
pub(crate) fn two_bits(quants: &[u8], i: usize) -> u8 {
    quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3
}

/// 32 bytes of third bits, 64 bytes of the lower two, 12 bytes of 6-bit scales, their scale.
fn q3_k(bytes: &[u8], out: &mut [f32]) {
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let scale = half(bytes, 108) * f32::from(q3_k_scale(bytes, part));
        for (i, out) in out.iter_mut().enumerate() {
            *out = scale * f32::from(q3_k_quant(bytes, 16 * part + i));
        }
    }
}

/// The integer that 16 elements of Q3_K are scaled by: -32 to 31.
pub(crate) fn q3_k_scale(bytes: &[u8], part: usize) -> i8 {
    let packed = &bytes[96..];
    let low = packed[part % 8] >> (part / 8 * 4) & 0xf;
    let high = packed[8 + part % 4] >> (part / 4 * 2) & 3;
    (low | high << 4) as i8 - 32
}

/// Element `i` of 256 of Q3_K: -4 to 3.
pub(crate) fn q3_k_quant(bytes: &[u8], i: usize) -> i8 {
    let third = bytes[i % 32] >> (i / 32) & 1;
    (two_bits(&bytes[32..], i) | third << 2) as i8 - 4
}

/// Four scales of E4M3 without a sign, each for 16 elements of E2M1 in 8 bytes.
fn nvfp4(bytes: &[u8], out: &mut [f32]) {
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let (scale, quants) = (e4m3(bytes[part]), &bytes[4 + 8 * part..]);
        for (i, out) in out.iter_mut().enumerate() {
            let quant = quants[i % 8] >> (i / 8 * 4) & 0xf;
            *out = scale * f32::from(scaled::E2M1[usize::from(quant)]);
        }
    }
}

/// Half of what the lower seven bits of an E4M3 say; their NaN is zero.
fn e4m3(byte: u8) -> f32 {
    let (exponent, mantissa) = (byte >> 3 & 0xf, f32::from(byte & 7));
    match exponent {
        _ if byte == 0x7f => 0.0,
        0 => mantissa * scaled::power_of_two(128 - 10),
        _ => (8.0 + mantissa) * scaled::power_of_two(128 - 11 + exponent),
    }
}

/// 128 bytes of low halves, 64 bytes of high pairs of bits, 16 signed scales, their scale.
fn q6_k(bytes: &[u8], out: &mut [f32]) {
    let (low, high, scales, scale) =
        (&bytes[..128], &bytes[128..], &bytes[192..], half(bytes, 208));
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let scale = scale * f32::from(scales[part] as i8);
        for (offset, out) in out.iter_mut().enumerate() {
            let i = 16 * part + offset;
            let (half, quarter, l) = (i / 128, i % 128 / 32, i % 32);
            let low = low[64 * half + 32 * (quarter % 2) + l] >> (quarter / 2 * 4) & 0xf;
            let high = high[32 * half + l] >> (2 * quarter) & 3;
            *out = scale * (f32::from(low | high << 4) - 32.0);
        }
    }
}
