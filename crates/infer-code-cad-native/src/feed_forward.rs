use crate::exp::exp;
use infer_code_cad_kernels::Pool;
use libm::erff;

use infer_code_cad_checkpoint::{Activation, FeedForwardKind};

/// What is between the projections of a feed-forward block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nonlinearity {
    pub(crate) kind: FeedForwardKind,
    pub(crate) activation: Activation,
    pub(crate) width: usize,
}

impl Nonlinearity {
    /// `x`: gate and up joined or up alone, `(n_rows, 2 width or width)`; `out`: `(n_rows, width)`
    pub(crate) fn forward(&self, x: &[f32], out: &mut [f32], pool: &Pool) {
        let inputs = match self.kind {
            FeedForwardKind::Gated => 2 * self.width,
            FeedForwardKind::Plain => self.width,
        };
        pool.for_chunks(
            out,
            self.width,
            #[inline(always)]
            |i, out| self.row(&x[i * inputs..][..inputs], out),
        );
    }

    #[inline(always)]
    fn row(&self, x: &[f32], out: &mut [f32]) {
        let (first, second) = x.split_at(self.width);
        match self.activation {
            Activation::Silu => apply(first, out, silu),
            Activation::Gelu => apply(first, out, gelu),
            Activation::GeluTanh => apply(first, out, gelu_tanh),
        }
        for (out, up) in out.iter_mut().zip(second) {
            *out *= up;
        }
    }
}

#[inline(always)]
fn apply(x: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

#[inline(always)]
fn silu(x: f32) -> f32 {
    let e = exp(-x.abs());
    x * if x > 0.0 { 1.0 } else { e } / (1.0 + e)
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erff(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    const SQRT_2_OVER_PI: f32 = 0.797_884_6;
    // 0.5 (1 + tanh(u)) is the logistic function of 2 u.
    let u = SQRT_2_OVER_PI * (x + 0.044_715 * x * x * x);
    let e = exp(-2.0 * u.abs());
    x * if u > 0.0 { 1.0 } else { e } / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nan_stays_nan() {
        for nan in [f32::NAN, -f32::NAN] {
            assert!(silu(nan).is_nan() && gelu(nan).is_nan() && gelu_tanh(nan).is_nan());
        }
        let pool = Pool::new(1);
        for activation in [Activation::Silu, Activation::Gelu, Activation::GeluTanh] {
            let layer = Nonlinearity { kind: FeedForwardKind::Gated, activation, width: 3 };
            let mut out = [0.0; 3];
            // Gates, then what they let through.
            layer.forward(&[f32::NAN, 1.0, 1.0, 0.0, f32::NAN, 1.0], &mut out, &pool);
            assert!(out[0].is_nan() && out[1].is_nan() && out[2].is_finite());
        }
    }

    proptest! {
        #[test]
        fn the_functions_are_those_of_f64(x in -30f32..30.0) {
            let y = f64::from(x);
            let near = |a: f32, b: f64| (f64::from(a) - b).abs() <= 4e-7 * y.abs().max(1e-30);
            prop_assert!(near(silu(x), y / (1.0 + (-y).exp())));
            let u = (2.0 / std::f64::consts::PI).sqrt() * (y + 0.044715 * y * y * y);
            prop_assert!(near(gelu_tanh(x), 0.5 * y * (1.0 + u.tanh())));
            prop_assert!(near(gelu(x), 0.5 * y * (1.0 + libm::erf(y / 2f64.sqrt()))));
        }
    }
}
