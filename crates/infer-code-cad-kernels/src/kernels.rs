//! The product of one tile with the rows of one group, once for all instruction sets.
//!
//! Every result is `sum over blocks, in order, of fma(integer sum, weight scale * activation scale,
//! sum so far)`: the order is the same for any number of rows.

mod floats;

pub(crate) use floats::{bf16, f16, f32};

use crate::activations::Int8Group;
use crate::isa::Simd;
use crate::layout::{Q4_K_BYTES, Q5_K_BYTES, Q6_K_BYTES};

/// Where the results of a tile belong: `(N, 16)`.
pub(crate) type Results<'a, const N: usize> = [&'a mut [f32; 16]; N];

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

/// The sums of every row, for each vector of outputs.
type Sums<S, const N: usize> = <S as Simd>::Each<[<S as Simd>::Floats; N]>;

#[inline(always)]
fn zeros<S: Simd, const N: usize>(simd: S) -> Sums<S, N> {
    S::each([simd.splat(0.0); N])
}

#[inline(always)]
fn store<S: Simd, const N: usize>(simd: S, sums: Sums<S, N>, out: &mut Results<'_, N>) {
    for v in 0..S::VECTORS {
        for b in 0..N {
            simd.store(sums[v][b], out[b], v);
        }
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

/// `sums + minimum * sum of the activations` for every row.
#[inline(always)]
fn fold_minima<S: Simd, const N: usize>(
    simd: S,
    minima: S::Floats,
    scaled_sums: &[f32; N],
    sums: &mut [S::Floats; N],
) {
    for b in 0..N {
        sums[b] = simd.fma(minima, simd.splat(scaled_sums[b]), sums[b]);
    }
}

/// `offsets` + the products of a block of 4-bit weights with every row.
#[inline(always)]
fn dot_nibbles<S: Simd, const N: usize>(
    simd: S,
    v: usize,
    offsets: &[i32; N],
    lines: &[u8],
    quants: &[[i32; N]; 8],
) -> [S::Ints; N] {
    let mut lows = [simd.start_4bit(0); N];
    for b in 0..N {
        lows[b] = simd.start_4bit(offsets[b]);
    }
    let mut highs = [simd.start_4bit(0); N];
    let quants = simd.afresh(quants.as_chunks().0);
    for (line, [first, second]) in lines.as_chunks::<64>().0.iter().zip(quants) {
        let [low, high] = simd.nibbles(simd.bytes(line, v));
        for b in 0..N {
            lows[b] = simd.dot_4bit(lows[b], low, first[b]);
        }
        // A chain of its own hides the latency that other rows hide otherwise; sums of integers
        // do not depend on their order.
        let highs = if N == 1 { &mut highs } else { &mut lows };
        for b in 0..N {
            highs[b] = simd.dot_4bit(highs[b], high, second[b]);
        }
    }
    let mut ints = [simd.ints(0); N];
    for b in 0..N {
        ints[b] = simd.finish_4bit(lows[b], offsets[b]);
        if N == 1 {
            ints[b] = simd.add_ints(ints[b], simd.finish_4bit(highs[b], 0));
        }
    }
    ints
}

#[inline(always)]
pub(crate) fn q8_0<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
) {
    let mut sums = zeros::<S, N>(simd);
    let blocks = tile.as_chunks::<544>().0.iter().zip(rows.quants);
    let activations = rows.offsets_128.iter().zip(rows.scales);
    for ((block, quants), (offsets, scales)) in blocks.zip(activations) {
        fetch_ahead(simd, block);
        let (lines, weight_scales) = block.split_first_chunk::<512>().expect("544 bytes");
        let weight_scales = weight_scales.first_chunk().expect("32 bytes");
        for v in 0..S::VECTORS {
            let mut ints = [simd.ints(0); N];
            for b in 0..N {
                ints[b] = simd.start_8bit(offsets[b]);
            }
            for (line, quants) in lines.as_chunks().0.iter().zip(simd.afresh(quants)) {
                let weights = simd.bytes(line, v);
                for b in 0..N {
                    ints[b] = simd.dot_8bit(ints[b], weights, quants[b]);
                }
            }
            fold(simd, &ints, simd.f16s(weight_scales, v), scales, &mut sums[v]);
        }
    }
    store(simd, sums, out);
}

/// `offsets` + the products of a block of 5-bit weights with every row.
#[inline(always)]
fn dot_five_bits<S: Simd, const N: usize>(
    simd: S,
    v: usize,
    offsets: [S::Ints; N],
    lines: &[u8; 320],
    quants: &[[i32; N]; 8],
) -> [S::Ints; N] {
    let (low, high) = lines.split_first_chunk::<256>().expect("320 bytes");
    let (low, quants) = (low.as_chunks::<64>().0, simd.afresh(quants.as_chunks::<2>().0));
    let high = simd.bytes(high.first_chunk().expect("320 bytes"), v);
    let mut ints = offsets;
    // Written out: which bit of `high` is known to the compiler.
    let [a, b] = simd.nibbles(simd.bytes(&low[0], v));
    let weights = [simd.fifth_bit::<0>(a, high), simd.fifth_bit::<1>(b, high)];
    add_five_bits(simd, weights, &quants[0], &mut ints);
    let [a, b] = simd.nibbles(simd.bytes(&low[1], v));
    let weights = [simd.fifth_bit::<2>(a, high), simd.fifth_bit::<3>(b, high)];
    add_five_bits(simd, weights, &quants[1], &mut ints);
    let [a, b] = simd.nibbles(simd.bytes(&low[2], v));
    let weights = [simd.fifth_bit::<4>(a, high), simd.fifth_bit::<5>(b, high)];
    add_five_bits(simd, weights, &quants[2], &mut ints);
    let [a, b] = simd.nibbles(simd.bytes(&low[3], v));
    let weights = [simd.fifth_bit::<6>(a, high), simd.fifth_bit::<7>(b, high)];
    add_five_bits(simd, weights, &quants[3], &mut ints);
    ints
}

/// Adds the products of two lines.
#[inline(always)]
fn add_five_bits<S: Simd, const N: usize>(
    simd: S,
    weights: [S::Bytes; 2],
    quants: &[[i32; N]; 2],
    ints: &mut [S::Ints; N],
) {
    for b in 0..N {
        ints[b] = simd.dot_6bit(ints[b], weights, [quants[0][b], quants[1][b]]);
    }
}

/// Blocks of 32 weights: `QUANTS` bytes whose products with the rows `dot(vector, lines, offsets_8,
/// activations)` sums, scales, and minimums where there are some.
#[inline(always)]
fn blocks<S: Simd, const N: usize, const BYTES: usize, const QUANTS: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
    dot: impl Fn(usize, &[u8; QUANTS], &[i32; N], &[[i32; N]; 8]) -> [S::Ints; N],
) {
    let mut sums = zeros::<S, N>(simd);
    let activations = rows.quants.iter().zip(rows.offsets_8);
    let activations = activations.zip(rows.scales.iter().zip(rows.scaled_sums));
    let blocks = tile.as_chunks::<BYTES>().0.iter();
    for (block, ((quants, offsets), (scales, scaled_sums))) in blocks.zip(activations) {
        fetch_ahead(simd, block);
        let (lines, factors) = block.split_first_chunk::<QUANTS>().expect("a block");
        let (weight_scales, minima) = factors.split_first_chunk::<32>().expect("16 scales");
        for v in 0..S::VECTORS {
            let ints = dot(v, lines, offsets, quants);
            fold(simd, &ints, simd.f16s(weight_scales, v), scales, &mut sums[v]);
            if let Some(minima) = minima.first_chunk() {
                fold_minima(simd, simd.f16s(minima, v), scaled_sums, &mut sums[v]);
            }
        }
    }
    store(simd, sums, out);
}

