//! Products of bytes on 256 bits, which processors with AVX2 have in different ways.

use std::arch::x86_64::*;

use super::TINY;

/// Proof that the processor has AVX2, FMA and F16C, and multiplies unsigned with signed bytes in this way.
pub(crate) trait ByteProducts: Copy + Send + Sync {
    fn detect() -> Option<Self>;
    /// As [`super::Simd::vectorize`], with AVX2, FMA and F16C.
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R;
    /// See [`super::Simd::start_4bit`] and what follows there.
    fn start_4bit(self, offset: i32) -> __m256i;
    fn dot_4bit(self, sums: __m256i, weights: __m256i, signed: __m256i) -> __m256i;
    fn finish_4bit(self, sums: __m256i, offset: i32) -> __m256i;
    fn dot_6bit(self, sums: __m256i, weights: [__m256i; 2], signed: [__m256i; 2]) -> __m256i;
    fn dot_8bit(self, sums: __m256i, weights: __m256i, signed: __m256i) -> __m256i;
    fn start_8bit(self, offset_128: i32) -> i32;
    fn dot_7bit(self, sums: __m256i, weights: __m256i, unsigned: __m256i) -> __m256i;
}

/// By sums of pairs in 16 bits, which hold a whole block of 4-bit weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pairs(());

/// VNNI as processors without AVX-512 have it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AvxVnni(());

/// VNNI on half of an AVX-512 register: the twin of [`AvxVnni`] that more processors can test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512VnniVl(());

impl ByteProducts for Pairs {
    #[inline(always)]
    fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        found.then_some(Self(()))
    }

    #[inline(always)]
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn run<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        // SAFETY: `detect` found these instructions.
        unsafe { run(body) }
    }

    #[inline(always)]
    fn start_4bit(self, _: i32) -> __m256i {
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    fn dot_4bit(self, sums: __m256i, weights: __m256i, signed: __m256i) -> __m256i {
        // 16 products of at most 15 * 128 stay in i16.
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_add_epi16(sums, _mm256_maddubs_epi16(weights, signed)) }
    }

    #[inline(always)]
    fn finish_4bit(self, sums: __m256i, offset: i32) -> __m256i {
        // SAFETY: `detect` found AVX2.
        unsafe { add_pairs(_mm256_set1_epi32(offset), sums) }
    }

    #[inline(always)]
    fn dot_6bit(self, sums: __m256i, [a, b]: [__m256i; 2], [x, y]: [__m256i; 2]) -> __m256i {
        // Four products of at most 63 * 128 stay in i16.
        // SAFETY: `detect` found AVX2.
        unsafe {
            let pairs = _mm256_add_epi16(_mm256_maddubs_epi16(a, x), _mm256_maddubs_epi16(b, y));
            add_pairs(sums, pairs)
        }
    }

    #[inline(always)]
    fn dot_8bit(self, sums: __m256i, weights: __m256i, signed: __m256i) -> __m256i {
        // Weights up to 255 would leave i16, two products of magnitudes up to 128 with 127 do not.
        // SAFETY: `detect` found AVX2.
        unsafe {
            let weights = _mm256_xor_si256(weights, _mm256_set1_epi8(-128));
            let signed = _mm256_sign_epi8(signed, weights);
            add_pairs(sums, _mm256_maddubs_epi16(_mm256_abs_epi8(weights), signed))
        }
    }

    #[inline(always)]
    fn start_8bit(self, _: i32) -> i32 {
        0
    }

    #[inline(always)]
    fn dot_7bit(self, sums: __m256i, weights: __m256i, unsigned: __m256i) -> __m256i {
        // Two products of at most 127 * 128 stay in i16.
        // SAFETY: `detect` found AVX2.
        unsafe { add_pairs(sums, _mm256_maddubs_epi16(unsigned, weights)) }
    }
}

/// `sums` + the sums of neighbours.
#[inline(always)]
fn add_pairs(sums: __m256i, pairs: __m256i) -> __m256i {
    // SAFETY: the callers have AVX2.
    unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))) }
}

