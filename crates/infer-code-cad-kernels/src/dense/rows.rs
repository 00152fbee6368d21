use super::DenseFormat;
use crate::activations::Groups;
use crate::disjoint::Disjoint;
use crate::hadamard::turn;
use crate::isa::{MAGNITUDE, Simd, with_simd};
use crate::{Isa, KernelError, Pool};

/// A row whose largest magnitude is below this counts as zero: its reciprocal would overflow.
const TINY: f32 = 1e-30;
/// Values that the compiler takes together.
const LANES: usize = 32;

/// Rows to multiply with a [`super::DenseMatrix`], in its format and in the order that the products read.
///
/// Reuse one value: its buffers grow to the largest batch and are not allocated again.
#[derive(Debug)]
pub struct DenseRows {
    format: DenseFormat,
    isa: Isa,
    rows: usize,
    in_features: usize,
    /// In groups of the rows that are multiplied together, `(steps, rows of the group)` in each: f32,
    /// or four bytes.
    steps: Vec<u32>,
    /// Of int8 rows: `(rows)`. NaN if a value of the row is not finite.
    scales: Vec<f32>,
    /// Of int8 rows: `-128` times the sum of the bytes, `(rows)`, for weights stored as `w + 128`.
    offsets: Vec<i32>,
}

impl Default for DenseRows {
    /// No rows.
    fn default() -> Self {
        Self {
            format: DenseFormat::F32,
            isa: Isa::Scalar,
            rows: 0,
            in_features: 0,
            steps: Vec::new(),
            scales: Vec::new(),
            offsets: Vec::new(),
        }
    }
}

