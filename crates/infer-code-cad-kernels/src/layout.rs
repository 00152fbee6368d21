//! How a tile of 16 rows is arranged, and a file's blocks get into and out of it.
//!
//! `[inputs / 4][16 rows][4 inputs]` bytes, so that one 64-byte load serves 16 outputs; of two such
//! lines with 4-bit values, the first is in the lower nibbles. The fifth bits of a block of 32 are one line
//! more, with a bit of each byte for each line. Scales follow their blocks, one per row, and minimums these.

use half::{bf16, f16};

use crate::Format;

/// Rows' f16 scales and minimums; per block of 32 the 16 rows' scales and minimums; the nibbles.
pub(crate) const Q4_K_BYTES: usize = 64 + 8 * 32 + 8 * 256;
/// As Q4_K, with a line of fifth bits behind the nibbles of a block.
pub(crate) const Q5_K_BYTES: usize = 64 + 8 * 32 + 8 * 320;
/// Rows' f16 scales; per half block the 16 rows' scales; per block nibbles and upper bit pairs.
pub(crate) const Q6_K_BYTES: usize = 32 + 16 * 16 + 8 * (256 + 128);

/// Puts a row of the file at one of the 16 places of a tile of zeros.
pub(crate) fn pack_row(format: Format, row: &[u8], lane: usize, tile: &mut [u8]) {
    match format {
        Format::Q8_0 => each_block::<34, 544>(row, tile, |from, to| pack_q8_0(from, lane, to)),
        Format::Q4_0 => each_block::<18, 288>(row, tile, |from, to| {
            pack_4bit(&from[2..], lane, &mut to[..256]);
            put_factors(&from[..2], lane, &mut to[256..]);
        }),
        Format::Q4_1 => each_block::<20, 320>(row, tile, |from, to| {
            pack_4bit(&from[4..], lane, &mut to[..256]);
            put_factors(&from[..4], lane, &mut to[256..]);
        }),
        Format::Q5_0 => each_block::<22, 352>(row, tile, |from, to| {
            pack_5bit(&from[2..], lane, &mut to[..320]);
            put_factors(&from[..2], lane, &mut to[320..]);
        }),
        Format::Q5_1 => each_block::<24, 384>(row, tile, |from, to| {
            pack_5bit(&from[4..], lane, &mut to[..320]);
            put_factors(&from[..4], lane, &mut to[320..]);
        }),
        Format::Q4_K => each_block::<144, Q4_K_BYTES>(row, tile, |from, to| {
            pack_with_minima::<256>(from, lane, to, |quants, j, block| {
                put_nibbles(block, lane, &nibbles_of_pair(quants, j));
            });
        }),
        Format::Q5_K => each_block::<176, Q5_K_BYTES>(row, tile, |from, to| {
            pack_with_minima::<320>(from, lane, to, |quants, j, block| {
                let (fifths, nibbles) = quants.split_at(32);
                let (low, high) = block.split_at_mut(256);
                put_nibbles(low, lane, &nibbles_of_pair(nibbles, j));
                put_fifth_bits(high, lane, |k| fifths[k] >> j & 1);
            });
        }),
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
        Format::Q4_0 => decode::<288, 32>(tile, out, |from, to| {
            let scale = take_f16(&from[256..], lane);
            *to = take_nibbles(from, lane).map(|quant| scale * (f32::from(quant) - 8.0));
        }),
        Format::Q4_1 => decode::<320, 32>(tile, out, |from, to| {
            let (scale, min) = (take_f16(&from[256..], lane), take_f16(&from[288..], lane));
            *to = take_nibbles(from, lane).map(|quant| f32::from(quant) * scale + min);
        }),
        Format::Q5_0 => decode::<352, 32>(tile, out, |from, to| {
            let scale = take_f16(&from[320..], lane);
            *to = take_five_bits(from, lane).map(|quant| (f32::from(quant) - 16.0) * scale);
        }),
        Format::Q5_1 => decode::<384, 32>(tile, out, |from, to| {
            let (scale, min) = (take_f16(&from[320..], lane), take_f16(&from[352..], lane));
            *to = take_five_bits(from, lane).map(|quant| f32::from(quant) * scale + min);
        }),
        Format::Q4_K => decode::<Q4_K_BYTES, 256>(tile, out, |from, to| {
            unpack_with_minima::<256>(from, lane, to, |block| take_nibbles(block, lane));
        }),
        Format::Q5_K => decode::<Q5_K_BYTES, 256>(tile, out, |from, to| {
            unpack_with_minima::<320>(from, lane, to, |block| take_five_bits(block, lane));
        }),
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

/// Scale, and minimum where there is one.
fn put_factors(from: &[u8], lane: usize, to: &mut [u8]) {
    for (to, factor) in to.chunks_mut(32).zip(from.as_chunks::<2>().0) {
        put(to, lane, factor);
    }
}

/// The quants of a block of 32: the low halves of 16 bytes, then the high ones.
fn nibbles_of_halves(bytes: &[u8]) -> [u8; 32] {
    std::array::from_fn(|k| bytes[k % 16] >> (k / 16 * 4) & 15)
}

fn pack_4bit(from: &[u8], lane: usize, to: &mut [u8]) {
    put_nibbles(to, lane, &nibbles_of_halves(from));
}

/// The same behind four bytes with a fifth bit of each quant.
fn pack_5bit(from: &[u8], lane: usize, to: &mut [u8]) {
    let (fifths, nibbles) = from.split_at(4);
    let (low, high) = to.split_at_mut(256);
    pack_4bit(nibbles, lane, low);
    put_fifth_bits(high, lane, |k| fifths[k / 8] >> (k % 8) & 1);
}

/// Writes the fifth bit of 32 values.
fn put_fifth_bits(to: &mut [u8], lane: usize, bit: impl Fn(usize) -> u8) {
    (0..32).for_each(|k| to[lane * 4 + k % 4] |= bit(k) << (k / 4));
}

fn take_five_bits(from: &[u8], lane: usize) -> [u8; 32] {
    let low = take_nibbles(from, lane);
    std::array::from_fn(|k| low[k] | (from[256 + lane * 4 + k % 4] >> (k / 4) & 1) << 4)
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

/// Block `j` of 32 nibbles, of which two share 32 bytes.
fn nibbles_of_pair(bytes: &[u8], j: usize) -> [u8; 32] {
    std::array::from_fn(|k| bytes[j / 2 * 32 + k] >> (j % 2 * 4) & 15)
}

/// Q4_K and Q5_K: `pack(quants of the file, j, block)` writes the quants of block `j`, `LEN` bytes.
fn pack_with_minima<const LEN: usize>(
    from: &[u8],
    lane: usize,
    to: &mut [u8],
    pack: impl Fn(&[u8], usize, &mut [u8; LEN]),
) {
    let (halves, to) = to.split_at_mut(64);
    let (scales, blocks) = to.split_at_mut(256);
    put_factors(&from[..4], lane, halves);
    for (j, block) in blocks.as_chunks_mut().0.iter_mut().enumerate() {
        (scales[j * 32 + lane], scales[j * 32 + 16 + lane]) = scale_and_min(&from[4..16], j);
        pack(&from[16..], j, block);
    }
}

fn unpack_with_minima<const LEN: usize>(
    from: &[u8],
    lane: usize,
    to: &mut [f32; 256],
    quants: impl Fn(&[u8; LEN]) -> [u8; 32],
) {
    let (scale, min) = (take_f16(from, lane), take_f16(&from[32..], lane));
    let blocks = to.as_chunks_mut::<32>().0.iter_mut().zip(from[320..].as_chunks().0);
    for (j, (to, block)) in blocks.enumerate() {
        let scale = scale * f32::from(from[64 + j * 32 + lane]);
        let min = min * f32::from(from[64 + j * 32 + 16 + lane]);
        *to = quants(block).map(|quant| scale * f32::from(quant) - min);
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
