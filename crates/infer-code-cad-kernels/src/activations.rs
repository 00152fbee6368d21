use crate::disjoint::Disjoint;
use crate::format::BLOCK;
use crate::isa::{Simd, with_simd};
use crate::{Encoding, Isa, KernelError, Pool};

/// Values that one part of the work of `set` covers: fewer are not worth another thread.
const CHUNK: usize = 16384;
/// A block whose largest magnitude is below this counts as zero: its reciprocal would overflow.
const TINY: f32 = 1e-30;

/// The rows to multiply, in the encoding and order that the products read.
///
/// Reuse one value: its buffers grow to the largest batch and are not allocated again.
///
/// An int8 block of 32 inputs is `scale * q` with `scale = max |x| / 127`; ties round to even. A
/// block with an infinity or a NaN makes its row's results NaN.
#[derive(Debug)]
pub struct Activations {
    rows: usize,
    in_features: usize,
    encoding: Encoding,
    isa: Isa,
    int8: Int8Buffers,
    floats: Vec<f32>,
}

/// Everything is in groups of the rows multiplied together, `(in, rows of the group)` in each.
#[derive(Debug, Default)]
struct Int8Buffers {
    /// Four inputs each.
    quants: Vec<i32>,
    /// Per block: `scale`.
    scales: Vec<f32>,
    /// Per block: `scale * sum of q`, for weights with minimums.
    scaled_sums: Vec<f32>,
    /// Per block: `-8 * sum of q`, for weights stored as `w + 8`.
    offsets_8: Vec<i32>,
    /// Per half block: `-32 * sum of q`, for weights stored as `w + 32`.
    offsets_32: Vec<[i32; 2]>,
    /// Per block: `-128 * sum of q`, for weights stored as `w + 128`.
    offsets_128: Vec<i32>,
}

impl Default for Activations {
    /// No rows.
    fn default() -> Self {
        Self {
            rows: 0,
            in_features: 0,
            encoding: Encoding::Int8,
            isa: Isa::Scalar,
            int8: Int8Buffers::default(),
            floats: Vec::new(),
        }
    }
}

impl Activations {
    /// Takes in the rows of `values`: `(rows, in_features)`.
    ///
    /// # Errors
    /// [`KernelError::Length`] if `values` is not whole rows, [`KernelError::Blocks`] if `in_features`
    /// is zero or not a multiple of 32.
    pub fn set(
        &mut self,
        values: &[f32],
        in_features: usize,
        encoding: Encoding,
        pool: &Pool,
    ) -> Result<(), KernelError> {
        if in_features == 0 || !in_features.is_multiple_of(BLOCK) {
            return Err(KernelError::Blocks { in_features });
        }
        let rows = values.len() / in_features;
        if rows * in_features != values.len() {
            let (expected, actual) = (rows * in_features, values.len());
            return Err(KernelError::Length { what: "activations", expected, actual });
        }
        (self.rows, self.in_features) = (rows, in_features);
        (self.encoding, self.isa) = (encoding, pool.isa());
        with_simd!(self.isa, simd => match encoding {
            Encoding::Int8 => self.set_int8(values, simd, pool),
            Encoding::Float => self.set_floats(values, pool),
        });
        Ok(())
    }

    /// Rows held.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of a row.
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    /// What the rows were rounded to.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The instruction set they are arranged for.
    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// How the rows are grouped.
    pub(crate) fn groups(&self) -> Groups {
        Groups::new(self.rows, self.isa.rows_at_once(self.encoding))
    }

