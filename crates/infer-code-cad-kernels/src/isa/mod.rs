//! Instruction sets: what the kernels need of a processor, and each processor's way to do it.

use std::fmt;
use std::ops::IndexMut;
use std::str::FromStr;

use crate::{Encoding, KernelError};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod byte_products;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_products;
mod scalar;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) use byte_products::{Avx512VnniVl, AvxVnni, Pairs};
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon_products::{DotProduct, Widening};
pub(crate) use scalar::Scalar;

/// Instruction sets the products are written for. All give the same bits.
///
/// # Examples
/// ```
/// use infer_code_cad_kernels::{Isa, Pool};
///
/// let isa: Isa = "scalar".parse()?;
/// assert_eq!(Pool::with_isa(2, isa)?.isa().to_string(), "scalar");
/// # Ok::<(), infer_code_cad_kernels::KernelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// AVX-512 F, BW and VNNI.
    Avx512Vnni,
    /// AVX2 with FMA, F16C and VNNI on 256 bits, in either encoding.
    AvxVnni,
    /// AVX2 with FMA and F16C.
    Avx2,
    /// NEON with the dot product extension, on 64-bit ARM.
    NeonDot,
    /// NEON, on 64-bit ARM.
    Neon,
    /// Plain Rust, for any processor.
    Scalar,
}

impl Isa {
    /// Every instruction set, best first.
    pub const ALL: [Self; 6] =
        [Self::Avx512Vnni, Self::AvxVnni, Self::Avx2, Self::NeonDot, Self::Neon, Self::Scalar];

    /// Its name, which is read back.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512Vnni => "avx512vnni",
            Self::AvxVnni => "avxvnni",
            Self::Avx2 => "avx2",
            Self::NeonDot => "neondot",
            Self::Neon => "neon",
            Self::Scalar => "scalar",
        }
    }

    /// The best that this processor runs.
    pub fn best() -> Self {
        Self::ALL.into_iter().find(|isa| isa.is_supported()).unwrap_or(Self::Scalar)
    }

    /// Whether this processor runs it.
    pub fn is_supported(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => Avx512::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => {
                Avx2::<AvxVnni>::detect().is_some() || Avx2::<Avx512VnniVl>::detect().is_some()
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::<Pairs>::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDot => Neon::<DotProduct>::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => Neon::<Widening>::detect().is_some(),
            Self::Scalar => true,
            #[allow(unreachable_patterns, reason = "which are left depends on the target")]
            _ => false,
        }
    }

    /// Rows multiplied together.
    pub(crate) fn rows_at_once(self, encoding: Encoding) -> usize {
        fn rows<S: Simd>(_: S, encoding: Encoding) -> usize {
            match encoding {
                Encoding::Int8 => S::INT8_ROWS,
                Encoding::Float => S::FLOAT_ROWS,
            }
        }
        with_simd!(self, simd => rows(simd, encoding))
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Isa {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        let known = Self::ALL.into_iter().find(|isa| isa.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| KernelError::UnknownName {
            kind: "instruction set",
            name: name.to_owned(),
            choices: "avx512vnni, avxvnni, avx2, neondot, neon or scalar",
        })
    }
}

/// Calls `$body` with the token of an instruction set; Scalar's if the processor lacks it, which
/// [`crate::Pool`] rules out.
macro_rules! with_simd {
    ($isa:expr, $simd:ident => $body:expr) => {{
        let isa = $isa;
        #[cfg(target_arch = "x86_64")]
        if isa == $crate::Isa::Avx512Vnni
            && let Some($simd) = $crate::isa::Avx512::detect()
        {
            $body
        } else if isa == $crate::Isa::AvxVnni
            && let Some($simd) = $crate::isa::Avx2::<$crate::isa::AvxVnni>::detect()
        {
            $body
        } else if isa == $crate::Isa::AvxVnni
            && let Some($simd) = $crate::isa::Avx2::<$crate::isa::Avx512VnniVl>::detect()
        {
            $body
        } else if isa == $crate::Isa::Avx2
            && let Some($simd) = $crate::isa::Avx2::<$crate::isa::Pairs>::detect()
        {
            $body
        } else {
            let $simd = $crate::isa::Scalar;
            $body
        }
        #[cfg(target_arch = "aarch64")]
        if isa == $crate::Isa::NeonDot
            && let Some($simd) = $crate::isa::Neon::<$crate::isa::DotProduct>::detect()
        {
            $body
        } else if isa == $crate::Isa::Neon
            && let Some($simd) = $crate::isa::Neon::<$crate::isa::Widening>::detect()
        {
            $body
        } else {
            let $simd = $crate::isa::Scalar;
            $body
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            let _ = isa;
            let $simd = $crate::isa::Scalar;
            $body
        }
    }};
}
pub(crate) use with_simd;

/// Values whose largest magnitude is below this count as zero: its reciprocal would overflow.
const TINY: f32 = 1e-30;