#[inline(always)]
pub(crate) fn q4_0<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
) {
    blocks::<S, N, 288, 256>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |v, lines, offsets, quants| dot_nibbles(simd, v, offsets, lines, quants),
    );
}

#[inline(always)]
pub(crate) fn q4_1<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
) {
    blocks::<S, N, 320, 256>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |v, lines, _, quants| dot_nibbles(simd, v, &[0; N], lines, quants),
    );
}

#[inline(always)]
pub(crate) fn q5_0<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
) {
    blocks::<S, N, 352, 320>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |v, lines, offsets, quants| {
            let offsets = std::array::from_fn(
                #[inline(always)]
                |b| simd.add_ints(simd.ints(offsets[b]), simd.ints(offsets[b])),
            );
            dot_five_bits(simd, v, offsets, lines, quants)
        },
    );
}

#[inline(always)]
pub(crate) fn q5_1<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
) {
    blocks::<S, N, 384, 320>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |v, lines, _, quants| dot_five_bits(simd, v, [simd.ints(0); N], lines, quants),
    );
}

/// Blocks of 256 weights with 6-bit scales and minimums: eight times `QUANTS` bytes whose products with the
/// rows `dot(vector, lines, activations)` sums.
#[inline(always)]
fn blocks_with_minima<S: Simd, const N: usize, const BYTES: usize, const QUANTS: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
    dot: impl Fn(usize, &[u8; QUANTS], &[[i32; N]; 8]) -> [S::Ints; N],
) {
    let mut sums = zeros::<S, N>(simd);
    let activations = rows.quants.as_chunks::<8>().0.iter();
    let activations = activations.zip(rows.scales.as_chunks::<8>().0);
    let activations = activations.zip(rows.scaled_sums.as_chunks::<8>().0);
    let blocks = tile.as_chunks::<BYTES>().0.iter();
    for (block, ((quants, scales), scaled_sums)) in blocks.zip(activations) {
        let (header, lines) = block.split_first_chunk::<320>().expect("a header and quants");
        fetch_ahead(simd, header);
        let halves = header.as_chunks::<32>().0;
        let factors = header[64..].as_chunks::<16>().0.as_chunks::<2>().0;
        for (j, (lines, [scale, min])) in lines.as_chunks().0.iter().zip(factors).enumerate() {
            fetch_ahead::<S, QUANTS>(simd, lines);
            for v in 0..S::VECTORS {
                let sums = &mut sums[v];
                let ints = dot(v, lines, &quants[j]);
                // The products with the 6-bit scales are exact.
                let scale = simd.mul(simd.f16s(&halves[0], v), simd.u8s(scale, v));
                fold(simd, &ints, scale, &scales[j], sums);
                let min = simd.mul(simd.f16s(&halves[1], v), simd.u8s(min, v));
                fold_minima(simd, min, &scaled_sums[j].map(|sum| -sum), sums);
            }
        }
    }
    store(simd, sums, out);
}

