use std::arch::asm;
use std::arch::x86_64::*;

use super::byte_products::{ByteProducts, factors_and_scales, sum_of_bytes};
use super::{MAGNITUDE, RoundedRows, Simd};

/// Proof that the processor has AVX2, FMA, F16C and the products of `P`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2<P>(P);

impl<P: ByteProducts> Avx2<P> {
    #[inline(always)]
    pub(crate) fn detect() -> Option<Self> {
        P::detect().map(Self)
    }
}

impl<P: ByteProducts> Simd for Avx2<P> {
    const VECTORS: usize = 2;
    type Each<T: Copy> = [T; 2];
    const FLOAT_ROWS: usize = 5; // two sums for each, of 16 registers
    const SUMS: usize = 10;
    const DENSE_ROWS: usize = 6;
    const TILES: usize = 1;
    type Columns<T: Copy> = [T; 2];
    type Bytes = __m256i;
    type Partial = __m256i;
    type Ints = __m256i;
    type Floats = __m256;

    #[inline(always)]
    fn columns<T: Copy>(of: impl FnMut(usize) -> T) -> [T; 2] {
        std::array::from_fn(of)
    }

    #[inline(always)]
    fn each<T: Copy>(value: T) -> [T; 2] {
        [value; 2]
    }

    #[inline(always)]
    fn afresh<T>(self, slice: &[T]) -> &[T] {
        let (mut start, mut len) = (slice.as_ptr(), slice.len());
        // SAFETY: there is no instruction, so both stay those of the slice.
        unsafe {
            asm!("/* {0} {1} */", inout(reg) start, inout(reg) len, options(readonly, nostack, preserves_flags));
            std::slice::from_raw_parts(start, len)
        }
    }

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
    fn bytes(self, from: &[u8; 64], v: usize) -> __m256i {
        let half = &from.as_chunks::<32>().0[v];
        // SAFETY: `detect` found AVX2; the array has the 32 bytes.
        unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
    }

    #[inline(always)]
    fn nibbles(self, bytes: __m256i) -> [__m256i; 2] {
        // SAFETY: `detect` found AVX2.
        unsafe {
            let mask = _mm256_set1_epi8(15);
            let high = _mm256_srli_epi16::<4>(bytes);
            [_mm256_and_si256(bytes, mask), _mm256_and_si256(high, mask)]
        }
    }

    #[inline(always)]
    fn fifth_bit<const I: u32>(self, low: __m256i, high: __m256i) -> __m256i {
        // SAFETY: `detect` found AVX2.
        unsafe {
            let shifted = match I {
                0 => _mm256_slli_epi16::<4>(high),
                1 => _mm256_slli_epi16::<3>(high),
                2 => _mm256_slli_epi16::<2>(high),
                3 => _mm256_slli_epi16::<1>(high),
                4 => high,
                5 => _mm256_srli_epi16::<1>(high),
                6 => _mm256_srli_epi16::<2>(high),
                _ => _mm256_srli_epi16::<3>(high),
            };
            _mm256_or_si256(low, _mm256_and_si256(shifted, _mm256_set1_epi8(0x10)))
        }
    }

    #[inline(always)]
    fn six_bits<const I: u32>(self, low: __m256i, high: __m256i) -> __m256i {
        // SAFETY: `detect` found AVX2.
        unsafe {
            let shifted = match I {
                0 => _mm256_slli_epi16::<4>(high),
                1 => _mm256_slli_epi16::<2>(high),
                2 => high,
                _ => _mm256_srli_epi16::<2>(high),
            };
            _mm256_or_si256(low, _mm256_and_si256(shifted, _mm256_set1_epi8(0x30)))
        }
    }

