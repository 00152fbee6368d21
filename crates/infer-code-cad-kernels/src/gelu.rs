use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::Pool;

/// Values that one part of the work covers.
const CHUNK: usize = 8192;

impl Pool {
    /// Replaces each value by `0.5 x (1 + erf(x / sqrt(2)))`, on all threads. NaN stays NaN.
    ///
    /// The error is at most `5e-7 max(1, |x|)`.
    ///
    /// Hendrycks and Gimpel, [GELUs](https://arxiv.org/abs/1606.08415), section 2.
    pub fn gelu(&self, values: &mut [f32]) {
        self.for_chunks_of_work(
            16 * values.len(),
            values,
            CHUNK,
            #[inline(always)]
            |_, chunk| {
                for x in chunk {
                    *x = 0.5 * *x * (1.0 + erf(*x * FRAC_1_SQRT_2));
                }
            },
        );
    }
}

/// Without branches or calls: `x p(x²) / q(x²)`, fitted to the least absolute error up to 4, from where on
/// it is 1 in f32.
#[inline(always)]
fn erf(x: f32) -> f32 {
    const P: [f32; 6] =
        [FRAC_2_SQRT_PI, 0.196_247_92, 0.053_467_33, 0.004_003_595, 2.880_393_3e-4, 1.974_827_2e-6];
    const Q: [f32; 6] =
        [1.0, 0.507_251_3, 0.116_475_98, 0.015_444_325, 0.001_216_345_6, 3.748_072e-5];
    let x = if x > 4.0 { 4.0 } else { x };
    let x = if x < -4.0 { -4.0 } else { x };
    let square = x * x;
    let value = |of: [f32; 6]| of.into_iter().rev().fold(0.0, |sum, factor| sum * square + factor);
    let y = x * value(P) / value(Q);
    let y = if y > 1.0 { 1.0 } else { y };
    if y < -1.0 { -1.0 } else { y }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Isa;

    /// `2 / sqrt(pi)` times the integral of `exp(-t²)` from 0 on, by Simpson's rule.
    fn exact_erf(x: f64) -> f64 {
        const STEPS: u32 = 1000; // of even number
        if x.abs() > 6.0 {
            return x.signum();
        }
        let width = x / f64::from(STEPS);
        let value = |i: u32| {
            let weight = if i == 0 || i == STEPS { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
            weight * (-(width * f64::from(i)).powi(2)).exp()
        };
        (0..=STEPS).map(value).sum::<f64>() * width / 3.0 * std::f64::consts::FRAC_2_SQRT_PI
    }

    proptest! {
        #[test]
        fn gelu_is_that_of_f64(x in prop_oneof![-8.0f32..8.0, -1e30f32..1e30]) {
            let mut out = [x];
            Pool::new(1).gelu(&mut out);
            let y = f64::from(x);
            let expected = 0.5 * y * (1.0 + exact_erf(y / 2f64.sqrt()));
            prop_assert!((f64::from(out[0]) - expected).abs() <= 5e-7 * y.abs().max(1.0));
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let values: Vec<f32> = (0..20_000).map(|i| (i as f32 - 1e4) * 1e-3).collect();
        let gelu = |pool: &Pool| {
            let mut out = values.clone();
            pool.gelu(&mut out);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let expected = gelu(&Pool::new(1));
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
            assert_eq!(gelu(&Pool::with_isa(3, isa).expect("supported")), expected);
        }
    }

    #[test]
    fn what_is_not_finite() {
        let mut values = [f32::NAN, -f32::NAN, f32::INFINITY];
        Pool::new(1).gelu(&mut values);
        assert!(values[0].is_nan() && values[1].is_nan() && values[2] == f32::INFINITY);
    }
}