    fn set_int8<S: Simd>(&mut self, values: &[f32], simd: S, pool: &Pool) {
        let (len, in_features, groups) = (values.len(), self.in_features, self.groups());
        let int8 = &mut self.int8;
        int8.quants.resize(len / 4, 0);
        int8.scales.resize(len / BLOCK, 0.0);
        int8.scaled_sums.resize(len / BLOCK, 0.0);
        int8.offsets_8.resize(len / BLOCK, 0);
        int8.offsets_32.resize(len / BLOCK, [0; 2]);
        int8.offsets_128.resize(len / BLOCK, 0);
        let quants = Disjoint::new(&mut int8.quants);
        let scales = Disjoint::new(&mut int8.scales);
        let scaled_sums = Disjoint::new(&mut int8.scaled_sums);
        let offsets_8 = Disjoint::new(&mut int8.offsets_8);
        let offsets_32 = Disjoint::new(&mut int8.offsets_32);
        let offsets_128 = Disjoint::new(&mut int8.offsets_128);
        groups.for_each_chunk(in_features, pool, |group, inputs| {
            let at = group.first * in_features + inputs.start * group.rows;
            let len = inputs.len() * group.rows;
            let blocks = at / BLOCK..(at + len) / BLOCK;
            // SAFETY: chunks of inputs of a group are disjoint ranges of every buffer.
            let mut chunk = unsafe {
                Int8Chunk {
                    rows: group.rows,
                    quants: quants.part(at / 4..(at + len) / 4),
                    scales: scales.part(blocks.clone()),
                    scaled_sums: scaled_sums.part(blocks.clone()),
                    offsets_8: offsets_8.part(blocks.clone()),
                    offsets_32: offsets_32.part(blocks.clone()),
                    offsets_128: offsets_128.part(blocks),
                }
            };
            simd.vectorize(
                #[inline(always)]
                || {
                    for row in 0..group.rows {
                        let start = (group.first + row) * in_features;
                        let values = &values[start + inputs.start..start + inputs.end];
                        chunk.put(simd, row, values.as_chunks().0);
                    }
                },
            );
        });
    }

    fn set_floats(&mut self, values: &[f32], pool: &Pool) {
        self.floats.resize(values.len(), 0.0);
        let (in_features, groups) = (self.in_features, self.groups());
        let floats = Disjoint::new(&mut self.floats);
        groups.for_each_chunk(in_features, pool, |group, inputs| {
            let at = group.first * in_features + inputs.start * group.rows;
            // SAFETY: chunks of inputs of a group are disjoint ranges of the buffer.
            let chunk = unsafe { floats.part(at..at + inputs.len() * group.rows) };
            for row in 0..group.rows {
                let start = (group.first + row) * in_features;
                let values = &values[start + inputs.start..start + inputs.end];
                for (to, &value) in chunk[row..].iter_mut().step_by(group.rows).zip(values) {
                    *to = value;
                }
            }
        });
    }

    /// The int8 rows of a group of `N`.
    pub(crate) fn int8_group<const N: usize>(&self, first: usize) -> Int8Group<'_, N> {
        let (start, end) = (first * self.in_features, (first + N) * self.in_features);
        let blocks = start / BLOCK..end / BLOCK;
        let quants = self.int8.quants[start / 4..end / 4].as_chunks().0;
        Int8Group {
            quants: quants.as_chunks().0,
            scales: self.int8.scales[blocks.clone()].as_chunks().0,
            scaled_sums: self.int8.scaled_sums[blocks.clone()].as_chunks().0,
            offsets_8: self.int8.offsets_8[blocks.clone()].as_chunks().0,
            offsets_32: self.int8.offsets_32[blocks.clone()].as_chunks().0,
            offsets_128: self.int8.offsets_128[blocks].as_chunks().0,
        }
    }

    /// The float rows of a group of `N`: `(in_features, N)`.
    pub(crate) fn float_group<const N: usize>(&self, first: usize) -> &[[f32; N]] {
        let (start, end) = (first * self.in_features, (first + N) * self.in_features);
        self.floats[start..end].as_chunks().0
    }
}

/// `N` int8 rows, by blocks; see [`Int8Buffers`].
#[derive(Clone, Copy)]
pub(crate) struct Int8Group<'a, const N: usize> {
    pub(crate) quants: &'a [[[i32; N]; 8]],
    pub(crate) scales: &'a [[f32; N]],
    pub(crate) scaled_sums: &'a [[f32; N]],
    pub(crate) offsets_8: &'a [[i32; N]],
    pub(crate) offsets_32: &'a [[[i32; 2]; N]],
    pub(crate) offsets_128: &'a [[i32; N]],
}

/// The buffers' ranges for some inputs of one group.
struct Int8Chunk<'a> {
    rows: usize,
    quants: &'a mut [i32],
    scales: &'a mut [f32],
    scaled_sums: &'a mut [f32],
    offsets_8: &'a mut [i32],
    offsets_32: &'a mut [[i32; 2]],
    offsets_128: &'a mut [i32],
}

