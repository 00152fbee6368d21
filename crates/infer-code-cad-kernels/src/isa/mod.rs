//! Instruction sets: what the kernels need of a processor, and each processor's way to do it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod byte_products;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) use byte_products::{Avx512VnniVl, AvxVnni, Pairs};
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use scalar::Scalar;

/// Instruction sets the products are written for. All give the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// AVX-512 F, BW and VNNI: 10 rows in one pass.
    Avx512Vnni,
    /// AVX2 with FMA, F16C and VNNI on 256 bits, in either encoding.
    AvxVnni,
    /// AVX2 with FMA and F16C.
    Avx2,
    /// NEON, on 64-bit ARM.
    Neon,
    /// Plain Rust, for any processor.
    Scalar,
}

impl Isa {
    /// Every instruction set, best first.
    pub const ALL: [Self; 5] =
        [Self::Avx512Vnni, Self::AvxVnni, Self::Avx2, Self::Neon, Self::Scalar];

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
            Self::Neon => Neon::detect().is_some(),
            Self::Scalar => true,
            #[allow(unreachable_patterns, reason = "which are left depends on the target")]
            _ => false,
        }
    }

    /// Rows multiplied together: as many as the registers hold.
    pub(crate) fn rows_at_once(self) -> usize {
        match self {
            Self::Avx512Vnni | Self::Scalar => 10,
            Self::AvxVnni | Self::Avx2 | Self::Neon => 4,
        }
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
        if isa == $crate::Isa::Neon
            && let Some($simd) = $crate::isa::Neon::detect()
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

/// All bits of a float but its sign.
const MAGNITUDE: u32 = !(1 << 31);

/// A processor's vectors of 16 lanes, one for each output of a tile.
///
/// A value is the proof that the processor has the instructions: that is what the implementations'
/// `unsafe` blocks rely on. All methods are exact or round once, to nearest, so that every
/// implementation gives the same bits.
pub(crate) trait Simd: Copy + Send + Sync {
    /// 16 x 4 unsigned bytes: 4 consecutive weights of 16 outputs.
    type Bytes: Copy;
    /// 16 x i32.
    type Ints: Copy;
    /// 16 x f32.
    type Floats: Copy;

    /// Runs code compiled for this instruction set. `body` must be `#[inline(always)]`.
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R;
    /// Starts to fetch the cache line at an address, which need not exist.
    fn prefetch(self, address: *const u8);

    fn bytes(self, from: &[u8; 64]) -> Self::Bytes;
    /// The lower and the upper four bits of each byte.
    fn nibbles(self, bytes: Self::Bytes) -> [Self::Bytes; 2];
    /// `low | two << 4`, where `two` are the bits `2 * I` and up of each byte of `high`.
    fn six_bits<const I: u32>(self, low: Self::Bytes, high: Self::Bytes) -> Self::Bytes;

    fn ints(self, value: i32) -> Self::Ints;
    /// `sums` + the products of four weights below 128 with four signed bytes.
    fn dot_7bit(self, sums: Self::Ints, weights: Self::Bytes, four: i32) -> Self::Ints;
    /// As `dot_7bit`, with any weights, stored as `w + 128`, from a start of `start_8bit`.
    fn dot_8bit(self, sums: Self::Ints, weights: Self::Bytes, four: i32) -> Self::Ints;
    /// Where sums of `dot_8bit` start, given `-128` times the sum of the signed bytes.
    fn start_8bit(self, offset_128: i32) -> Self::Ints;

    fn splat(self, value: f32) -> Self::Floats;
    fn to_floats(self, ints: Self::Ints) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b + c`, rounded once.
    fn fma(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn add_ints(self, a: Self::Ints, b: Self::Ints) -> Self::Ints;
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn f16s(self, from: &[u8; 32]) -> Self::Floats;
    /// The even and the odd bf16 of each lane's pair.
    fn bf16_pairs(self, from: &[u8; 64]) -> [Self::Floats; 2];
    fn f32s(self, from: &[u8; 64]) -> Self::Floats;
    fn u8s(self, from: &[u8; 16]) -> Self::Floats;
    fn i8s(self, from: &[u8; 16]) -> Self::Floats;
    fn store(self, floats: Self::Floats, to: &mut [f32; 16]);

    /// The largest magnitude; infinite or NaN if a value is.
    #[inline(always)]
    fn peak(self, values: &[f32; 32]) -> f32 {
        // As integers, magnitudes are in the order of the floats, with infinity and NaN at the top.
        let mut peak = 0;
        for x in values {
            peak = peak.max(x.to_bits() & MAGNITUDE);
        }
        f32::from_bits(peak)
    }

    /// The values times `factor`, which makes them at most 127, as signed bytes, ties to even; and the
    /// sums of each half.
    #[inline(always)]
    fn round(self, values: &[f32; 32], factor: f32) -> ([i32; 8], [i32; 2]) {
        // Adding it rounds a float to the nearest integer, found in the low byte.
        const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
        let (mut fours, mut sums) = ([0; 8], [0; 2]);
        for (i, x) in values.iter().enumerate() {
            let quant = (x * factor + ROUND).to_bits() as u8;
            fours[i / 4] |= i32::from(quant) << (i % 4 * 8);
            sums[i / 16] += i32::from(quant as i8);
        }
        (fours, sums)
    }
}
