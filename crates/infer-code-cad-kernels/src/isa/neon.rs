use std::arch::aarch64::*;
use std::array::from_fn;

use super::Simd;

/// Proof that the processor has NEON. Sixteen lanes are four registers.
///
/// Without the dot product extension, whose intrinsics stable Rust lacks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon(());

type Quad<T> = [T; 4];

impl Neon {
    #[inline(always)]
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    /// Four f32 from four f16, exactly.
    #[inline(always)]
    fn widen(self, halves: uint16x4_t) -> float32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe {
            let bits = vmovl_u16(halves);
            let magnitude = vshlq_n_u32::<13>(vandq_u32(bits, vdupq_n_u32(0x7fff)));
            // The exponent's bias differs by 112; the product makes subnormals normal, too.
            let scaled = vmulq_n_f32(vreinterpretq_f32_u32(magnitude), 2f32.powi(112));
            let special = vcgeq_u32(magnitude, vdupq_n_u32(0x7c00 << 13)); // infinite or NaN
            let exponent = vandq_u32(special, vdupq_n_u32(0x7f80_0000));
            let sign = vshlq_n_u32::<16>(vandq_u32(bits, vdupq_n_u32(0x8000)));
            let value = vorrq_u32(vreinterpretq_u32_f32(scaled), exponent);
            vreinterpretq_f32_u32(vorrq_u32(value, sign))
        }
    }
}

impl Simd for Neon {
    type Bytes = Quad<uint8x16_t>;
    type Ints = Quad<int32x4_t>;
    type Floats = Quad<float32x4_t>;

