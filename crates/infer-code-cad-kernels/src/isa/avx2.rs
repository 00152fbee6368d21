use std::arch::x86_64::*;

use super::Simd;
use super::byte_products::ByteProducts;

/// Proof that the processor has AVX2, FMA, F16C and the products of `P`. Sixteen lanes are two
/// registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2<P>(P);

type Pair = [__m256i; 2];
type Floats = [__m256; 2];

impl<P: ByteProducts> Avx2<P> {
    #[inline(always)]
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        if found { P::detect().map(Self) } else { None }
    }

    #[inline(always)]
    fn halves<T, R>(a: [T; 2], b: [T; 2], each: impl Fn(T, T) -> R) -> [R; 2] {
        let ([a0, a1], [b0, b1]) = (a, b);
        [each(a0, b0), each(a1, b1)]
    }
}

impl<P: ByteProducts> Simd for Avx2<P> {
    type Bytes = Pair;
    type Ints = Pair;
    type Floats = Floats;

    #[inline(always)]
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        self.0.vectorize(body)
    }

    #[inline(always)]
    fn prefetch(self, address: *const u8) {
        // SAFETY: a prefetch of an address that does not exist does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    #[inline(always)]
    fn bytes(self, from: &[u8; 64]) -> Pair {
        let [low, high] = from.as_chunks::<32>().0 else { unreachable!("64 bytes") };
        // SAFETY: `detect` found AVX2; the arrays have the 32 bytes.
        [low, high].map(|half| unsafe { _mm256_loadu_si256(half.as_ptr().cast()) })
    }

    #[inline(always)]
    fn nibbles(self, bytes: Pair) -> [Pair; 2] {
        // SAFETY: `detect` found AVX2.
        unsafe {
            let mask = _mm256_set1_epi8(15);
            let [a, b] = bytes;
            let (c, d) = (_mm256_srli_epi16::<4>(a), _mm256_srli_epi16::<4>(b));
            [
                [_mm256_and_si256(a, mask), _mm256_and_si256(b, mask)],
                [_mm256_and_si256(c, mask), _mm256_and_si256(d, mask)],
            ]
        }
    }

    #[inline(always)]
    fn six_bits<const I: u32>(self, low: Pair, high: Pair) -> Pair {
        // SAFETY: `detect` found AVX2.
        Self::halves(low, high, |low, high| unsafe {
            let shifted = match I {
                0 => _mm256_slli_epi16::<4>(high),
                1 => _mm256_slli_epi16::<2>(high),
                2 => high,
                _ => _mm256_srli_epi16::<2>(high),
            };
            _mm256_or_si256(low, _mm256_and_si256(shifted, _mm256_set1_epi8(0x30)))
        })
    }

    #[inline(always)]
    fn ints(self, value: i32) -> Pair {
        // SAFETY: `detect` found AVX2.
        [unsafe { _mm256_set1_epi32(value) }; 2]
    }

    #[inline(always)]
    fn dot_7bit(self, sums: Pair, weights: Pair, four: i32) -> Pair {
        let [signed, _] = self.ints(four);
        Self::halves(sums, weights, |sums, weights| self.0.dot_7bit(sums, weights, signed))
    }

    #[inline(always)]
    fn dot_8bit(self, sums: Pair, weights: Pair, four: i32) -> Pair {
        let [signed, _] = self.ints(four);
        Self::halves(sums, weights, |sums, weights| self.0.dot_8bit(sums, weights, signed))
    }

    #[inline(always)]
    fn start_8bit(self, offset_128: i32) -> Pair {
        self.ints(self.0.start_8bit(offset_128))
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Floats {
        // SAFETY: `detect` found AVX2.
        [unsafe { _mm256_set1_ps(value) }; 2]
    }

    #[inline(always)]
    fn to_floats(self, ints: Pair) -> Floats {
        // SAFETY: `detect` found AVX2.
        ints.map(|half| unsafe { _mm256_cvtepi32_ps(half) })
    }

    #[inline(always)]
    fn mul(self, a: Floats, b: Floats) -> Floats {
        // SAFETY: `detect` found AVX2.
        Self::halves(a, b, |a, b| unsafe { _mm256_mul_ps(a, b) })
    }

    #[inline(always)]
    fn fma(self, a: Floats, b: Floats, c: Floats) -> Floats {
        // SAFETY: `detect` found FMA.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }

    #[inline(always)]
    fn add_ints(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `detect` found AVX2.
        Self::halves(a, b, |a, b| unsafe { _mm256_add_epi32(a, b) })
    }

    #[inline(always)]
    fn add(self, a: Floats, b: Floats) -> Floats {
        // SAFETY: `detect` found AVX2.
        Self::halves(a, b, |a, b| unsafe { _mm256_add_ps(a, b) })
    }

    #[inline(always)]
    fn f16s(self, from: &[u8; 32]) -> Floats {
        let [low, high] = from.as_chunks::<16>().0 else { unreachable!("32 bytes") };
        // SAFETY: `detect` found F16C; the arrays have the 16 bytes.
        [low, high].map(|half| unsafe { _mm256_cvtph_ps(_mm_loadu_si128(half.as_ptr().cast())) })
    }

    #[inline(always)]
    fn bf16_pairs(self, from: &[u8; 64]) -> [Floats; 2] {
        let pairs = self.bytes(from);
        // SAFETY: `detect` found AVX2.
        unsafe {
            let upper = _mm256_set1_epi32(0xffff_0000u32 as i32);
            [
                pairs.map(|half| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(half))),
                pairs.map(|half| _mm256_castsi256_ps(_mm256_and_si256(half, upper))),
            ]
        }
    }

    #[inline(always)]
    fn f32s(self, from: &[u8; 64]) -> Floats {
        // SAFETY: `detect` found AVX2.
        self.bytes(from).map(|half| unsafe { _mm256_castsi256_ps(half) })
    }

    #[inline(always)]
    fn u8s(self, from: &[u8; 16]) -> Floats {
        let [low, high] = from.as_chunks::<8>().0 else { unreachable!("16 bytes") };
        // SAFETY: `detect` found AVX2; the arrays have the 8 bytes.
        [low, high].map(|half| unsafe {
            let bytes = _mm_loadl_epi64(half.as_ptr().cast());
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes))
        })
    }

    #[inline(always)]
    fn i8s(self, from: &[u8; 16]) -> Floats {
        let [low, high] = from.as_chunks::<8>().0 else { unreachable!("16 bytes") };
        // SAFETY: `detect` found AVX2; the arrays have the 8 bytes.
        [low, high].map(|half| unsafe {
            let bytes = _mm_loadl_epi64(half.as_ptr().cast());
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))
        })
    }

    #[inline(always)]
    fn store(self, floats: Floats, to: &mut [f32; 16]) {
        let (low, high) = to.split_at_mut(8);
        // SAFETY: `detect` found AVX2; the slices have 8 floats each.
        unsafe {
            _mm256_storeu_ps(low.as_mut_ptr(), floats[0]);
            _mm256_storeu_ps(high.as_mut_ptr(), floats[1]);
        }
    }
}
