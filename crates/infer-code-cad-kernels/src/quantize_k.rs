//! Rounding to the formats of 256 weights, by least squared error.
//!
//! Not bit for bit what ggml writes, whose search weighs the errors otherwise; the formats are the
//! same. The blocks are worked on side by side, one per vector lane, and quants are kept as floats:
//! small integers, which floats add exactly.

use half::f16;

/// Added and subtracted, it rounds a small float to an integer, ties to even.
const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23

/// A value per block.
type Lanes<const N: usize> = [f32; N];

/// Q4_K of 256 weights: each block of 32 gets the scale and minimum of least squared error, which are
/// then rounded to 6 bits of the largest ones.
#[inline(always)]
pub(crate) fn q4_k(weights: &[f32; 256]) -> [u8; 144] {
    let (head, quants) = with_minima(weights, 15.0);
    let mut bytes = [0; 144];
    bytes[..16].copy_from_slice(&head);
    put_pairs_of_nibbles(&quants, &mut bytes[16..]);
    bytes
}

/// Q5_K: the same with quants of five bits.
#[inline(always)]
pub(crate) fn q5_k(weights: &[f32; 256]) -> [u8; 176] {
    let (head, quants) = with_minima(weights, 31.0);
    let mut bytes = [0; 176];
    bytes[..16].copy_from_slice(&head);
    for (block, quants) in quants.as_chunks::<32>().0.iter().enumerate() {
        for (byte, quant) in bytes[16..48].iter_mut().zip(quants) {
            *byte |= quant >> 4 << block;
        }
    }
    put_pairs_of_nibbles(&quants, &mut bytes[48..]);
    bytes
}

/// Of two blocks, 32 bytes.
#[inline(always)]
fn put_pairs_of_nibbles(quants: &[u8; 256], bytes: &mut [u8]) {
    for (pair, bytes) in quants.as_chunks::<64>().0.iter().zip(bytes.chunks_exact_mut(32)) {
        for (k, byte) in bytes.iter_mut().enumerate() {
            *byte = pair[k] & 15 | pair[32 + k] << 4;
        }
    }
}

/// Scales and minimums as Q4_K and Q5_K begin, and quants up to `most`.
#[inline(always)]
fn with_minima(weights: &[f32; 256], most: f32) -> ([u8; 16], [u8; 256]) {
    let x = transposed::<8, 32>(weights);
    let Affine { scale, min } = best_affine(&x, most);
    let step = |of: &Lanes<8>| f16::from_f32(of.iter().copied().fold(0.0, f32::max) / 63.0);
    let (d, dmin) = (step(&scale), step(&min));
    let mut head = [0; 16];
    head[..2].copy_from_slice(&d.to_le_bytes());
    head[2..4].copy_from_slice(&dmin.to_le_bytes());
    let (d, dmin) = (d.to_f32(), dmin.to_f32());
    let mut rounded = Affine { scale: [0.0; 8], min: [0.0; 8] };
    for j in 0..8 {
        let (scale, min) = (six_bits(scale[j], d), six_bits(min[j], dmin));
        put_scale_and_min(&mut head[4..], j, scale, min);
        (rounded.scale[j], rounded.min[j]) = (d * f32::from(scale), dmin * f32::from(min));
    }
    let (inverse, min) = (rounded.scale.map(reciprocal), rounded.min);
    let mut all = [0; 256];
    for (k, x) in x.iter().enumerate() {
        let quants = quants::<8>(x, &min, &inverse, 0.0, most);
        for (block, quant) in quants.into_iter().enumerate() {
            all[block * 32 + k] = quant as i32 as u8;
        }
    }
    (head, all)
}

/// Q6_K of 256 weights: each block of 16 gets the scale of least squared error, which is then rounded
/// to 8 bits of the largest one.
#[inline(always)]
pub(crate) fn q6_k(weights: &[f32; 256]) -> [u8; 210] {
    let x = transposed::<16, 16>(weights);
    let scale = best_scale(&x);
    let further = |far: f32, &scale: &f32| if scale.abs() > far.abs() { scale } else { far };
    let d = f16::from_f32(scale.iter().fold(0.0, further) / -128.0);
    let mut bytes = [0; 210];
    bytes[208..].copy_from_slice(&d.to_le_bytes());
    let d = d.to_f32();
    let eight_bits = scale.map(|scale| (scale * reciprocal(d)).round() as i8);
    let inverse = eight_bits.map(|scale| reciprocal(d * f32::from(scale)));
    for (byte, scale) in bytes[192..208].iter_mut().zip(eight_bits) {
        *byte = scale as u8;
    }
    let mut all = [0; 256];
    for (k, x) in x.iter().enumerate() {
        let quants = quants::<16>(x, &[0.0; 16], &inverse, -32.0, 31.0);
        for (block, quant) in quants.into_iter().enumerate() {
            all[block * 16 + k] = (quant as i32 + 32) as u8;
        }
    }
    put_six_bits(&mut bytes[..192], &all);
    bytes
}

/// Each half of the 256 has 64 bytes of nibbles and 32 of bit pairs, which four blocks of 32 share.
#[inline(always)]
pub(crate) fn put_six_bits(bytes: &mut [u8], quants: &[u8; 256]) {
    let (nibbles, pairs) = bytes.split_at_mut(128);
    for (half, q) in quants.as_chunks::<128>().0.iter().enumerate() {
        for k in 0..32 {
            let [a, b, c, d] = [q[k], q[32 + k], q[64 + k], q[96 + k]];
            nibbles[half * 64 + k] = a & 15 | c << 4;
            nibbles[half * 64 + 32 + k] = b & 15 | d << 4;
            pairs[half * 32 + k] = a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6;
        }
    }
}