    #[inline(always)]
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "neon")]
        fn run<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        // SAFETY: `detect` found NEON.
        unsafe { run(body) }
    }

    /// Left to the processor: the instruction has no stable intrinsic.
    #[inline(always)]
    fn prefetch(self, _: *const u8) {}

    #[inline(always)]
    fn bytes(self, from: &[u8; 64]) -> Self::Bytes {
        let quarters = from.as_chunks::<16>().0;
        // SAFETY: `detect` found NEON; the arrays have the 16 bytes.
        from_fn(|i| unsafe { vld1q_u8(quarters[i].as_ptr()) })
    }

    #[inline(always)]
    fn nibbles(self, bytes: Self::Bytes) -> [Self::Bytes; 2] {
        // SAFETY: `detect` found NEON.
        unsafe {
            [
                bytes.map(|quarter| vandq_u8(quarter, vdupq_n_u8(15))),
                bytes.map(|quarter| vshrq_n_u8::<4>(quarter)),
            ]
        }
    }

    #[inline(always)]
    fn six_bits<const I: u32>(self, low: Self::Bytes, high: Self::Bytes) -> Self::Bytes {
        // SAFETY: `detect` found NEON.
        from_fn(|i| unsafe {
            let shifted = match I {
                0 => vshlq_n_u8::<4>(high[i]),
                1 => vshlq_n_u8::<2>(high[i]),
                2 => high[i],
                _ => vshrq_n_u8::<2>(high[i]),
            };
            vorrq_u8(low[i], vandq_u8(shifted, vdupq_n_u8(0x30)))
        })
    }

    #[inline(always)]
    fn ints(self, value: i32) -> Self::Ints {
        // SAFETY: `detect` found NEON.
        [unsafe { vdupq_n_s32(value) }; 4]
    }

    #[inline(always)]
    fn dot_7bit(self, sums: Self::Ints, weights: Self::Bytes, four: i32) -> Self::Ints {
        // SAFETY: `detect` found NEON.
        from_fn(|i| unsafe {
            let four = vreinterpretq_s8_s32(vdupq_n_s32(four));
            let weights = vreinterpretq_s8_u8(weights[i]);
            let low = vpaddlq_s16(vmull_s8(vget_low_s8(weights), vget_low_s8(four)));
            let high = vpaddlq_s16(vmull_high_s8(weights, four));
            vaddq_s32(sums[i], vpaddq_s32(low, high))
        })
    }

    #[inline(always)]
    fn dot_8bit(self, sums: Self::Ints, weights: Self::Bytes, four: i32) -> Self::Ints {
        // SAFETY: `detect` found NEON.
        let signed = weights.map(|quarter| unsafe { veorq_u8(quarter, vdupq_n_u8(0x80)) });
        self.dot_7bit(sums, signed, four)
    }

    #[inline(always)]
    fn start_8bit(self, _: i32) -> Self::Ints {
        self.ints(0)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Floats {
        // SAFETY: `detect` found NEON.
        [unsafe { vdupq_n_f32(value) }; 4]
    }

    #[inline(always)]
    fn to_floats(self, ints: Self::Ints) -> Self::Floats {
        // SAFETY: `detect` found NEON.
        ints.map(|quarter| unsafe { vcvtq_f32_s32(quarter) })
    }

    #[inline(always)]
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        // SAFETY: `detect` found NEON.
        from_fn(|i| unsafe { vmulq_f32(a[i], b[i]) })
    }

    #[inline(always)]
    fn fma(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats {
        // SAFETY: `detect` found NEON.
        from_fn(|i| unsafe { vfmaq_f32(c[i], a[i], b[i]) })
    }

    #[inline(always)]
    fn add_ints(self, a: Self::Ints, b: Self::Ints) -> Self::Ints {
        // SAFETY: `detect` found NEON.
        from_fn(|i| unsafe { vaddq_s32(a[i], b[i]) })
    }

    #[inline(always)]
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        // SAFETY: `detect` found NEON.
        from_fn(|i| unsafe { vaddq_f32(a[i], b[i]) })
    }

    #[inline(always)]
    fn f16s(self, from: &[u8; 32]) -> Self::Floats {
        let quarters = from.as_chunks::<8>().0;
        // SAFETY: `detect` found NEON; the arrays have the 8 bytes.
        from_fn(|i| unsafe { self.widen(vreinterpret_u16_u8(vld1_u8(quarters[i].as_ptr()))) })
    }

    #[inline(always)]
    fn bf16_pairs(self, from: &[u8; 64]) -> [Self::Floats; 2] {
        // SAFETY: `detect` found NEON.
        unsafe {
            let pairs = self.bytes(from).map(|quarter| vreinterpretq_u32_u8(quarter));
            let upper = vdupq_n_u32(0xffff_0000);
            [
                pairs.map(|pair| vreinterpretq_f32_u32(vshlq_n_u32::<16>(pair))),
                pairs.map(|pair| vreinterpretq_f32_u32(vandq_u32(pair, upper))),
            ]
        }
    }

    #[inline(always)]
    fn f32s(self, from: &[u8; 64]) -> Self::Floats {
        // SAFETY: `detect` found NEON.
        self.bytes(from).map(|quarter| unsafe { vreinterpretq_f32_u8(quarter) })
    }

    #[inline(always)]
    fn u8s(self, from: &[u8; 16]) -> Self::Floats {
        // SAFETY: `detect` found NEON; the array has the 16 bytes.
        unsafe {
            let bytes = vld1q_u8(from.as_ptr());
            let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes));
            [
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))),
                vcvtq_f32_u32(vmovl_high_u16(low)),
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
                vcvtq_f32_u32(vmovl_high_u16(high)),
            ]
        }
    }

    #[inline(always)]
    fn i8s(self, from: &[u8; 16]) -> Self::Floats {
        // SAFETY: `detect` found NEON; the array has the 16 bytes.
        unsafe {
            let bytes = vreinterpretq_s8_u8(vld1q_u8(from.as_ptr()));
            let (low, high) = (vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes));
            [
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
                vcvtq_f32_s32(vmovl_high_s16(low)),
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                vcvtq_f32_s32(vmovl_high_s16(high)),
            ]
        }
    }

    #[inline(always)]
    fn store(self, floats: Self::Floats, to: &mut [f32; 16]) {
        for (quarter, to) in floats.into_iter().zip(to.as_chunks_mut::<4>().0) {
            // SAFETY: `detect` found NEON; the array has the 16 bytes.
            unsafe { vst1q_f32(to.as_mut_ptr(), quarter) }
        }
    }
}
