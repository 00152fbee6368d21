//! How a tile of 16 rows is arranged, and a file's blocks get into and out of it.
//!
//! `[inputs / 4][16 rows][4 inputs]` bytes, so that one 64-byte load serves 16 outputs; of two such
//! lines with 4-bit values, the first is in the lower nibbles. Scales follow their blocks, one per row.

use half::{bf16, f16};

use crate::Format;

/// Rows' f16 scales and minimums; per block of 32 the 16 rows' scales and minimums; the nibbles.
pub(crate) const Q4_K_BYTES: usize = 64 + 8 * 32 + 8 * 256;
/// Rows' f16 scales; per half block the 16 rows' scales; per block nibbles and upper bit pairs.
pub(crate) const Q6_K_BYTES: usize = 32 + 16 * 16 + 8 * (256 + 128);

/// Puts a row of the file at one of the 16 places of a tile of zeros.
pub(crate) fn pack_row(format: Format, row: &[u8], lane: usize, tile: &mut [u8]) {
    match format {
        Format::Q8_0 => each_block::<34, 544>(row, tile, |from, to| pack_q8_0(from, lane, to)),
        Format::Q4_0 => each_block::<18, 288>(row, tile, |from, to| pack_q4_0(from, lane, to)),
        Format::Q4_K => {
            each_block::<144, Q4_K_BYTES>(row, tile, |from, to| pack_q4_k(from, lane, to));
        }
        Format::Q6_K => {
            each_block::<210, Q6_K_BYTES>(row, tile, |from, to| pack_q6_k(from, lane, to));
        }
        Format::Bf16 => {
            each_block::<4, 64>(row, tile, |from, to| put(to, lane, from));
        }
        Format::F16 => each_block::<2, 32>(row, tile, |from, to| put(to, lane, from)),
        Format::F32 => each_block::<4, 64>(row, tile, |from, to| put(to, lane, from)),
    }
}

/// Decodes the row at one of the 16 places of a tile.
pub(crate) fn unpack_row(format: Format, tile: &[u8], lane: usize, out: &mut [f32]) {
    match format {
        Format::Q8_0 => decode::<544, 32>(tile, out, |from, to| unpack_q8_0(from, lane, to)),
        Format::Q4_0 => decode::<288, 32>(tile, out, |from, to| unpack_q4_0(from, lane, to)),
        Format::Q4_K => {
            decode::<Q4_K_BYTES, 256>(tile, out, |from, to| unpack_q4_k(from, lane, to));
        }
        Format::Q6_K => {
            decode::<Q6_K_BYTES, 256>(tile, out, |from, to| unpack_q6_k(from, lane, to));
        }
        Format::Bf16 => decode::<64, 2>(tile, out, |from, to| {
            let [a, b, c, d] = take(from, lane);
            *to = [bf16::from_le_bytes([a, b]), bf16::from_le_bytes([c, d])].map(bf16::to_f32);
        }),
        Format::F16 => decode::<32, 1>(tile, out, |from, to| to[0] = take_f16(from, lane)),
        Format::F32 => {
            decode::<64, 1>(tile, out, |from, to| to[0] = f32::from_le_bytes(take(from, lane)));
        }
    }
}

fn each_block<const FILE: usize, const TILE: usize>(
    row: &[u8],
    tile: &mut [u8],
    pack: impl Fn(&[u8; FILE], &mut [u8; TILE]),
) {
    let blocks = row.as_chunks().0.iter().zip(tile.as_chunks_mut().0);
    blocks.for_each(|(from, to)| pack(from, to));
}

fn decode<const TILE: usize, const LEN: usize>(
    tile: &[u8],
    out: &mut [f32],
    unpack: impl Fn(&[u8; TILE], &mut [f32; LEN]),
) {
    let blocks = tile.as_chunks().0.iter().zip(out.as_chunks_mut().0);
    blocks.for_each(|(from, to)| unpack(from, to));
}

/// Writes the element of `lane` into consecutive elements of all lanes.
fn put<const N: usize>(to: &mut [u8], lane: usize, element: &[u8; N]) {
    to[lane * N..][..N].copy_from_slice(element);
}

fn take<const N: usize>(from: &[u8], lane: usize) -> [u8; N] {
    from.as_chunks().0[lane]
}

fn take_f16(from: &[u8], lane: usize) -> f32 {
    f16::from_le_bytes(take(from, lane)).to_f32()
}

/// Writes 32 values of four bits.
fn put_nibbles(to: &mut [u8], lane: usize, values: &[u8; 32]) {
    for (line, eight) in to.as_chunks_mut::<64>().0.iter_mut().zip(values.as_chunks::<8>().0) {
        let [a, b, c, d, e, f, g, h] = *eight;
        put(line, lane, &[a | e << 4, b | f << 4, c | g << 4, d | h << 4]);
    }
}

fn take_nibbles(from: &[u8], lane: usize) -> [u8; 32] {
    std::array::from_fn(|k| {
        let byte = from[k / 8 * 64 + lane * 4 + k % 4];
        if k % 8 < 4 { byte & 15 } else { byte >> 4 }
    })
}

