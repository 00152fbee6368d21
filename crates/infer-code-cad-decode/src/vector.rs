//! Loops over a vocabulary, compiled for the vector instructions of several processors.
//!
//! Every version computes the same bits: lanes are in a fixed order, products and sums never joined.

use multiversion::multiversion;

use crate::exp::exp;

const LANES: usize = 16;

/// The largest value and whether one is not a number, which the comparison passes over.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn peak(row: &[f32]) -> (f32, bool) {
    let (mut peaks, mut nans) = ([f32::NEG_INFINITY; LANES], [0u32; LANES]);
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let value = chunk[lane];
            peaks[lane] = if value > peaks[lane] { value } else { peaks[lane] };
            nans[lane] |= u32::from(value.is_nan());
        }
    }
    let all = peaks.iter().chain(rest);
    let peak = all.fold(f32::NEG_INFINITY, |peak, &value| peak.max(value));
    (peak, nans != [0; LANES] || rest.iter().any(|value| value.is_nan()))
}

/// The weight of a token that its logit excludes.
pub(crate) const EXCLUDED: f32 = -1.0;

/// `weights[i] = exp((row[i] - peak) * scale)`, or [`EXCLUDED`]; `peak` is the largest, `scale`
/// positive.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn weigh(row: &[f32], peak: f32, scale: f32, weights: &mut [f32]) {
    for (weight, &logit) in weights.iter_mut().zip(row) {
        let of_it = exp((logit - peak) * scale);
        *weight = if logit == f32::NEG_INFINITY { EXCLUDED } else { of_it };
    }
}

/// `mixed[i] += weight * (row[i] - peak)`; what one of them excludes with `-inf` stays excluded.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn mix(mixed: &mut [f32], row: &[f32], peak: f32, weight: f32) {
    for (mixed, &logit) in mixed.iter_mut().zip(row) {
        let excluded = (logit == f32::NEG_INFINITY) | (*mixed == f32::NEG_INFINITY);
        let sum = *mixed + weight * (logit - peak);
        *mixed = if excluded { f32::NEG_INFINITY } else { sum };
    }
}

/// `sum exp(row[i] - peak)`, in f32 within blocks and in f64 over them; `peak` is the largest.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn mass(row: &[f32], peak: f32) -> f64 {
    let mut total = 0.0;
    for block in row.chunks(64 * LANES) {
        let mut sums = [0.0f32; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                sums[lane] += exp(chunk[lane] - peak);
            }
        }
        let rest = rest.iter().map(|logit| f64::from(exp(logit - peak)));
        total += sums.iter().copied().map(f64::from).chain(rest).sum::<f64>();
    }
    total
}

/// The sum of the weights that are not [`EXCLUDED`], in f32 within blocks and in f64 over them.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn sum(weights: &[f32]) -> f64 {
    let mut total = 0.0;
    for block in weights.chunks(64 * LANES) {
        let mut sums = [0.0f32; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                sums[lane] += if chunk[lane] > 0.0 { chunk[lane] } else { 0.0 };
            }
        }
        let rest = rest.iter().filter(|weight| **weight > 0.0);
        total += sums.iter().chain(rest).copied().map(f64::from).sum::<f64>();
    }
    total
}
