//! Products of signed bytes, which processors with NEON have in different ways.

use std::arch::aarch64::*;
use std::arch::asm;

/// Proof that the processor has NEON, and multiplies signed bytes in this way.
pub(crate) trait NeonProducts: Copy + Send + Sync {
    /// Sums of products, which may still be narrower than i32.
    type Partial: Copy;
    fn detect() -> Option<Self>;
    /// As [`super::Simd::vectorize`].
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R;
    fn zero(self) -> Self::Partial;
    /// `sums` + the products of 16 signed bytes with four signed bytes; they stay in i16.
    fn add_products(self, sums: Self::Partial, weights: uint8x16_t, four: i32) -> Self::Partial;
    /// `ints` + the sums of each four neighbours.
    fn add_to(self, ints: int32x4_t, sums: Self::Partial) -> int32x4_t;

    /// `ints` + the sums of the products of each four neighbours.
    #[inline(always)]
    fn add_fours(self, ints: int32x4_t, weights: uint8x16_t, four: i32) -> int32x4_t {
        self.add_to(ints, self.add_products(self.zero(), weights, four))
    }
}

/// By products in 16 bits, for any processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Widening(());

/// By the dot product extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DotProduct(());

impl NeonProducts for Widening {
    /// Of the lower and of the upper two lanes: each product apart.
    type Partial = [int16x8_t; 2];

    #[inline(always)]
    fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    #[inline(always)]
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "neon")]
        fn run<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        // SAFETY: `detect` found NEON.
        unsafe { run(body) }
    }

    #[inline(always)]
    fn zero(self) -> [int16x8_t; 2] {
        // SAFETY: `detect` found NEON.
        [unsafe { vdupq_n_s16(0) }; 2]
    }

    #[inline(always)]
    fn add_products(self, sums: [int16x8_t; 2], weights: uint8x16_t, four: i32) -> [int16x8_t; 2] {
        // SAFETY: `detect` found NEON.
        unsafe {
            let four = vreinterpretq_s8_s32(vdupq_n_s32(four));
            let weights = vreinterpretq_s8_u8(weights);
            [
                vmlal_s8(sums[0], vget_low_s8(weights), vget_low_s8(four)),
                vmlal_high_s8(sums[1], weights, four),
            ]
        }
    }

    #[inline(always)]
    fn add_to(self, ints: int32x4_t, [low, high]: [int16x8_t; 2]) -> int32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vaddq_s32(ints, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high))) }
    }
}

impl NeonProducts for DotProduct {
    type Partial = int32x4_t;

    #[inline(always)]
    fn detect() -> Option<Self> {
        let found =
            Widening::detect().is_some() && std::arch::is_aarch64_feature_detected!("dotprod");
        found.then_some(Self(()))
    }

    #[inline(always)]
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "neon,dotprod")]
        fn run<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        // SAFETY: `detect` found these instructions.
        unsafe { run(body) }
    }

    #[inline(always)]
    fn zero(self) -> int32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vdupq_n_s32(0) }
    }

    /// In assembly, for stable Rust lacks the intrinsic.
    #[inline(always)]
    fn add_products(self, mut sums: int32x4_t, weights: uint8x16_t, four: i32) -> int32x4_t {
        // SAFETY: `detect` found the extension; the instruction reads and writes these registers alone.
        unsafe {
            let four = vdupq_n_s32(four);
            asm!(
                ".arch_extension dotprod",
                "sdot {sums:v}.4s, {weights:v}.16b, {four:v}.16b",
                sums = inout(vreg) sums,
                weights = in(vreg) weights,
                four = in(vreg) four,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }

    #[inline(always)]
    fn add_to(self, ints: int32x4_t, sums: int32x4_t) -> int32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vaddq_s32(ints, sums) }
    }

    #[inline(always)]
    fn add_fours(self, ints: int32x4_t, weights: uint8x16_t, four: i32) -> int32x4_t {
        self.add_products(ints, weights, four)
    }
}