fn pack_q8_0(from: &[u8; 34], lane: usize, to: &mut [u8; 544]) {
    let (quants, scales) = to.split_at_mut(512);
    put(scales, lane, &[from[0], from[1]]);
    for (line, four) in quants.as_chunks_mut::<64>().0.iter_mut().zip(from[2..].as_chunks::<4>().0)
    {
        put(line, lane, &four.map(|quant| quant ^ 0x80)); // stored as q + 128
    }
}

fn unpack_q8_0(from: &[u8; 544], lane: usize, to: &mut [f32; 32]) {
    let scale = take_f16(&from[512..], lane);
    for (k, weight) in to.iter_mut().enumerate() {
        *weight = scale * f32::from((from[k / 4 * 64 + lane * 4 + k % 4] ^ 0x80) as i8);
    }
}

fn pack_q4_0(from: &[u8; 18], lane: usize, to: &mut [u8; 288]) {
    put(&mut to[256..], lane, &[from[0], from[1]]);
    let nibbles = |k| if k < 16 { from[2 + k] & 15 } else { from[2 + k - 16] >> 4 };
    put_nibbles(&mut to[..256], lane, &std::array::from_fn(nibbles));
}

fn unpack_q4_0(from: &[u8; 288], lane: usize, to: &mut [f32; 32]) {
    let scale = take_f16(&from[256..], lane);
    *to = take_nibbles(from, lane).map(|quant| scale * (f32::from(quant) - 8.0));
}

/// The 6-bit scale and minimum of block `j` out of the 12 bytes for 8 blocks.
fn scale_and_min(packed: &[u8], j: usize) -> (u8, u8) {
    if j < 4 {
        (packed[j] & 63, packed[j + 4] & 63)
    } else {
        let upper = |byte: u8| (byte >> 6) << 4;
        (packed[j + 4] & 15 | upper(packed[j - 4]), packed[j + 4] >> 4 | upper(packed[j]))
    }
}

fn pack_q4_k(from: &[u8; 144], lane: usize, to: &mut [u8; Q4_K_BYTES]) {
    let (header, quants) = to.split_at_mut(64 + 256);
    let (halves, scales) = header.split_at_mut(64);
    put(halves, lane, &[from[0], from[1]]);
    put(&mut halves[32..], lane, &[from[2], from[3]]);
    for j in 0..8 {
        let (scale, min) = scale_and_min(&from[4..16], j);
        (scales[j * 32 + lane], scales[j * 32 + 16 + lane]) = (scale, min);
        // Two blocks share 32 bytes.
        let bytes = &from[16 + j / 2 * 32..];
        let nibbles = |k: usize| if j % 2 == 0 { bytes[k] & 15 } else { bytes[k] >> 4 };
        put_nibbles(&mut quants[j * 256..][..256], lane, &std::array::from_fn(nibbles));
    }
}

fn unpack_q4_k(from: &[u8; Q4_K_BYTES], lane: usize, to: &mut [f32; 256]) {
    let (scale, min) = (take_f16(from, lane), take_f16(&from[32..], lane));
    for (j, block) in to.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let scale = scale * f32::from(from[64 + j * 32 + lane]);
        let min = min * f32::from(from[64 + j * 32 + 16 + lane]);
        let quants = take_nibbles(&from[320 + j * 256..], lane);
        *block = quants.map(|quant| scale * f32::from(quant) - min);
    }
}

fn pack_q6_k(from: &[u8; 210], lane: usize, to: &mut [u8; Q6_K_BYTES]) {
    let (scales, quants) = to.split_at_mut(32 + 256);
    put(scales, lane, &[from[208], from[209]]);
    for (half, &scale) in from[192..208].iter().enumerate() {
        scales[32 + half * 16 + lane] = scale;
    }
    for (j, block) in quants.as_chunks_mut::<384>().0.iter_mut().enumerate() {
        let (nibbles, pairs) = block.split_at_mut(256);
        // Each half of the 256 has 64 bytes of nibbles and 32 of bit pairs, which four blocks share.
        let (low, high) = (&from[j / 4 * 64 + j % 2 * 32..], &from[128 + j / 4 * 32..]);
        let nibble = |k: usize| if j % 4 < 2 { low[k] & 15 } else { low[k] >> 4 };
        put_nibbles(nibbles, lane, &std::array::from_fn(nibble));
        for k in 0..32 {
            let pair = high[k] >> (j % 4 * 2) & 3;
            pairs[k / 16 * 64 + lane * 4 + k % 4] |= pair << (k / 4 % 4 * 2);
        }
    }
}

fn unpack_q6_k(from: &[u8; Q6_K_BYTES], lane: usize, to: &mut [f32; 256]) {
    let scale = take_f16(from, lane);
    for (j, block) in to.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let (low, high) = from[288 + j * 384..][..384].split_at(256);
        let low = take_nibbles(low, lane);
        for (k, weight) in block.iter_mut().enumerate() {
            let scale = scale * f32::from(from[32 + (j * 2 + k / 16) * 16 + lane] as i8);
            let pair = high[k / 16 * 64 + lane * 4 + k % 4] >> (k / 4 % 4 * 2) & 3;
            *weight = scale * (f32::from(low[k] | pair << 4) - 32.0);
        }
    }
}
