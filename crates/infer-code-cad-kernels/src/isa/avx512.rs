use std::arch::x86_64::*;

use super::byte_products::{factors_and_scales, sum_of_bytes};
use super::{MAGNITUDE, RoundedRows, Simd};

/// Proof that the processor has AVX-512 F, BW and VNNI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    #[inline(always)]
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni");
        found.then_some(Self(()))
    }
}

impl Simd for Avx512 {
    const VECTORS: usize = 1;
    type Each<T: Copy> = [T; 1];
    const SUMS: usize = 24;
    const DENSE_ROWS: usize = 12;
    const TILES: usize = 2;
    type Columns<T: Copy> = [T; 2];
    type Bytes = __m512i;
    type Partial = __m512i;
    type Ints = __m512i;
    type Floats = __m512;

    #[inline(always)]
    fn columns<T: Copy>(of: impl FnMut(usize) -> T) -> [T; 2] {
        std::array::from_fn(of)
    }

    #[inline(always)]
    fn each<T: Copy>(value: T) -> [T; 1] {
        [value]
    }

    #[inline(always)]
    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma,f16c")]
        fn run<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        // SAFETY: `detect` found these instructions; AVX-512 F implies AVX2, FMA and F16C.
        unsafe { run(body) }
    }

    #[inline(always)]
    fn prefetch(self, address: *const u8) {
        // SAFETY: a prefetch of an address that does not exist does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    #[inline(always)]
    fn bytes(self, from: &[u8; 64], _: usize) -> __m512i {
        // SAFETY: `detect` found AVX-512 F; the array has the 64 bytes.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn nibbles(self, bytes: __m512i) -> [__m512i; 2] {
        // SAFETY: `detect` found AVX-512 F and BW.
        unsafe {
            let mask = _mm512_set1_epi8(15);
            let high = _mm512_srli_epi16::<4>(bytes);
            [_mm512_and_si512(bytes, mask), _mm512_and_si512(high, mask)]
        }
    }

    #[inline(always)]
    fn fifth_bit<const I: u32>(self, low: __m512i, high: __m512i) -> __m512i {
        // SAFETY: `detect` found AVX-512 F and BW.
        unsafe {
            let shifted = match I {
                0 => _mm512_slli_epi16::<4>(high),
                1 => _mm512_slli_epi16::<3>(high),
                2 => _mm512_slli_epi16::<2>(high),
                3 => _mm512_slli_epi16::<1>(high),
                4 => high,
                5 => _mm512_srli_epi16::<1>(high),
                6 => _mm512_srli_epi16::<2>(high),
                _ => _mm512_srli_epi16::<3>(high),
            };
            _mm512_or_si512(low, _mm512_and_si512(shifted, _mm512_set1_epi8(0x10)))
        }
    }

    #[inline(always)]
    fn six_bits<const I: u32>(self, low: __m512i, high: __m512i) -> __m512i {
        // SAFETY: `detect` found AVX-512 F and BW.
        unsafe {
            let mask = _mm512_set1_epi8(0x30);
            let shifted = match I {
                0 => _mm512_slli_epi16::<4>(high),
                1 => _mm512_slli_epi16::<2>(high),
                2 => high,
                _ => _mm512_srli_epi16::<2>(high),
            };
            _mm512_or_si512(low, _mm512_and_si512(shifted, mask))
        }
    }

    #[inline(always)]
    fn ints(self, value: i32) -> __m512i {
        // SAFETY: `detect` found AVX-512 F.
        unsafe { _mm512_set1_epi32(value) }
    }

    #[inline(always)]
    fn start_4bit(self, offset: i32) -> __m512i {
        self.ints(offset)
    }

    #[inline(always)]
    fn dot_4bit(self, sums: __m512i, weights: __m512i, four: i32) -> __m512i {
        self.dot_8bit(sums, weights, four)
    }

    #[inline(always)]
    fn finish_4bit(self, sums: __m512i, _: i32) -> __m512i {
        sums
    }

    #[inline(always)]
    fn dot_6bit(self, sums: __m512i, [a, b]: [__m512i; 2], [x, y]: [i32; 2]) -> __m512i {
        self.dot_8bit(self.dot_8bit(sums, a, x), b, y)
    }

    #[inline(always)]
    fn dot_8bit(self, sums: __m512i, weights: __m512i, four: i32) -> __m512i {
        // SAFETY: `detect` found AVX-512 F and VNNI.
        unsafe { _mm512_dpbusd_epi32(sums, weights, _mm512_set1_epi32(four)) }
    }

    #[inline(always)]
    fn start_8bit(self, offset_128: i32) -> __m512i {
        self.ints(offset_128)
    }

    #[inline(always)]
    fn dot_7bit(self, sums: __m512i, weights: __m512i, four: u32) -> __m512i {
        // SAFETY: `detect` found AVX-512 F and VNNI.
        unsafe { _mm512_dpbusd_epi32(sums, _mm512_set1_epi32(four.cast_signed()), weights) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `detect` found AVX-512 F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn to_floats(self, ints: __m512i) -> __m512 {
        // SAFETY: `detect` found AVX-512 F.
        unsafe { _mm512_cvtepi32_ps(ints) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `detect` found AVX-512 F.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `detect` found AVX-512 F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn add_ints(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `detect` found AVX-512 F.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `detect` found AVX-512 F.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn f16s(self, from: &[u8; 32], _: usize) -> __m512 {
        // SAFETY: `detect` found AVX-512 F; the array has the 32 bytes.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn bf16_pairs(self, from: &[u8; 64], _: usize) -> [__m512; 2] {
        let pairs = self.bytes(from, 0);
        // SAFETY: `detect` found AVX-512 F.
        unsafe {
            let upper = _mm512_set1_epi32(0xffff_0000u32 as i32);
            let even = _mm512_slli_epi32::<16>(pairs);
            [_mm512_castsi512_ps(even), _mm512_castsi512_ps(_mm512_and_si512(pairs, upper))]
        }
    }

    #[inline(always)]
    fn f32s(self, from: &[u8; 64], _: usize) -> __m512 {
        // SAFETY: `detect` found AVX-512 F; the array has the 64 bytes.
        unsafe { _mm512_loadu_ps(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn u8s(self, from: &[u8; 16], _: usize) -> __m512 {
        // SAFETY: `detect` found AVX-512 F; the array has the 16 bytes.
        unsafe {
            let bytes = _mm_loadu_si128(from.as_ptr().cast());
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
        }
    }

    #[inline(always)]
    fn i8s(self, from: &[u8; 16], _: usize) -> __m512 {
        // SAFETY: `detect` found AVX-512 F; the array has the 16 bytes.
        unsafe {
            let bytes = _mm_loadu_si128(from.as_ptr().cast());
            _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))
        }
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16], _: usize) -> __m512 {
        // SAFETY: `detect` found AVX-512 F; the array has the 64 bytes.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, floats: __m512, to: &mut [f32; 16], _: usize) {
        // SAFETY: `detect` found AVX-512 F; the array has the 64 bytes.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), floats) }
    }

    #[inline(always)]
    fn peak<const N: usize>(self, values: &[f32; N]) -> f32 {
        // SAFETY: `detect` found AVX-512 F; the arrays have the 64 bytes.
        unsafe {
            let magnitude = _mm512_set1_epi32(MAGNITUDE as i32);
            let mut peak = _mm512_setzero_si512();
            for part in values.as_chunks::<16>().0 {
                let bits = _mm512_loadu_si512(part.as_ptr().cast());
                peak = _mm512_max_epu32(peak, _mm512_and_si512(bits, magnitude));
            }
            f32::from_bits(_mm512_reduce_max_epu32(peak))
        }
    }

    #[inline(always)]
    fn round_rows(self, rows: &[[f32; 16]; 8]) -> [RoundedRows; 2] {
        let mut rounded = [RoundedRows::ZERO; 2];
        // SAFETY: `detect` found AVX-512 F and BW; the arrays have the bytes.
        unsafe {
            let magnitude = _mm512_set1_epi32(MAGNITUDE as i32);
            let (mut ones, mut pairs, mut fours) = ([magnitude; 8], [magnitude; 4], [magnitude; 2]);
            for i in 0..8 {
                let bits = _mm512_loadu_si512(rows[i].as_ptr().cast());
                ones[i] = _mm512_and_si512(bits, magnitude);
            }
            // Each step leaves half as many values of each row, and puts two vectors into one.
            for i in 0..4 {
                let (a, b) = (ones[2 * i], ones[2 * i + 1]);
                let low = _mm512_shuffle_i64x2::<0b01_00_01_00>(a, b);
                let high = _mm512_shuffle_i64x2::<0b11_10_11_10>(a, b);
                pairs[i] = _mm512_max_epu32(low, high);
            }
            for i in 0..2 {
                let (a, b) = (pairs[2 * i], pairs[2 * i + 1]);
                let even = _mm512_shuffle_i64x2::<0b10_00_10_00>(a, b);
                let odd = _mm512_shuffle_i64x2::<0b11_01_11_01>(a, b);
                fours[i] = _mm512_max_epu32(even, odd);
            }
            let low = _mm512_unpacklo_epi64(fours[0], fours[1]);
            let high = _mm512_unpackhi_epi64(fours[0], fours[1]);
            let twos = _mm512_max_epu32(low, high);
            let swapped = _mm512_shuffle_epi32::<0b10_11_00_01>(twos);
            // Row i is in the 128 bits of i % 4, in their half of i / 4.
            let order = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);
            let peaks = _mm512_permutexvar_epi32(order, _mm512_max_epu32(twos, swapped));
            let peaks = _mm256_castsi256_ps(_mm512_castsi512_si256(peaks));
            let (factors, scales) = factors_and_scales(peaks);
            _mm_storeu_ps(rounded[0].scales.as_mut_ptr(), _mm256_castps256_ps128(scales));
            _mm_storeu_ps(rounded[1].scales.as_mut_ptr(), _mm256_extractf128_ps::<1>(scales));
            let factors = _mm512_castps256_ps512(factors);
            for i in 0..8 {
                let factor = _mm512_permutexvar_ps(_mm512_set1_epi32(i as i32), factors);
                let row = _mm512_mul_ps(_mm512_loadu_ps(rows[i].as_ptr()), factor);
                ones[i] = _mm512_cvtps_epi32(row); // to nearest, ties to even
            }
            // What is not a number is the least integer, and what is below zero becomes zero.
            for i in 0..2 {
                let first = _mm512_packs_epi32(ones[4 * i], ones[4 * i + 1]);
                let last = _mm512_packs_epi32(ones[4 * i + 2], ones[4 * i + 3]);
                let bytes = _mm512_packus_epi16(first, last);
                _mm512_storeu_si512(rounded[i].fours.as_mut_ptr().cast(), bytes);
            }
        }
        rounded
    }

    #[inline(always)]
    fn round(self, values: &[f32; 16], factor: f32) -> ([i32; 4], i32) {
        let mut fours = [0; 4];
        // SAFETY: `detect` found AVX-512 F; the arrays have the 64 and 16 bytes.
        let sum = unsafe {
            let scaled = _mm512_mul_ps(_mm512_loadu_ps(values.as_ptr()), self.splat(factor));
            let bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(scaled)); // to nearest, ties to even
            _mm_storeu_si128(fours.as_mut_ptr().cast(), bytes);
            sum_of_bytes(bytes)
        };
        (fours, sum)
    }
}