impl Int8Chunk<'_> {
    /// Rounds the blocks of one row.
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, row: usize, values: &[[f32; BLOCK]]) {
        let rows = self.rows;
        let quants = self.quants.chunks_exact_mut(8 * rows).zip(self.scales.chunks_exact_mut(rows));
        let sums =
            self.scaled_sums.chunks_exact_mut(rows).zip(self.offsets_8.chunks_exact_mut(rows));
        let halves =
            self.offsets_32.chunks_exact_mut(rows).zip(self.offsets_128.chunks_exact_mut(rows));
        for (((block, (quants, scales)), (scaled_sums, offsets_8)), (offsets_32, offsets_128)) in
            values.iter().zip(quants).zip(sums).zip(halves)
        {
            let (fours, halves, scale) = quantize(simd, block);
            for (to, four) in quants[row..].iter_mut().step_by(rows).zip(fours) {
                *to = four;
            }
            let sum = halves[0] + halves[1];
            scales[row] = scale;
            scaled_sums[row] = scale * sum as f32;
            offsets_8[row] = -8 * sum;
            offsets_32[row] = [-32 * halves[0], -32 * halves[1]];
            offsets_128[row] = -128 * sum;
        }
    }
}

/// Integers within ±127, the sums of both halves, and the scale that makes them the values: NaN if
/// one of those is not finite.
#[inline(always)]
fn quantize<S: Simd>(simd: S, values: &[f32; BLOCK]) -> ([i32; 8], [i32; 2], f32) {
    let peak = simd.peak(values);
    if !peak.is_finite() {
        return ([0; 8], [0; 2], f32::NAN);
    }
    if peak < TINY {
        return ([0; 8], [0; 2], 0.0);
    }
    let (mut fours, mut sums) = ([0; 8], [0; 2]);
    let halves = values.as_chunks().0.iter().zip(fours.as_chunks_mut().0);
    for ((half, fours), sum) in halves.zip(&mut sums) {
        (*fours, *sum) = simd.round(half, 127.0 / peak);
    }
    (fours, sums, peak / 127.0)
}

/// Rows dealt into groups as equal as can be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Groups {
    count: usize,
    least: usize,
    larger: usize,
}

/// Consecutive rows that are multiplied together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) first: usize,
    pub(crate) rows: usize,
}

impl Groups {
    pub(crate) fn new(rows: usize, at_most: usize) -> Self {
        let count = rows.div_ceil(at_most);
        let least = rows.checked_div(count).unwrap_or(0);
        Self { count, least, larger: rows - least * count }
    }

    pub(crate) fn count(self) -> usize {
        self.count
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Group> {
        (0..self.count).map(move |i| self.get(i))
    }

    pub(crate) fn get(self, i: usize) -> Group {
        let first = i * self.least + i.min(self.larger);
        Group { first, rows: self.least + usize::from(i < self.larger) }
    }

    fn for_each_chunk(
        self,
        in_features: usize,
        pool: &Pool,
        each: impl Fn(Group, std::ops::Range<usize>) + Sync,
    ) {
        let rows = self.least + usize::from(self.larger > 0);
        let inputs = (CHUNK / rows.max(1)).next_multiple_of(BLOCK);
        let chunks = in_features.div_ceil(inputs);
        pool.run(self.count * chunks, |part| {
            let start = part % chunks * inputs;
            each(self.get(part / chunks), start..(start + inputs).min(in_features));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Scalar;

    #[test]
    fn groups_cover_all_rows_evenly() {
        for rows in 0..45 {
            let groups: Vec<_> = Groups::new(rows, 10).iter().collect();
            let mut next = 0;
            for group in &groups {
                assert_eq!(group.first, next);
                assert!((1..=10).contains(&group.rows));
                next += group.rows;
            }
            assert_eq!(next, rows);
            assert_eq!(groups.len(), rows.div_ceil(10));
        }
    }

    #[test]
    fn rounding_is_within_half_a_step_and_ties_go_to_even() {
        let mut values = [0.0; BLOCK];
        values[..5].copy_from_slice(&[127.0, 0.5, 1.5, -2.5, -126.4]);
        let (fours, halves, scale) = quantize(Scalar, &values);
        assert_eq!(scale, 1.0);
        assert_eq!(fours[0], i32::from_le_bytes([127, 0, 2, 254]));
        assert_eq!(fours[1], i32::from_le_bytes([130, 0, 0, 0]));
        assert_eq!(halves, [1, 0]);
    }

    #[test]
    fn bad_and_tiny_blocks() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = [1.0; BLOCK];
            values[17] = bad;
            assert!(quantize(Scalar, &values).2.is_nan());
        }
        assert_eq!(quantize(Scalar, &[1e-38; BLOCK]), ([0; 8], [0; 2], 0.0));
        let (_, halves, scale) = quantize(Scalar, &[-f32::MAX; BLOCK]);
        assert_eq!((halves, scale), ([-127 * 16; 2], f32::MAX / 127.0));
    }
}