    #[inline(always)]
    fn ints(self, value: i32) -> __m256i {
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_set1_epi32(value) }
    }

    #[inline(always)]
    fn start_4bit(self, offset: i32) -> __m256i {
        self.0.start_4bit(offset)
    }

    #[inline(always)]
    fn dot_4bit(self, sums: __m256i, weights: __m256i, four: i32) -> __m256i {
        self.0.dot_4bit(sums, weights, self.ints(four))
    }

    #[inline(always)]
    fn finish_4bit(self, sums: __m256i, offset: i32) -> __m256i {
        self.0.finish_4bit(sums, offset)
    }

    #[inline(always)]
    fn dot_6bit(self, sums: __m256i, weights: [__m256i; 2], [x, y]: [i32; 2]) -> __m256i {
        self.0.dot_6bit(sums, weights, [self.ints(x), self.ints(y)])
    }

    #[inline(always)]
    fn dot_8bit(self, sums: __m256i, weights: __m256i, four: i32) -> __m256i {
        self.0.dot_8bit(sums, weights, self.ints(four))
    }

    #[inline(always)]
    fn start_8bit(self, offset_128: i32) -> __m256i {
        self.ints(self.0.start_8bit(offset_128))
    }

    #[inline(always)]
    fn dot_7bit(self, sums: __m256i, weights: __m256i, four: u32) -> __m256i {
        self.0.dot_7bit(sums, weights, self.ints(four.cast_signed()))
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn to_floats(self, ints: __m256i) -> __m256 {
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_cvtepi32_ps(ints) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `detect` found FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn add_ints(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_add_epi32(a, b) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn f16s(self, from: &[u8; 32], v: usize) -> __m256 {
        let half = &from.as_chunks::<16>().0[v];
        // SAFETY: `detect` found F16C; the array has the 16 bytes.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(half.as_ptr().cast())) }
    }

    #[inline(always)]
    fn bf16_pairs(self, from: &[u8; 64], v: usize) -> [__m256; 2] {
        let pairs = self.bytes(from, v);
        // SAFETY: `detect` found AVX2.
        unsafe {
            let upper = _mm256_set1_epi32(0xffff_0000u32 as i32);
            let even = _mm256_slli_epi32::<16>(pairs);
            [_mm256_castsi256_ps(even), _mm256_castsi256_ps(_mm256_and_si256(pairs, upper))]
        }
    }

    #[inline(always)]
    fn f32s(self, from: &[u8; 64], v: usize) -> __m256 {
        // SAFETY: `detect` found AVX2.
        unsafe { _mm256_castsi256_ps(self.bytes(from, v)) }
    }

    #[inline(always)]
    fn u8s(self, from: &[u8; 16], v: usize) -> __m256 {
        let half = &from.as_chunks::<8>().0[v];
        // SAFETY: `detect` found AVX2; the array has the 8 bytes.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(half.as_ptr().cast()))) }
    }

    #[inline(always)]
    fn i8s(self, from: &[u8; 16], v: usize) -> __m256 {
        let half = &from.as_chunks::<8>().0[v];
        // SAFETY: `detect` found AVX2; the array has the 8 bytes.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(half.as_ptr().cast()))) }
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16], v: usize) -> __m256 {
        let half = &from.as_chunks::<8>().0[v];
        // SAFETY: `detect` found AVX2; the array has the 32 bytes.
        unsafe { _mm256_loadu_ps(half.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, floats: __m256, to: &mut [f32; 16], v: usize) {
        let half = &mut to.as_chunks_mut::<8>().0[v];
        // SAFETY: `detect` found AVX2; the array has the 32 bytes.
        unsafe { _mm256_storeu_ps(half.as_mut_ptr(), floats) }
    }

    #[inline(always)]
    fn round_rows(self, rows: &[[f32; 16]; 8]) -> [RoundedRows; 2] {
        let mut rounded = [RoundedRows::ZERO; 2];
        let mut factors = [0.0; 8];
        // SAFETY: `detect` found AVX2; the arrays have the bytes.
        unsafe {
            let magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(MAGNITUDE as i32));
            let mut ones = [_mm256_setzero_si256(); 8];
            for i in 0..8 {
                let low = _mm256_and_ps(self.load(&rows[i], 0), magnitude);
                let high = _mm256_and_ps(self.load(&rows[i], 1), magnitude);
                ones[i] = _mm256_max_epu32(_mm256_castps_si256(low), _mm256_castps_si256(high));
            }
            let (mut pairs, mut fours) = ([magnitude; 4], [magnitude; 2]);
            // Each step leaves half as many values of each row, and puts two vectors into one.
            for i in 0..4 {
                let (a, b) = (ones[i], ones[i + 4]);
                let low = _mm256_permute2x128_si256::<0x20>(a, b);
                let high = _mm256_permute2x128_si256::<0x31>(a, b);
                pairs[i] = _mm256_castsi256_ps(_mm256_max_epu32(low, high));
            }
            for i in 0..2 {
                let (a, b) = (pairs[2 * i], pairs[2 * i + 1]);
                let even = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(a, b));
                let odd = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(a, b));
                fours[i] = _mm256_castsi256_ps(_mm256_max_epu32(even, odd));
            }
            let even = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(fours[0], fours[1]));
            let odd = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(fours[0], fours[1]));
            let peaks = _mm256_castsi256_ps(_mm256_max_epu32(even, odd));
            let (quotients, scales) = factors_and_scales(peaks);
            _mm_storeu_ps(rounded[0].scales.as_mut_ptr(), _mm256_castps256_ps128(scales));
            _mm_storeu_ps(rounded[1].scales.as_mut_ptr(), _mm256_extractf128_ps::<1>(scales));
            _mm256_storeu_ps(factors.as_mut_ptr(), quotients);
            for (v, half) in [0, 0, 1, 1].into_iter().zip([0, 1, 0, 1]) {
                for i in 0..4 {
                    let factor = self.splat(factors[4 * half + i]);
                    let row = _mm256_mul_ps(self.load(&rows[4 * half + i], v), factor);
                    ones[i] = _mm256_cvtps_epi32(row); // to nearest, ties to even
                }
                // What is not a number is the least integer, and what is below zero becomes zero.
                let first = _mm256_packs_epi32(ones[0], ones[1]);
                let last = _mm256_packs_epi32(ones[2], ones[3]);
                let to = rounded[half].fours.as_chunks_mut::<2>().0[v].as_mut_ptr();
                _mm256_storeu_si256(to.cast(), _mm256_packus_epi16(first, last));
            }
        }
        rounded
    }

    #[inline(always)]
    fn round(self, values: &[f32; 16], factor: f32) -> ([i32; 4], i32) {
        let mut fours = [0; 4];
        // SAFETY: `detect` found AVX2; the array has the 16 bytes.
        let sum = unsafe {
            let scaled = |v| _mm256_mul_ps(self.load(values, v), self.splat(factor));
            let quants = [0, 1].map(|v| _mm256_cvtps_epi32(scaled(v))); // to nearest, ties to even
            let halves = quants.map(|ints| {
                let [low, high] =
                    [_mm256_castsi256_si128(ints), _mm256_extracti128_si256::<1>(ints)];
                _mm_packs_epi32(low, high)
            });
            let bytes = _mm_packs_epi16(halves[0], halves[1]);
            _mm_storeu_si128(fours.as_mut_ptr().cast(), bytes);
            sum_of_bytes(bytes)
        };
        (fours, sum)
    }
}
