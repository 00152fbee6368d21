use half::f16;

use super::Simd;

/// Plain Rust: the twin every other implementation is tested against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scalar;

impl Scalar {
    fn dot(sums: [i32; 16], weights: [u8; 64], four: i32, offset: i32) -> [i32; 16] {
        let [a, b, c, d] = four.to_le_bytes().map(|byte| i32::from(byte as i8));
        std::array::from_fn(|lane| {
            let weight = |i| i32::from(weights[lane * 4 + i]) - offset;
            sums[lane] + weight(0) * a + weight(1) * b + weight(2) * c + weight(3) * d
        })
    }
}

impl Simd for Scalar {
    const VECTORS: usize = 1;
    type Each<T: Copy> = [T; 1];
    const INT8_ROWS: usize = 4;
    const FLOAT_ROWS: usize = 4;
    const SUMS: usize = 1;
    const DENSE_ROWS: usize = 1;
    const TILES: usize = 1;
    type Columns<T: Copy> = [T; 1];
    type Bytes = [u8; 64];
    type Partial = [i32; 16];
    type Ints = [i32; 16];
    type Floats = [f32; 16];

    fn columns<T: Copy>(of: impl FnMut(usize) -> T) -> [T; 1] {
        std::array::from_fn(of)
    }

    fn each<T: Copy>(value: T) -> [T; 1] {
        [value]
    }

    fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        body()
    }

    fn prefetch(self, _: *const u8) {}

    fn bytes(self, from: &[u8; 64], _: usize) -> [u8; 64] {
        *from
    }

    fn nibbles(self, bytes: [u8; 64]) -> [[u8; 64]; 2] {
        [bytes.map(|byte| byte & 15), bytes.map(|byte| byte >> 4)]
    }

    fn fifth_bit<const I: u32>(self, low: [u8; 64], high: [u8; 64]) -> [u8; 64] {
        std::array::from_fn(|i| low[i] | (high[i] >> I & 1) << 4)
    }

    fn six_bits<const I: u32>(self, low: [u8; 64], high: [u8; 64]) -> [u8; 64] {
        std::array::from_fn(|i| low[i] | ((high[i] >> (2 * I)) & 3) << 4)
    }

    fn ints(self, value: i32) -> [i32; 16] {
        [value; 16]
    }

    fn start_4bit(self, offset: i32) -> [i32; 16] {
        [offset; 16]
    }

    fn dot_4bit(self, sums: [i32; 16], weights: [u8; 64], four: i32) -> [i32; 16] {
        Self::dot(sums, weights, four, 0)
    }

    fn finish_4bit(self, sums: [i32; 16], _: i32) -> [i32; 16] {
        sums
    }

    fn dot_6bit(self, sums: [i32; 16], [a, b]: [[u8; 64]; 2], [x, y]: [i32; 2]) -> [i32; 16] {
        Self::dot(Self::dot(sums, a, x, 0), b, y, 0)
    }

    fn dot_8bit(self, sums: [i32; 16], weights: [u8; 64], four: i32) -> [i32; 16] {
        Self::dot(sums, weights, four, 128)
    }

    fn start_8bit(self, _: i32) -> [i32; 16] {
        [0; 16]
    }

    fn dot_7bit(self, sums: [i32; 16], weights: [u8; 64], four: u32) -> [i32; 16] {
        let unsigned = four.to_le_bytes();
        std::array::from_fn(|lane| {
            let product = |i| i32::from(weights[lane * 4 + i] as i8) * i32::from(unsigned[i]);
            sums[lane] + product(0) + product(1) + product(2) + product(3)
        })
    }

    fn splat(self, value: f32) -> [f32; 16] {
        [value; 16]
    }

    fn to_floats(self, ints: [i32; 16]) -> [f32; 16] {
        ints.map(|int| int as f32)
    }

    fn mul(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| a[i] * b[i])
    }

    fn fma(self, a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
    }

    fn add_ints(self, a: [i32; 16], b: [i32; 16]) -> [i32; 16] {
        std::array::from_fn(|i| a[i] + b[i])
    }

    fn add(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| a[i] + b[i])
    }

    fn f16s(self, from: &[u8; 32], _: usize) -> [f32; 16] {
        std::array::from_fn(|i| f16::from_le_bytes([from[2 * i], from[2 * i + 1]]).to_f32())
    }

    fn bf16_pairs(self, from: &[u8; 64], _: usize) -> [[f32; 16]; 2] {
        [0, 2].map(|odd| {
            std::array::from_fn(|i| {
                f32::from_le_bytes([0, 0, from[4 * i + odd], from[4 * i + odd + 1]])
            })
        })
    }

    fn f32s(self, from: &[u8; 64], _: usize) -> [f32; 16] {
        std::array::from_fn(|i| f32::from_le_bytes(from.as_chunks().0[i]))
    }

    fn u8s(self, from: &[u8; 16], _: usize) -> [f32; 16] {
        from.map(f32::from)
    }

    fn i8s(self, from: &[u8; 16], _: usize) -> [f32; 16] {
        from.map(|byte| f32::from(byte as i8))
    }

    fn load(self, from: &[f32; 16], _: usize) -> [f32; 16] {
        *from
    }

    fn store(self, floats: [f32; 16], to: &mut [f32; 16], _: usize) {
        *to = floats;
    }
}
