//! Blocks whose elements are small integers times a scale that 32 neighbours, or more, share.

use std::array;

use crate::StoredFormat;
use crate::block_decode::{half, nibble, two_bits};

/// What a nibble of IQ4_NL and IQ4_XS stands for: the steps are smaller near zero.
const NON_LINEAR: [i8; 16] =
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// What a nibble of MXFP4 and NVFP4 stands for, doubled: a sign, two bits of exponent, one of mantissa, as
/// in the [MX specification](https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf).
pub(crate) const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// The scale of 32 elements of a block, from element `32 * part` on, and their integers.
///
/// # Panics
/// When `bytes` is no block, or the format none of these.
pub(crate) fn part(format: StoredFormat, bytes: &[u8], part: usize) -> (f32, [i8; 32]) {
    let each = |quant: &dyn Fn(usize) -> i8| array::from_fn(|i| quant(32 * part + i));
    let non_linear = |quants: &[u8], i: usize| NON_LINEAR[usize::from(nibble(quants, i % 32))];
    match format {
        StoredFormat::IQ4_NL => (half(bytes, 0), each(&|i| non_linear(&bytes[2..], i))),
        StoredFormat::IQ4_XS => {
            let low = bytes[4 + part / 2] >> (part % 2 * 4) & 0xf;
            let high = bytes[2 + part / 4] >> (part % 4 * 2) & 3;
            let scale = half(bytes, 0) * (f32::from(low | high << 4) - 32.0);
            (scale, each(&|i| non_linear(&bytes[8 + 16 * part..], i)))
        }
        StoredFormat::MXFP4 => {
            (power_of_two(bytes[0]), each(&|i| E2M1[usize::from(nibble(&bytes[1..], i))]))
        }
        StoredFormat::TQ1_0 => (half(bytes, 52), each(&|i| trit(bytes, i))),
        StoredFormat::TQ2_0 => (half(bytes, 64), each(&|i| two_bits(bytes, i) as i8 - 1)),
        StoredFormat::Q1_0 => {
            (half(bytes, 0), each(&|i| (bytes[2 + i / 8] >> (i % 8) & 1) as i8 * 2 - 1))
        }
        StoredFormat::Q2_0 => {
            (half(bytes, 0), each(&|i| (bytes[2 + i / 4] >> (i % 4 * 2) & 3) as i8 - 1))
        }
        other => unreachable!("the elements of {other} are no integers of one scale"),
    }
}

/// `2^(exponent - 128)`: half of what E8M0 says, as the integers are doubled.
pub(crate) fn power_of_two(exponent: u8) -> f32 {
    let exponent = u32::from(exponent);
    f32::from_bits(match exponent {
        0 | 1 => 0x0020_0000 << exponent, // too small for a leading one
        _ => (exponent - 1) << 23,
    })
}

/// Element `i` of 256 of TQ1_0: bytes are fractions of 256 in base 3, five digits each, the last four of the 52
/// bytes four digits. Digit `n` of neighbouring bytes are neighbours.
fn trit(bytes: &[u8], i: usize) -> i8 {
    let (first, start, width) = match i {
        0..160 => (0, 0, 32),
        160..240 => (160, 32, 16),
        _ => (240, 48, 4),
    };
    let (digit, at) = ((i - first) / width, start + (i - first) % width);
    let shifted = bytes[at].wrapping_mul(3u8.pow(digit as u32));
    ((u16::from(shifted) * 3) >> 8) as i8 - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exponent_is_its_power_of_two() {
        for exponent in 0..=u8::MAX {
            let expected = 2f64.powi(i32::from(exponent) - 128);
            assert_eq!(f64::from(power_of_two(exponent)), expected, "{exponent}");
        }
    }

    #[test]
    fn digits_of_base_three_come_back() {
        // Digits 2, 1, 0, 2, 1 of a byte: rounded up, so that the multiplications cut off nothing.
        let number = ((2 * 81 + 27 + 2 * 3 + 1) * 256u32).div_ceil(243) as u8;
        let mut bytes = [0; 54];
        (bytes[7], bytes[40], bytes[51]) = (number, number, number);
        let digits = [1, 0, -1, 1, 0];
        for (digit, expected) in digits.into_iter().enumerate() {
            assert_eq!(trit(&bytes, 32 * digit + 7), expected);
            assert_eq!(trit(&bytes, 160 + 16 * digit + 8), expected);
        }
        for (digit, expected) in digits.into_iter().take(4).enumerate() {
            assert_eq!(trit(&bytes, 240 + 4 * digit + 3), expected);
        }
    }
}
