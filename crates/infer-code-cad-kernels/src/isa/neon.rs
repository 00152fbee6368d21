use std::arch::aarch64::*;

use super::Simd;
use super::neon_products::NeonProducts;

/// Proof that the processor has NEON and the products of `P`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon<P>(P);

impl<P: NeonProducts> Neon<P> {
    #[inline(always)]
    pub(crate) fn detect() -> Option<Self> {
        P::detect().map(Self)
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

impl<P: NeonProducts> Simd for Neon<P> {
    const VECTORS: usize = 4;
    type Each<T: Copy> = [T; 4];
    const SUMS: usize = 24;
    const DENSE_ROWS: usize = 5;
    const TILES: usize = 1;
    type Columns<T: Copy> = [T; 4];
    type Bytes = uint8x16_t;
    type Partial = P::Partial;
    type Ints = int32x4_t;
    type Floats = float32x4_t;

    #[inline(always)]
    fn columns<T: Copy>(of: impl FnMut(usize) -> T) -> [T; 4] {
        std::array::from_fn(of)
    }

    #[inline(always)]
    fn each<T: Copy>(value: T) -> [T; 4] {
        [value; 4]
    }

    #[inline(always)]
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        self.0.vectorize(body)
    }

    /// Left to the processor: the instruction has no stable intrinsic.
    #[inline(always)]
    fn prefetch(self, _: *const u8) {}

    #[inline(always)]
    fn bytes(self, from: &[u8; 64], v: usize) -> uint8x16_t {
        let quarter = &from.as_chunks::<16>().0[v];
        // SAFETY: `detect` found NEON; the array has the 16 bytes.
        unsafe { vld1q_u8(quarter.as_ptr()) }
    }

    #[inline(always)]
    fn nibbles(self, bytes: uint8x16_t) -> [uint8x16_t; 2] {
        // SAFETY: `detect` found NEON.
        unsafe { [vandq_u8(bytes, vdupq_n_u8(15)), vshrq_n_u8::<4>(bytes)] }
    }

    #[inline(always)]
    fn fifth_bit<const I: u32>(self, low: uint8x16_t, high: uint8x16_t) -> uint8x16_t {
        // SAFETY: `detect` found NEON.
        unsafe {
            let shifted = match I {
                0 => vshlq_n_u8::<4>(high),
                1 => vshlq_n_u8::<3>(high),
                2 => vshlq_n_u8::<2>(high),
                3 => vshlq_n_u8::<1>(high),
                4 => high,
                5 => vshrq_n_u8::<1>(high),
                6 => vshrq_n_u8::<2>(high),
                _ => vshrq_n_u8::<3>(high),
            };
            vorrq_u8(low, vandq_u8(shifted, vdupq_n_u8(0x10)))
        }
    }

    #[inline(always)]
    fn six_bits<const I: u32>(self, low: uint8x16_t, high: uint8x16_t) -> uint8x16_t {
        // SAFETY: `detect` found NEON.
        unsafe {
            let shifted = match I {
                0 => vshlq_n_u8::<4>(high),
                1 => vshlq_n_u8::<2>(high),
                2 => high,
                _ => vshrq_n_u8::<2>(high),
            };
            vorrq_u8(low, vandq_u8(shifted, vdupq_n_u8(0x30)))
        }
    }

    #[inline(always)]
    fn ints(self, value: i32) -> int32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vdupq_n_s32(value) }
    }

    #[inline(always)]
    fn start_4bit(self, _: i32) -> P::Partial {
        self.0.zero()
    }

    #[inline(always)]
    fn dot_4bit(self, sums: P::Partial, weights: uint8x16_t, four: i32) -> P::Partial {
        self.0.add_products(sums, weights, four) // 8 of at most 15 * 128 stay in i16
    }

    #[inline(always)]
    fn finish_4bit(self, sums: P::Partial, offset: i32) -> int32x4_t {
        self.0.add_to(self.ints(offset), sums)
    }

    #[inline(always)]
    fn dot_6bit(self, sums: int32x4_t, [a, b]: [uint8x16_t; 2], [x, y]: [i32; 2]) -> int32x4_t {
        // Two products of at most 63 * 128 stay in i16.
        let products = self.0.add_products(self.0.zero(), a, x);
        self.0.add_to(sums, self.0.add_products(products, b, y))
    }

    #[inline(always)]
    fn dot_8bit(self, sums: int32x4_t, weights: uint8x16_t, four: i32) -> int32x4_t {
        // SAFETY: `detect` found NEON.
        let signed = unsafe { veorq_u8(weights, vdupq_n_u8(0x80)) };
        self.0.add_fours(sums, signed, four) // one product of at most 128 * 128 stays in i16
    }

    #[inline(always)]
    fn start_8bit(self, _: i32) -> int32x4_t {
        self.ints(0)
    }

    #[inline(always)]
    fn dot_7bit(self, sums: int32x4_t, weights: uint8x16_t, four: u32) -> int32x4_t {
        self.0.add_fours(sums, weights, four.cast_signed()) // below 128: signed as well
    }

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    fn to_floats(self, ints: int32x4_t) -> float32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vcvtq_f32_s32(ints) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn add_ints(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vaddq_s32(a, b) }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn f16s(self, from: &[u8; 32], v: usize) -> float32x4_t {
        let quarter = &from.as_chunks::<8>().0[v];
        // SAFETY: `detect` found NEON; the array has the 8 bytes.
        unsafe { self.widen(vreinterpret_u16_u8(vld1_u8(quarter.as_ptr()))) }
    }

    #[inline(always)]
    fn bf16_pairs(self, from: &[u8; 64], v: usize) -> [float32x4_t; 2] {
        // SAFETY: `detect` found NEON.
        unsafe {
            let pairs = vreinterpretq_u32_u8(self.bytes(from, v));
            let odd = vandq_u32(pairs, vdupq_n_u32(0xffff_0000));
            [vreinterpretq_f32_u32(vshlq_n_u32::<16>(pairs)), vreinterpretq_f32_u32(odd)]
        }
    }

    #[inline(always)]
    fn f32s(self, from: &[u8; 64], v: usize) -> float32x4_t {
        // SAFETY: `detect` found NEON.
        unsafe { vreinterpretq_f32_u8(self.bytes(from, v)) }
    }

    #[inline(always)]
    fn u8s(self, from: &[u8; 16], v: usize) -> float32x4_t {
        let quarter = u32::from_le_bytes(from.as_chunks().0[v]);
        // SAFETY: `detect` found NEON.
        unsafe {
            let bytes = vreinterpret_u8_u32(vdup_n_u32(quarter));
            vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
        }
    }

    #[inline(always)]
    fn i8s(self, from: &[u8; 16], v: usize) -> float32x4_t {
        let quarter = u32::from_le_bytes(from.as_chunks().0[v]);
        // SAFETY: `detect` found NEON.
        unsafe {
            let bytes = vreinterpret_s8_u32(vdup_n_u32(quarter));
            vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes))))
        }
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16], v: usize) -> float32x4_t {
        let quarter = &from.as_chunks::<4>().0[v];
        // SAFETY: `detect` found NEON; the array has the 16 bytes.
        unsafe { vld1q_f32(quarter.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, floats: float32x4_t, to: &mut [f32; 16], v: usize) {
        let quarter = &mut to.as_chunks_mut::<4>().0[v];
        // SAFETY: `detect` found NEON; the array has the 16 bytes.
        unsafe { vst1q_f32(quarter.as_mut_ptr(), floats) }
    }
}