#[inline(always)]
pub(crate) fn q4_k<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
) {
    blocks_with_minima::<S, N, Q4_K_BYTES, 256>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |v, lines, quants| dot_nibbles(simd, v, &[0; N], lines, quants),
    );
}

#[inline(always)]
pub(crate) fn q5_k<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
) {
    blocks_with_minima::<S, N, Q5_K_BYTES, 320>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |v, lines, quants| dot_five_bits(simd, v, [simd.ints(0); N], lines, quants),
    );
}

#[inline(always)]
pub(crate) fn q6_k<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: Int8Group<'_, N>,
    out: &mut Results<'_, N>,
) {
    let mut sums = zeros::<S, N>(simd);
    let activations = rows.quants.as_chunks::<8>().0.iter();
    let activations = activations.zip(rows.scales.as_chunks::<8>().0);
    let activations = activations.zip(rows.offsets_32.as_chunks::<8>().0);
    let blocks = tile.as_chunks::<Q6_K_BYTES>().0.iter();
    for (block, ((quants, scales), offsets)) in blocks.zip(activations) {
        let (header, lines) = block.split_first_chunk::<288>().expect("3360 bytes");
        fetch_ahead(simd, header);
        let d = header.first_chunk().expect("288 bytes");
        let factors = header[32..].as_chunks::<16>().0.as_chunks::<2>().0;
        for (j, (lines, factors)) in lines.as_chunks::<384>().0.iter().zip(factors).enumerate() {
            fetch_ahead(simd, lines);
            let (low, high) = lines.split_first_chunk::<256>().expect("384 bytes");
            for v in 0..S::VECTORS {
                let d = simd.f16s(d, v);
                let quants: &[[i32; N]; 8] =
                    simd.afresh(&quants[j]).first_chunk().expect("as before");
                // Written out twice: indices known to the compiler keep the sums in registers. The
                // products of `d` with the 8-bit scales are exact.
                let ints = dot_six_bits::<S, N, 0>(simd, v, low, high, quants, &offsets[j]);
                let scale = simd.mul(d, simd.i8s(&factors[0], v));
                fold(simd, &ints, scale, &scales[j], &mut sums[v]);
                let ints = dot_six_bits::<S, N, 1>(simd, v, low, high, quants, &offsets[j]);
                let scale = simd.mul(d, simd.i8s(&factors[1], v));
                fold(simd, &ints, scale, &scales[j], &mut sums[v]);
            }
        }
    }
    store(simd, sums, out);
}

/// The products of half a block of 6-bit weights with every row.
#[inline(always)]
fn dot_six_bits<S: Simd, const N: usize, const HALF: usize>(
    simd: S,
    v: usize,
    low: &[u8; 256],
    high: &[u8],
    quants: &[[i32; N]; 8],
    offsets: &[[i32; 2]; N],
) -> [S::Ints; N] {
    let high = simd.bytes(&high.as_chunks().0[HALF], v);
    let (low, quants) = (low.as_chunks::<64>().0, quants.as_chunks::<4>().0[HALF]);
    let [low_0, low_1] = simd.nibbles(simd.bytes(&low[2 * HALF], v));
    let [low_2, low_3] = simd.nibbles(simd.bytes(&low[2 * HALF + 1], v));
    let first = [simd.six_bits::<0>(low_0, high), simd.six_bits::<1>(low_1, high)];
    let second = [simd.six_bits::<2>(low_2, high), simd.six_bits::<3>(low_3, high)];
    let mut ints = [simd.ints(0); N];
    for b in 0..N {
        let start = simd.dot_6bit(simd.ints(offsets[b][HALF]), first, [quants[0][b], quants[1][b]]);
        ints[b] = simd.dot_6bit(start, second, [quants[2][b], quants[3][b]]);
    }
    ints
}