impl DenseRows {
    /// Takes in the rows of `values`: `(rows, in_features)`.
    ///
    /// # Errors
    /// [`KernelError::Length`] if `values` is not whole rows, or `in_features` is zero.
    pub fn set(
        &mut self,
        format: DenseFormat,
        in_features: usize,
        values: &[f32],
        pool: &Pool,
    ) -> Result<(), KernelError> {
        let rows = values.len().checked_div(in_features).unwrap_or(0);
        if in_features == 0 || rows * in_features != values.len() {
            let (expected, actual) = (rows * in_features, values.len());
            return Err(KernelError::Length { what: "the rows", expected, actual });
        }
        (self.format, self.isa) = (format, pool.isa());
        (self.rows, self.in_features) = (rows, in_features);
        let n_steps = self.n_steps();
        self.steps.resize(rows * n_steps, 0);
        self.scales.resize(rows, 0.0);
        self.offsets.resize(rows, 0);
        let groups = self.groups();
        let steps = Disjoint::new(&mut self.steps);
        let scales = Disjoint::new(&mut self.scales);
        let offsets = Disjoint::new(&mut self.offsets);
        pool.run(groups.count(), |i| {
            let group = groups.get(i);
            let of_group = group.first..group.first + group.rows;
            // SAFETY: groups are disjoint ranges of rows.
            let (steps, scales, offsets) = unsafe {
                let steps = steps.part(of_group.start * n_steps..of_group.end * n_steps);
                (steps, scales.part(of_group.clone()), offsets.part(of_group.clone()))
            };
            let values = &values[of_group.start * in_features..of_group.end * in_features];
            self.isa.vectorize(
                #[inline(always)]
                || match format {
                    DenseFormat::F32 => interleave(values, in_features, group.rows, steps),
                    DenseFormat::Int8 => quantize(values, in_features, steps, scales, offsets),
                },
            );
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
    pub fn format(&self) -> DenseFormat {
        self.format
    }

    /// The instruction set they are arranged for.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// How the rows are grouped.
    pub(super) fn groups(&self) -> Groups {
        with_simd!(self.isa, simd => Groups::new(self.rows, most_rows(simd)))
    }

    fn n_steps(&self) -> usize {
        self.in_features.div_ceil(self.format.inputs_per_step())
    }

    /// The steps of the group of `N` rows from `first` on.
    pub(super) fn steps<const N: usize>(&self, first: usize) -> &[[u32; N]] {
        let n_steps = self.n_steps();
        self.steps[first * n_steps..(first + N) * n_steps].as_chunks().0
    }

    /// Their scales.
    pub(super) fn scales<const N: usize>(&self, first: usize) -> &[f32; N] {
        self.scales[first..].first_chunk().expect("whole groups")
    }

    /// `-128` times the sums of their bytes.
    pub(super) fn offsets<const N: usize>(&self, first: usize) -> &[i32; N] {
        self.offsets[first..].first_chunk().expect("whole groups")
    }
}

fn most_rows<S: Simd>(_: S) -> usize {
    S::DENSE_ROWS
}

#[inline(always)]
fn interleave(values: &[f32], in_features: usize, n_rows: usize, steps: &mut [u32]) {
    for (row, values) in values.chunks_exact(in_features).enumerate() {
        for (to, value) in steps[row..].iter_mut().step_by(n_rows).zip(values) {
            *to = value.to_bits();
        }
    }
}

#[inline(always)]
fn quantize(
    values: &[f32],
    in_features: usize,
    steps: &mut [u32],
    scales: &mut [f32],
    offsets: &mut [i32],
) {
    let n_rows = scales.len();
    let mut turned = vec![0.0; in_features];
    let rows = values.chunks_exact(in_features).zip(scales.iter_mut().zip(offsets));
    for (row, (values, (scale, offset))) in rows.enumerate() {
        turned.copy_from_slice(values);
        turn(&mut turned);
        (*scale, *offset) = quantize_row(&turned, steps[row..].iter_mut().step_by(n_rows));
    }
}

/// Rounds a row to `scale * q`, ties to even, with zeros in what fills the last step. Returns the scale and
/// `-128` times the sum of the `q`.
#[inline(always)]
fn quantize_row<'a>(values: &[f32], mut steps: impl Iterator<Item = &'a mut u32>) -> (f32, i32) {
    // Adding it rounds a float to the nearest integer, found in the low byte.
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
    let peak = peak(values);
    if !peak.is_finite() || peak < TINY {
        steps.for_each(|step| *step = 0);
        return (if peak.is_finite() { 0.0 } else { f32::NAN }, 0);
    }
    let factor = 127.0 / peak;
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    let mut sums = [0i32; LANES];
    for chunk in chunks.iter().chain(std::iter::once(&last)) {
        let bytes = chunk.map(|x| (x * factor + ROUND).to_bits() as u8);
        for (sum, byte) in sums.iter_mut().zip(bytes) {
            *sum += i32::from(byte.cast_signed());
        }
        for (four, step) in bytes.as_chunks().0.iter().zip(&mut steps) {
            *step = u32::from_le_bytes(*four);
        }
    }
    (peak / 127.0, -128 * sums.iter().sum::<i32>())
}

/// The largest magnitude; infinite or NaN if a value is.
#[inline(always)]
fn peak(values: &[f32]) -> f32 {
    // As integers, magnitudes are in the order of the floats, with infinity and NaN at the top.
    let magnitude = |x: &f32| x.to_bits() & MAGNITUDE;
    let mut peaks = [0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (peak, x) in peaks.iter_mut().zip(chunk) {
            *peak = magnitude(x).max(*peak);
        }
    }
    f32::from_bits(rest.iter().map(magnitude).chain(peaks).max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantized(values: &[f32]) -> (Vec<i8>, f32) {
        let mut steps = vec![1; values.len().div_ceil(4)];
        let (scale, offset) = quantize_row(values, steps.iter_mut());
        let bytes = steps.iter().flat_map(|step| step.to_le_bytes().map(u8::cast_signed));
        let bytes: Vec<i8> = bytes.collect();
        assert_eq!(offset, -128 * bytes.iter().map(|&q| i32::from(q)).sum::<i32>());
        (bytes[..values.len()].to_vec(), scale)
    }

    #[test]
    fn values_are_within_half_a_step_and_ties_go_to_even() {
        let (bytes, scale) = quantized(&[127.0, 0.5, 1.5, -2.5, -126.4]);
        assert_eq!((bytes, scale), (vec![127, 0, 2, -2, -126], 1.0));
        let values: Vec<f32> = (0..100).map(|i| (i as f32).sin() * 1e20).collect();
        let (bytes, scale) = quantized(&values);
        for (x, byte) in values.iter().zip(bytes) {
            assert!((x - scale * f32::from(byte)).abs() <= 0.501 * scale);
        }
    }

    #[test]
    fn bad_and_tiny_rows() {
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 33, 69] {
                let mut values = [1.0; 70];
                values[at] = bad;
                assert!(quantized(&values).1.is_nan());
            }
        }
        assert_eq!(quantized(&[1e-38; 40]).1, 0.0);
    }
}