/// What makes values with this peak integers within ±127, and those integers the values: NaN or infinite if the
/// peak is.
#[inline(always)]
pub(crate) fn factor_and_scale(peak: f32) -> (f32, f32) {
    (if peak < TINY { 0.0 } else { 127.0 / peak }, peak * (1.0 / 127.0))
}

/// Four rows of 16 values that are not negative: `scale * q` with `q` from 0 to 127. The scale of a row with a NaN
/// is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoundedRows {
    /// Four values of each row, then the next four of each.
    pub(crate) fours: [[u32; 4]; 4],
    pub(crate) scales: [f32; 4],
}

impl RoundedRows {
    pub(crate) const ZERO: Self = Self { fours: [[0; 4]; 4], scales: [0.0; 4] };
}

/// All bits of a float but its sign.
pub(crate) const MAGNITUDE: u32 = !(1 << 31);

/// A processor's vectors. The 16 outputs of a tile take [`Simd::VECTORS`] of them, which the kernels
/// go through one after the other, so that many rows fit into few registers.
///
/// A value is the proof that the processor has the instructions: that is what the implementations'
/// `unsafe` blocks rely on. All methods are exact or round once, to nearest, so that every
/// implementation gives the same bits. Where a method reads or writes 16 lanes, `v` says which vector
/// of them.
pub(crate) trait Simd: Copy + Send + Sync {
    /// Vectors that 16 lanes take.
    const VECTORS: usize;
    /// Something for each of them: `[T; VECTORS]`.
    type Each<T: Copy>: Copy + IndexMut<usize, Output = T>;
    /// Unsigned bytes, 4 to a lane: consecutive weights of an output.
    type Bytes: Copy;
    /// Sums of the products of a block with 4-bit weights, which may still be narrower than i32.
    type Partial: Copy;
    /// i32 lanes.
    type Ints: Copy;
    /// f32 lanes.
    type Floats: Copy;

    /// Rows of a product with quantized weights that are multiplied together: as many as the registers hold,
    /// at most 10.
    const INT8_ROWS: usize = 10;
    /// The same with floats.
    const FLOAT_ROWS: usize = 10;
    /// Sums of attention that are kept in registers.
    const SUMS: usize;
    /// Rows of a dense product that are multiplied together: as many as the registers hold, at most 12.
    const DENSE_ROWS: usize;
    /// Tiles of a dense product whose sums are kept in registers at once: one or two.
    const TILES: usize;
    /// Vectors that they take.
    const COLUMNS: usize = Self::TILES * Self::VECTORS;
    /// Something for each of those: `[T; COLUMNS]`.
    type Columns<T: Copy>: Copy + IndexMut<usize, Output = T>;

    /// What `of` gives for each column.
    fn columns<T: Copy>(of: impl FnMut(usize) -> T) -> Self::Columns<T>;
    /// The same for each vector.
    fn each<T: Copy>(value: T) -> Self::Each<T>;
    /// The same slice, for one vector of several. Where registers are few the compiler is not told, so
    /// that it reads again for each vector what it would else keep, and spill.
    #[inline(always)]
    fn afresh<T>(self, slice: &[T]) -> &[T] {
        slice
    }
    /// Runs code compiled for this instruction set. `body` must be `#[inline(always)]`.
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R;
    /// Starts to fetch the cache line at an address, which need not exist.
    fn prefetch(self, address: *const u8);

    fn bytes(self, from: &[u8; 64], v: usize) -> Self::Bytes;
    /// The lower and the upper four bits of each byte.
    fn nibbles(self, bytes: Self::Bytes) -> [Self::Bytes; 2];
    /// `low | one << 4`, where `one` is bit `I` of each byte of `high`.
    fn fifth_bit<const I: u32>(self, low: Self::Bytes, high: Self::Bytes) -> Self::Bytes;
    /// `low | two << 4`, where `two` are the bits `2 * I` and up of each byte of `high`.
    fn six_bits<const I: u32>(self, low: Self::Bytes, high: Self::Bytes) -> Self::Bytes;

    fn ints(self, value: i32) -> Self::Ints;
    /// Where sums of `dot_4bit` start that shall be `offset` more.
    fn start_4bit(self, offset: i32) -> Self::Partial;
    /// `sums` + the products of four weights below 16 with four signed bytes: eight times at most.
    fn dot_4bit(self, sums: Self::Partial, weights: Self::Bytes, four: i32) -> Self::Partial;
    /// The sums, given the offset they started with.
    fn finish_4bit(self, sums: Self::Partial, offset: i32) -> Self::Ints;
    /// `sums` + the products of twice four weights below 64 with signed bytes.
    fn dot_6bit(self, sums: Self::Ints, weights: [Self::Bytes; 2], fours: [i32; 2]) -> Self::Ints;
    /// `sums` + the products of four weights, stored as `w + 128`, with four signed bytes, from a
    /// start of `start_8bit`.
    fn dot_8bit(self, sums: Self::Ints, weights: Self::Bytes, four: i32) -> Self::Ints;
    /// Where sums of `dot_8bit` start, given `-128` times the sum of the signed bytes.
    fn start_8bit(self, offset_128: i32) -> Self::Ints;