/// [`super::factor_and_scale`] of eight peaks.
#[inline(always)]
pub(super) fn factors_and_scales(peaks: __m256) -> (__m256, __m256) {
    // SAFETY: the callers have AVX.
    unsafe {
        let is_tiny = _mm256_cmp_ps::<_CMP_LT_OQ>(peaks, _mm256_set1_ps(TINY));
        let factors = _mm256_div_ps(_mm256_set1_ps(127.0), peaks);
        let scales = _mm256_mul_ps(peaks, _mm256_set1_ps(1.0 / 127.0));
        (_mm256_andnot_ps(is_tiny, factors), scales)
    }
}

/// The sum of 16 signed bytes.
#[inline(always)]
pub(super) fn sum_of_bytes(bytes: __m128i) -> i32 {
    // SAFETY: every x86-64 processor has SSE2.
    unsafe {
        let unsigned = _mm_xor_si128(bytes, _mm_set1_epi8(-128)); // 128 more
        let halves = _mm_sad_epu8(unsigned, _mm_setzero_si128());
        let sum = _mm_add_epi32(halves, _mm_unpackhi_epi64(halves, halves));
        _mm_cvtsi128_si32(sum) - 16 * 128
    }
}

/// The two that differ in the encoding of one instruction.
macro_rules! vnni {
    ($proof:ident, $features:literal, $dot:ident, $($feature:tt),+) => {
        impl ByteProducts for $proof {
            #[inline(always)]
            fn detect() -> Option<Self> {
                let found = $(is_x86_feature_detected!($feature))&&+;
                found.then_some(Self(()))
            }

            #[inline(always)]
            fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
                #[target_feature(enable = $features)]
                fn run<R>(body: impl FnOnce() -> R) -> R {
                    body()
                }
                // SAFETY: `detect` found these instructions.
                unsafe { run(body) }
            }

            #[inline(always)]
            fn start_4bit(self, offset: i32) -> __m256i {
                // SAFETY: `detect` found AVX2.
                unsafe { _mm256_set1_epi32(offset) }
            }

            #[inline(always)]
            fn dot_4bit(self, sums: __m256i, weights: __m256i, signed: __m256i) -> __m256i {
                self.dot_8bit(sums, weights, signed)
            }

            #[inline(always)]
            fn finish_4bit(self, sums: __m256i, _: i32) -> __m256i {
                sums
            }

            #[inline(always)]
            fn dot_6bit(
                self,
                sums: __m256i,
                [a, b]: [__m256i; 2],
                [x, y]: [__m256i; 2],
            ) -> __m256i {
                self.dot_8bit(self.dot_8bit(sums, a, x), b, y)
            }

            #[inline(always)]
            fn dot_8bit(self, sums: __m256i, weights: __m256i, signed: __m256i) -> __m256i {
                // SAFETY: `detect` found the instruction.
                unsafe { $dot(sums, weights, signed) }
            }

            #[inline(always)]
            fn start_8bit(self, offset_128: i32) -> i32 {
                offset_128
            }

            #[inline(always)]
            fn dot_7bit(self, sums: __m256i, weights: __m256i, unsigned: __m256i) -> __m256i {
                // SAFETY: `detect` found the instruction.
                unsafe { $dot(sums, unsigned, weights) }
            }
        }
    };
}

vnni!(AvxVnni, "avx2,fma,f16c,avxvnni", _mm256_dpbusd_avx_epi32, "avx2", "fma", "f16c", "avxvnni");
vnni!(
    Avx512VnniVl,
    "avx2,fma,f16c,avx512vnni,avx512vl",
    _mm256_dpbusd_epi32,
    "avx2",
    "fma",
    "f16c",
    "avx512vnni",
    "avx512vl"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_had_only_of_a_processor_with_all_instructions_it_stands_for() {
        let base = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        assert_eq!(Pairs::detect().is_some(), base);
        assert_eq!(AvxVnni::detect().is_some(), base && is_x86_feature_detected!("avxvnni"));
        let vnni = is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl");
        assert_eq!(Avx512VnniVl::detect().is_some(), base && vnni);
    }
}
