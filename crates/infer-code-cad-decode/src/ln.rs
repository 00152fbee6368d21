/// `ln x` for normal `x > 0`, within 2 units in the last place of the larger of its two terms; 0 for `x <= 0` and
/// for less than the least normal number, so that `x ln x` is 0 there.
///
/// Without branches or calls: `x = 2^n (1 + r)` with `1 + r` about 1, and the polynomial of Cephes' `logf`.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    const FRACTION: u32 = 0x007f_ffff;
    /// The bits of the square root of one half.
    const MIDDLE: u32 = 0x3f35_04f3;
    let bits = x.to_bits();
    let raised = bits.wrapping_add(0x3f80_0000 - MIDDLE);
    let n = (raised >> 23) as i32 - 127;
    let r = f32::from_bits((raised & FRACTION) + MIDDLE) - 1.0;
    let mut p = 7.037_683_6e-2;
    for coefficient in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p * r + coefficient;
    }
    let n = n as f32;
    let square = r * r;
    let tail = p * r * square - n * 2.121_944_4e-4 - 0.5 * square; // ln 2 in two parts
    let ln = r + tail + n * 0.693_359_4;
    if x >= f32::MIN_POSITIVE { ln } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ln_is_that_of_the_standard_library(exponent in -125.9f32..10.0) {
            let x = exponent.exp2();
            let expected = f64::from(x).ln();
            prop_assert!((f64::from(ln(x)) - expected).abs() <= 1.2e-7 + 2.5e-7 * expected.abs());
        }
    }

    #[test]
    fn ln_meets_its_ends() {
        assert_eq!((ln(1.0), ln(0.0), ln(f32::MIN_POSITIVE / 2.0)), (0.0, 0.0, 0.0));
        assert!((ln(f32::MIN_POSITIVE) + 87.336_54).abs() < 1e-4);
    }
}
