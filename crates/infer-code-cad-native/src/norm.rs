use infer_code_cad_kernels::Pool;

use crate::softmax::LANES;
use infer_code_cad_checkpoint::NormKind;

/// Normalises each row; see [`NormKind`].
#[derive(Debug)]
pub(crate) struct NativeNorm {
    pub(crate) kind: NormKind,
    /// With the one of [`NormKind::RmsUnitOffset`] added, `(hidden_size)`.
    pub(crate) weight: Vec<f32>,
    /// Empty unless [`NormKind::Layer`].
    pub(crate) bias: Vec<f32>,
    pub(crate) eps: f32,
}

impl NativeNorm {
    /// Memory that the weights take.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.weight) + size_of_val(&*self.bias)
    }

    /// `x`, `out`: `(n_rows, hidden_size)`
    pub(crate) fn forward(&self, x: &[f32], out: &mut [f32], pool: &Pool) {
        let hidden = self.weight.len();
        pool.for_chunks_of_work(
            2 * x.len(),
            out,
            hidden,
            #[inline(always)]
            |i, out| self.row(&x[i * hidden..][..hidden], out),
        );
    }

    /// Normalises a row where it is, without a mean.
    #[inline(always)]
    pub(crate) fn in_place(&self, x: &mut [f32]) {
        let scale = self.rms_scale(x);
        for (x, w) in x.iter_mut().zip(&self.weight) {
            *x = *x * scale * w;
        }
    }

    #[inline(always)]
    fn rms_scale(&self, x: &[f32]) -> f32 {
        (sum(x, |x| x * x) / x.len() as f32 + self.eps).sqrt().recip()
    }

    #[inline(always)]
    fn row(&self, x: &[f32], out: &mut [f32]) {
        match self.kind {
            NormKind::Rms | NormKind::RmsUnitOffset => {
                let scale = self.rms_scale(x);
                for ((out, x), w) in out.iter_mut().zip(x).zip(&self.weight) {
                    *out = x * scale * w;
                }
            }
            NormKind::Layer => {
                let n = x.len() as f32;
                let mean = sum(x, |x| x) / n;
                let variance = sum(x, |x| (x - mean) * (x - mean)) / n;
                let scale = (variance + self.eps).sqrt().recip();
                let parameters = self.weight.iter().zip(&self.bias);
                for ((out, x), (w, b)) in out.iter_mut().zip(x).zip(parameters) {
                    *out = (x - mean) * scale * w + b;
                }
            }
        }
    }
}

/// The sum of `f(x)`, in lanes: one order for every instruction set.
#[inline(always)]
pub(crate) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|&x| f(x)).sum();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_nan_makes_its_whole_row_nan_and_no_other(width in 1usize..40, at in 0usize..40) {
            let mut x = vec![1.5; 3 * width];
            x[width + at % width] = f32::NAN;
            for kind in [NormKind::Rms, NormKind::RmsUnitOffset, NormKind::Layer] {
                let (weight, bias) = (vec![1.0; width], vec![0.5; width]);
                let norm = NativeNorm { kind, weight, bias, eps: 1e-5 };
                let mut out = vec![0.0; x.len()];
                norm.forward(&x, &mut out, &Pool::new(1));
                for (i, row) in out.chunks(width).enumerate() {
                    prop_assert!(row.iter().all(|x| x.is_nan() == (i == 1)));
                }
            }
        }
    }
}
