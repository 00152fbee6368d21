/// `e^x` for `x <= 0`, within 2 units in the last place; zero from -87 down, NaN of a NaN.
///
/// `2^n e^r` with `x = n ln 2 + r` and the polynomial of Cephes' `expf`, in fused multiply-adds: fewer
/// instructions, where a processor has them. Sampling is compiled for those that lack them too, where each is a call:
/// it has an `exp` of its own, with other bits.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// `1.5 * 2^23`: adding it rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(2.121_944_4e-4, n.mul_add(-0.693_359_4, x)); // ln 2 in two parts
    let mut p = 1.987_569_1e-4f32;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p.mul_add(r, coefficient);
    }
    let fraction = p.mul_add(r * r, r) + 1.0;
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    // What was computed of less is no power. A NaN is not less, and stays.
    if x <= -87.0 { 0.0 } else { fraction * power }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exp_is_that_of_the_standard_library(x in -87.0f32..=0.0) {
            let expected = f64::from(x).exp();
            prop_assert!((f64::from(exp(x)) - expected).abs() <= 2.5e-7 * expected);
        }
    }

    #[test]
    fn exp_meets_its_ends() {
        assert_eq!(
            (exp(0.0), exp(-87.0), exp(-100.0), exp(f32::NEG_INFINITY)),
            (1.0, 0.0, 0.0, 0.0)
        );
        assert!(exp(-86.999_99) > 0.0);
        for nan in [f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001), f32::from_bits(0xffff_ffff)] {
            assert!(exp(nan).is_nan(), "{:x}", nan.to_bits());
        }
    }
}
