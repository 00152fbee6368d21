//! The product of one tile with the rows of one group, once for all instruction sets.
//!
//! Every result is `sum over blocks, in order, of fma(integer sum, weight scale * activation scale,
//! sum so far)`: the order is the same for any number of rows.

use crate::activations::Int8Group;
use crate::isa::Simd;
use crate::layout::{Q4_K_BYTES, Q6_K_BYTES};

/// Results of a tile: `(N, 16)`.
pub(crate) type Results<const N: usize> = [[f32; 16]; N];

/// How far ahead of the reads a thread's stream is fetched.
const AHEAD: usize = 2048;

/// Fetches what lies [`AHEAD`] of `LEN` bytes.
#[inline(always)]
fn fetch_ahead<S: Simd, const LEN: usize>(simd: S, bytes: &[u8; LEN]) {
    let mut offset = 0;
    while offset < LEN {
        simd.prefetch(bytes.as_ptr().wrapping_add(AHEAD + offset));
        offset += 64;
    }
}

#[inline(always)]
fn store<S: Simd, const N: usize>(simd: S, sums: [S::Floats; N], out: &mut Results<N>) {
    for b in 0..N {
        simd.store(sums[b], &mut out[b]);
    }
}

/// `sums + ints * (weight scale * activation scale)` for every row.
#[inline(always)]
fn fold<S: Simd, const N: usize>(
    simd: S,
    ints: &[S::Ints; N],
    weight_scales: S::Floats,
    scales: &[f32; N],
    sums: &mut [S::Floats; N],
) {
    for b in 0..N {
        let scale = simd.mul(weight_scales, simd.splat(scales[b]));
        sums[b] = simd.fma(simd.to_floats(ints[b]), scale, sums[b]);
    }
}

/// Adds the products of a line of weights below 128 to every row's sums.
#[inline(always)]
fn dot<S: Simd, const N: usize>(
    simd: S,
    ints: &mut [S::Ints; N],
    weights: S::Bytes,
    quants: &[i32; N],
) {
    for b in 0..N {
        ints[b] = simd.dot_7bit(ints[b], weights, quants[b]);
    }
}

/// Adds the products of a block of 4-bit weights to every row's sums.
#[inline(always)]
fn dot_nibbles<S: Simd, const N: usize>(
    simd: S,
    ints: &mut [S::Ints; N],
    lines: &[u8],
    quants: &[[i32; N]; 8],
) {
    let mut highs = [simd.ints(0); N];
    for (line, [first, second]) in lines.as_chunks::<64>().0.iter().zip(quants.as_chunks().0) {
        let [low, high] = simd.nibbles(simd.bytes(line));
        dot(simd, ints, low, first);
        // A chain of its own hides the latency that other rows hide otherwise; sums of integers
        // do not depend on their order.
        dot(simd, if N == 1 { &mut highs } else { &mut *ints }, high, second);
    }
    if N == 1 {
        for b in 0..N {
            ints[b] = simd.add_ints(ints[b], highs[b]);
        }
    }
}

#[inline(always)]
pub(crate) fn q8_0<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<N>,
) {
    let mut sums = [simd.splat(0.0); N];
    let blocks = tile.as_chunks::<544>().0.iter().zip(rows.quants);
    let activations = rows.offsets_128.iter().zip(rows.scales);
    for ((block, quants), (offsets, scales)) in blocks.zip(activations) {
        fetch_ahead(simd, block);
        let (lines, weight_scales) = block.split_first_chunk::<512>().expect("544 bytes");
        let mut ints = offsets.map(
            #[inline(always)]
            |offset| simd.start_8bit(offset),
        );
        for (line, quants) in lines.as_chunks().0.iter().zip(quants) {
            let weights = simd.bytes(line);
            for b in 0..N {
                ints[b] = simd.dot_8bit(ints[b], weights, quants[b]);
            }
        }
        let weight_scales = simd.f16s(weight_scales.first_chunk().expect("32 bytes"));
        fold(simd, &ints, weight_scales, scales, &mut sums);
    }
    store(simd, sums, out);
}

#[inline(always)]
pub(crate) fn q4_0<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<N>,
) {
    let mut sums = [simd.splat(0.0); N];
    let blocks = tile.as_chunks::<288>().0.iter().zip(rows.quants);
    let activations = rows.offsets_8.iter().zip(rows.scales);
    for ((block, quants), (offsets, scales)) in blocks.zip(activations) {
        fetch_ahead(simd, block);
        let (lines, weight_scales) = block.split_first_chunk::<256>().expect("288 bytes");
        let mut ints = offsets.map(
            #[inline(always)]
            |offset| simd.ints(offset),
        );
        dot_nibbles(simd, &mut ints, lines, quants);
        let weight_scales = simd.f16s(weight_scales.first_chunk().expect("32 bytes"));
        fold(simd, &ints, weight_scales, scales, &mut sums);
    }
    store(simd, sums, out);
}

#[inline(always)]
pub(crate) fn q4_k<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<N>,
) {
    let mut sums = [simd.splat(0.0); N];
    let activations = rows.quants.as_chunks::<8>().0.iter();
    let activations = activations.zip(rows.scales.as_chunks::<8>().0);
    let activations = activations.zip(rows.scaled_sums.as_chunks::<8>().0);
    let blocks = tile.as_chunks::<Q4_K_BYTES>().0.iter();
    for (block, ((quants, scales), scaled_sums)) in blocks.zip(activations) {
        let (header, lines) = block.split_first_chunk::<320>().expect("2368 bytes");
        fetch_ahead(simd, header);
        let halves = header.as_chunks::<32>().0;
        let (d, dmin) = (simd.f16s(&halves[0]), simd.f16s(&halves[1]));
        // The products with the 6-bit scales are exact.
        let factors = header[64..].as_chunks::<16>().0.as_chunks::<2>().0;
        for (j, (lines, [scale, min])) in lines.as_chunks().0.iter().zip(factors).enumerate() {
            fetch_ahead::<S, 256>(simd, lines);
            let mut ints = [simd.ints(0); N];
            dot_nibbles(simd, &mut ints, lines, &quants[j]);
            fold(simd, &ints, simd.mul(d, simd.u8s(scale)), &scales[j], &mut sums);
            let min = simd.mul(dmin, simd.u8s(min));
            for b in 0..N {
                sums[b] = simd.fma(min, simd.splat(-scaled_sums[j][b]), sums[b]);
            }
        }
    }
    store(simd, sums, out);
}

