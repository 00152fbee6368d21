use candle_core::{DType, Tensor};
use infer_code_cad_kernels::{Format, PackedMatrix, Pool};

use super::linear::NativeLinear;
use super::norm::NativeNorm;
use crate::ModelError;
use crate::config::{NormKind, TransformerConfig};
use crate::host::with_slice;
use crate::loader::{Bias, Fetch};

/// Fetches tensors and packs them for the kernels.
pub(crate) struct NativeLoader<'a> {
    pub(crate) config: &'a TransformerConfig,
    pub(crate) format: Format,
    pub(crate) pool: &'a Pool,
    pub(crate) fetch: &'a mut Fetch<'a>,
}

impl NativeLoader<'_> {
    /// A tensor as f32, row-major.
    pub(crate) fn values(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let tensor = (self.fetch)(name, shape)?.to_dtype(DType::F32)?.contiguous()?;
        Ok(with_slice(&tensor, |values: &[f32]| values.to_vec())?)
    }

    pub(crate) fn norm(&mut self, name: &str) -> Result<NativeNorm, ModelError> {
        let shape = [self.config.hidden_size];
        let kind = self.config.norm;
        let mut weight = self.values(&format!("{name}.weight"), &shape)?;
        if kind == NormKind::RmsUnitOffset {
            weight.iter_mut().for_each(|w| *w += 1.0);
        }
        let bias = match kind {
            NormKind::Layer => self.values(&format!("{name}.bias"), &shape)?,
            NormKind::Rms | NormKind::RmsUnitOffset => vec![],
        };
        Ok(NativeNorm { kind, weight, bias, eps: self.config.norm_eps as f32 })
    }

    /// Projections of the same input (name, number of outputs), joined.
    pub(crate) fn linear(
        &mut self,
        parts: &[(impl AsRef<str>, usize)],
        in_features: usize,
        bias: Bias,
    ) -> Result<NativeLinear, ModelError> {
        let mut weights = vec![];
        let mut biases = vec![];
        let mut out_features = 0;
        for (name, outputs) in parts {
            let (name, outputs) = (name.as_ref(), *outputs);
            weights.push((self.fetch)(&format!("{name}.weight"), &[outputs, in_features])?);
            if bias == Bias::Present {
                biases.extend(self.values(&format!("{name}.bias"), &[outputs])?);
            }
            out_features += outputs;
        }
        let matrix = self.pack(&weights, out_features, in_features)?;
        let bias = (bias == Bias::Present).then_some(biases);
        Ok(NativeLinear { parts: vec![matrix], bias, in_features, out_features })
    }

    fn pack(
        &self,
        weights: &[Tensor],
        out_features: usize,
        in_features: usize,
    ) -> Result<PackedMatrix, ModelError> {
        // Inputs that are no whole blocks get zeros, which add nothing.
        let padded = in_features.next_multiple_of(self.format.in_features_multiple());
        let mut values = Vec::with_capacity(out_features * padded);
        for tensor in weights {
            let tensor = tensor.to_dtype(DType::F32)?.contiguous()?;
            with_slice(&tensor, |rows: &[f32]| {
                for row in rows.chunks(in_features) {
                    values.extend_from_slice(row);
                    values.resize(values.len() + padded - in_features, 0.0);
                }
            })?;
        }
        Ok(PackedMatrix::quantize(self.format, out_features, padded, &values, self.pool)?)
    }
}
