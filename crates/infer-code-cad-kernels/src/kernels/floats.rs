//! Weights that are floats.

use super::{Results, fetch_ahead, store, zeros};
use crate::isa::Simd;

/// `LINE` bytes hold two consecutive weights of 16 outputs, which `widen` takes apart. Even and odd
/// inputs are summed apart: two chains hide the latency of the sums.
#[inline(always)]
fn floats<S: Simd, const N: usize, const LINE: usize>(
    simd: S,
    tile: &[u8],
    rows: &[[f32; N]],
    out: &mut Results<'_, N>,
    widen: impl Fn(&[u8; LINE], usize) -> [S::Floats; 2],
) {
    let mut sums = [zeros::<S, N>(simd); 2];
    let lines = tile.as_chunks::<LINE>().0.as_chunks::<16>().0;
    for (lines, rows) in lines.iter().zip(rows.as_chunks::<2>().0.as_chunks::<16>().0) {
        for v in 0..S::VECTORS {
            for (line, rows) in lines.iter().zip(simd.afresh(rows)) {
                if v == 0 {
                    fetch_ahead(simd, line);
                }
                let weights = widen(line, v);
                for odd in 0..2 {
                    let sums = &mut sums[odd][v];
                    for b in 0..N {
                        sums[b] = simd.fma(weights[odd], simd.splat(rows[odd][b]), sums[b]);
                    }
                }
            }
        }
    }
    let [mut sums, odd] = sums;
    for v in 0..S::VECTORS {
        for b in 0..N {
            sums[v][b] = simd.add(sums[v][b], odd[v][b]);
        }
    }
    store(simd, sums, out);
}

#[inline(always)]
pub(crate) fn bf16<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: &[[f32; N]],
    out: &mut Results<'_, N>,
) {
    floats::<S, N, 64>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |line, v| simd.bf16_pairs(line, v),
    );
}

#[inline(always)]
pub(crate) fn f16<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: &[[f32; N]],
    out: &mut Results<'_, N>,
) {
    floats::<S, N, 64>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |line, v| {
            let [even, odd] = line.as_chunks().0 else { unreachable!("64 bytes") };
            [simd.f16s(even, v), simd.f16s(odd, v)]
        },
    );
}

#[inline(always)]
pub(crate) fn f32<S: Simd, const N: usize>(
    simd: S,
    tile: &[u8],
    rows: &[[f32; N]],
    out: &mut Results<'_, N>,
) {
    floats::<S, N, 128>(
        simd,
        tile,
        rows,
        out,
        #[inline(always)]
        |line, v| {
            let [even, odd] = line.as_chunks().0 else { unreachable!("128 bytes") };
            [simd.f32s(even, v), simd.f32s(odd, v)]
        },
    );
}