#[inline(always)]
fn six_bits(value: f32, step: f32) -> u8 {
    ((value * reciprocal(step)).round() as u8).min(63)
}

/// Eight blocks' 6-bit scales and minimums in 12 bytes: the upper bits of the last four are above the
/// first four.
fn put_scale_and_min(packed: &mut [u8], j: usize, scale: u8, min: u8) {
    if j < 4 {
        packed[j] |= scale;
        packed[j + 4] |= min;
    } else {
        packed[j + 4] |= scale & 15 | min << 4;
        packed[j - 4] |= scale >> 4 << 6;
        packed[j] |= min >> 4 << 6;
    }
}

/// Blocks' weights as `scale * q - min`, both at least zero, `q` from 0 on.
#[derive(Clone, Copy)]
struct Affine<const N: usize> {
    scale: Lanes<N>,
    min: Lanes<N>,
}

/// Of scales around the one that spans a block, each refined by least squares for the quants it
/// gives, the one of least squared error.
#[inline(always)]
fn best_affine<const N: usize>(x: &[Lanes<N>; 32], most: f32) -> Affine<N> {
    let mut lowest = [0.0; N];
    let mut highest = x[0];
    for x in x {
        lowest = std::array::from_fn(|l| if x[l] < lowest[l] { x[l] } else { lowest[l] });
        highest = std::array::from_fn(|l| if x[l] > highest[l] { x[l] } else { highest[l] });
    }
    let (mut y1, mut best) = ([0.0; N], [0.0; N]);
    let span: Lanes<N> = std::array::from_fn(|l| highest[l] - lowest[l]);
    let from: Lanes<N> = lowest.map(|x| -x);
    for x in x {
        y1 = std::array::from_fn(|l| y1[l] + (x[l] + from[l]));
    }
    let mut fit = Affine { scale: span.map(|span| span / most), min: from };
    for step in -SEARCH..=SEARCH {
        let inverse = span.map(|span| (most + WIDEN * step as f32) * reciprocal(span));
        let (mut q1, mut q2, mut qy) = ([0.0; N], [0.0; N], [0.0; N]);
        for x in x {
            let q = quants::<N>(x, &from, &inverse, 0.0, most);
            for l in 0..N {
                q1[l] += q[l];
                q2[l] += q[l] * q[l];
                qy[l] += q[l] * (x[l] + from[l]);
            }
        }
        for l in 0..N {
            // Least squares of y = x - lowest by scale * q - t; its gain over y = 0 is to be large.
            let determinant = 32.0 * q2[l] - q1[l] * q1[l];
            let (mut scale, mut t) = (
                (32.0 * qy[l] - q1[l] * y1[l]) / determinant,
                (q2[l] * -y1[l] + q1[l] * qy[l]) / determinant,
            );
            if t + from[l] < 0.0 {
                // All weights are above zero: a minimum below it cannot be stored.
                t = -from[l];
                scale = (qy[l] + t * q1[l]) / q2[l];
            }
            let gain = scale * (2.0 * qy[l] + 2.0 * t * q1[l] - scale * q2[l])
                - t * (2.0 * y1[l] + 32.0 * t);
            if determinant > 0.0 && scale >= 0.0 && gain > best[l] {
                best[l] = gain;
                (fit.scale[l], fit.min[l]) = (scale, t + from[l]);
            }
        }
    }
    fit
}

/// Of scales around the one that gives the largest weight the lowest quant, each refined by least
/// squares for the quants it gives, the one of least squared error.
#[inline(always)]
fn best_scale<const N: usize>(x: &[Lanes<N>; 16]) -> Lanes<N> {
    let mut largest = [0.0f32; N];
    for x in x {
        largest =
            std::array::from_fn(|l| if x[l].abs() > largest[l].abs() { x[l] } else { largest[l] });
    }
    let (mut best, mut fit) = ([0.0; N], largest.map(|x| x / -32.0));
    for step in -SEARCH..=SEARCH {
        let inverse = largest.map(|x| (-32.0 - WIDEN * step as f32) * reciprocal(x));
        let (mut q2, mut qx) = ([0.0; N], [0.0; N]);
        for x in x {
            let q = quants::<N>(x, &[0.0; N], &inverse, -32.0, 31.0);
            for l in 0..N {
                q2[l] += q[l] * q[l];
                qx[l] += q[l] * x[l];
            }
        }
        for l in 0..N {
            let gain = qx[l] * qx[l] / q2[l];
            if gain > best[l] {
                best[l] = gain;
                fit[l] = qx[l] / q2[l];
            }
        }
    }
    fit
}

/// Candidates on either side of the first, and how far apart they are, in quants of the largest.
const SEARCH: i32 = 10;
const WIDEN: f32 = 0.1;

/// `(x + shift) * inverse`, rounded and bounded; the lower bound for what is no number.
#[inline(always)]
fn quants<const N: usize>(
    x: &Lanes<N>,
    shift: &Lanes<N>,
    inverse: &Lanes<N>,
    low: f32,
    high: f32,
) -> Lanes<N> {
    std::array::from_fn(|l| {
        let q = (x[l] + shift[l]) * inverse[l];
        let q = if q > low { q } else { low };
        let q = if q < high { q } else { high };
        (q + ROUND) - ROUND
    })
}

/// `N` blocks of `LEN` as `LEN` vectors with a lane per block.
#[inline(always)]
fn transposed<const N: usize, const LEN: usize>(weights: &[f32; 256]) -> [Lanes<N>; LEN] {
    std::array::from_fn(|k| std::array::from_fn(|l| weights[l * LEN + k]))
}

#[inline(always)]
fn reciprocal(x: f32) -> f32 {
    if x == 0.0 { 0.0 } else { 1.0 / x }
}