    /// `sums` + the products of four signed weights with four bytes below 128.
    fn dot_7bit(self, sums: Self::Ints, weights: Self::Bytes, four: u32) -> Self::Ints;

    fn splat(self, value: f32) -> Self::Floats;
    fn to_floats(self, ints: Self::Ints) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b + c`, rounded once.
    fn fma(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn add_ints(self, a: Self::Ints, b: Self::Ints) -> Self::Ints;
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn f16s(self, from: &[u8; 32], v: usize) -> Self::Floats;
    /// The even and the odd bf16 of each lane's pair.
    fn bf16_pairs(self, from: &[u8; 64], v: usize) -> [Self::Floats; 2];
    fn f32s(self, from: &[u8; 64], v: usize) -> Self::Floats;
    fn u8s(self, from: &[u8; 16], v: usize) -> Self::Floats;
    fn i8s(self, from: &[u8; 16], v: usize) -> Self::Floats;
    fn load(self, from: &[f32; 16], v: usize) -> Self::Floats;
    fn store(self, floats: Self::Floats, to: &mut [f32; 16], v: usize);

    /// The largest magnitude; infinite or NaN if a value is. `N` is a multiple of 16.
    #[inline(always)]
    fn peak<const N: usize>(self, values: &[f32; N]) -> f32 {
        // As integers, magnitudes are in the order of the floats, with infinity and NaN at the top.
        let mut peak = 0;
        for x in values {
            peak = peak.max(x.to_bits() & MAGNITUDE);
        }
        f32::from_bits(peak)
    }

    /// Rows of values that are not negative, each rounded to bytes by a factor of its own.
    #[inline(always)]
    fn round_rows(self, rows: &[[f32; 16]; 8]) -> [RoundedRows; 2] {
        let mut rounded = [RoundedRows::ZERO; 2];
        for (r, row) in rows.iter().enumerate() {
            let (factor, scale) = factor_and_scale(self.peak(row));
            rounded[r / 4].scales[r % 4] = scale;
            for (step, four) in self.round(row, factor).0.into_iter().enumerate() {
                rounded[r / 4].fours[step][r % 4] = four.cast_unsigned();
            }
        }
        rounded
    }

    /// The values times `factor`, which makes them at most 127, as signed bytes, ties to even; and their sum.
    #[inline(always)]
    fn round(self, values: &[f32; 16], factor: f32) -> ([i32; 4], i32) {
        // Adding it rounds a float to the nearest integer, found in the low byte.
        const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
        // Whole arrays, one step after the other: what compilers make vectors of.
        let bytes = values.map(|x| (x * factor + ROUND).to_bits() as u8);
        let sum = bytes.iter().map(|&byte| i32::from(byte as i8)).sum();
        (std::array::from_fn(|i| i32::from_le_bytes(bytes.as_chunks().0[i])), sum)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounded(isa: Isa, rows: &[[f32; 16]; 8]) -> [RoundedRows; 2] {
        with_simd!(isa, simd => simd.vectorize(
            #[inline(always)]
            || simd.round_rows(rows),
        ))
    }

    proptest! {
        #[test]
        fn every_instruction_set_rounds_rows_alike(
            mut rows in prop::array::uniform8(prop::array::uniform16(0.0f32..3.0)),
            exponents in prop::array::uniform8(-42i32..38),
            special in prop::sample::select(vec![0.0, f32::NAN, -f32::NAN, f32::INFINITY, 1e-30]),
            at in 0usize..128,
        ) {
            for (row, exponent) in rows.iter_mut().zip(exponents) {
                row.iter_mut().for_each(|x| *x *= 10f32.powi(exponent));
            }
            rows[at / 16][at % 16] = special;
            let expected = rounded(Isa::Scalar, &rows);
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
                let rounded = rounded(isa, &rows);
                for (r, row) in rows.iter().enumerate() {
                    let scale = |rounded: &[RoundedRows; 2]| rounded[r / 4].scales[r % 4];
                    if row.iter().any(|x| x.is_nan()) {
                        prop_assert!(scale(&rounded).is_nan() && scale(&expected).is_nan());
                        continue;
                    }
                    let fours = |rounded: &[RoundedRows; 2]| {
                        rounded[r / 4].fours.map(|fours| fours[r % 4])
                    };
                    prop_assert_eq!(fours(&rounded), fours(&expected), "{} {:?}", isa, row);
                    prop_assert_eq!(scale(&rounded).to_bits(), scale(&expected).to_bits());
                }
            }
        }
    }
}