#[inline(always)]
pub(crate) fn q6_k<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<N>,
) {
    let mut sums = [simd.splat(0.0); N];
    let activations = rows.quants.as_chunks::<8>().0.iter();
    let activations = activations.zip(rows.scales.as_chunks::<8>().0);
    let activations = activations.zip(rows.offsets_32.as_chunks::<8>().0);
    let blocks = tile.as_chunks::<Q6_K_BYTES>().0.iter();
    for (block, ((quants, scales), offsets)) in blocks.zip(activations) {
        let (header, lines) = block.split_first_chunk::<288>().expect("3360 bytes");
        fetch_ahead(simd, header);
        let d = simd.f16s(header.first_chunk().expect("288 bytes"));
        let factors = header[32..].as_chunks::<16>().0.as_chunks::<2>().0;
        for (j, (lines, factors)) in lines.as_chunks::<384>().0.iter().zip(factors).enumerate() {
            fetch_ahead(simd, lines);
            let (low, high) = lines.split_first_chunk::<256>().expect("384 bytes");
            // Written out twice: indices known to the compiler keep the sums in registers. The
            // products of `d` with the 8-bit scales are exact.
            let ints = dot_six_bits::<S, N, 0>(simd, low, high, &quants[j], &offsets[j]);
            fold(simd, &ints, simd.mul(d, simd.i8s(&factors[0])), &scales[j], &mut sums);
            let ints = dot_six_bits::<S, N, 1>(simd, low, high, &quants[j], &offsets[j]);
            fold(simd, &ints, simd.mul(d, simd.i8s(&factors[1])), &scales[j], &mut sums);
        }
    }
    store(simd, sums, out);
}

/// The products of half a block of 6-bit weights with every row.
#[inline(always)]
fn dot_six_bits<S: Simd, const N: usize, const HALF: usize>(
    simd: S,
    low: &[u8; 256],
    high: &[u8],
    quants: &[[i32; N]; 8],
    offsets: &[[i32; 2]; N],
) -> [S::Ints; N] {
    let mut ints = offsets.map(
        #[inline(always)]
        |offsets| simd.ints(offsets[HALF]),
    );
    let high = simd.bytes(&high.as_chunks().0[HALF]);
    let (low, quants) = (low.as_chunks::<64>().0, quants.as_chunks::<4>().0[HALF]);
    let [low_0, low_1] = simd.nibbles(simd.bytes(&low[2 * HALF]));
    let [low_2, low_3] = simd.nibbles(simd.bytes(&low[2 * HALF + 1]));
    dot(simd, &mut ints, simd.six_bits::<0>(low_0, high), &quants[0]);
    dot(simd, &mut ints, simd.six_bits::<1>(low_1, high), &quants[1]);
    dot(simd, &mut ints, simd.six_bits::<2>(low_2, high), &quants[2]);
    dot(simd, &mut ints, simd.six_bits::<3>(low_3, high), &quants[3]);
    ints
}

/// `LINE` bytes hold two consecutive weights of 16 outputs, which `widen` takes apart. Even and odd
/// inputs are summed apart: two chains hide the latency of the sums.
#[inline(always)]
pub(crate) fn floats<S: Simd, const N: usize, const LINE: usize>(
    simd: S,
    tile: &[u8],
    rows: &[[f32; N]],
    out: &mut Results<N>,
    widen: impl Fn(&[u8; LINE]) -> [S::Floats; 2],
) {
    let mut sums = [[simd.splat(0.0); N]; 2];
    let lines = tile.as_chunks::<LINE>().0.as_chunks::<4>().0;
    for (lines, rows) in lines.iter().zip(rows.as_chunks::<2>().0.as_chunks::<4>().0) {
        for (line, rows) in lines.iter().zip(rows) {
            fetch_ahead(simd, line);
            let weights = widen(line);
            for odd in 0..2 {
                for b in 0..N {
                    sums[odd][b] = simd.fma(weights[odd], simd.splat(rows[odd][b]), sums[odd][b]);
                }
            }
        }
    }
    let [even, odd] = sums;
    let mut sums = even;
    for b in 0..N {
        sums[b] = simd.add(even[b], odd[b]);
    }
    store(simd, sums, out);
}

#[inline(always)]
pub(crate) fn bf16<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: &[[f32; N]],
    out: &mut Results<N>,
) {
    floats::<S, N, 64>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |line| simd.bf16_pairs(line),
    );
}

#[inline(always)]
pub(crate) fn f16<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: &[[f32; N]],
    out: &mut Results<N>,
) {
    floats::<S, N, 64>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |line| {
            let [even, odd] = line.as_chunks().0 else { unreachable!("64 bytes") };
            [simd.f16s(even), simd.f16s(odd)]
        },
    );
}

#[inline(always)]
pub(crate) fn f32<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: &[[f32; N]],
    out: &mut Results<N>,
) {
    floats::<S, N, 128>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |line| {
            let [even, odd] = line.as_chunks().0 else { unreachable!("128 bytes") };
            [simd.f32s(even), simd.f32s(odd)]
        },
    );
}
