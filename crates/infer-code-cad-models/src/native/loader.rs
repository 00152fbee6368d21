use candle_core::DType;
use infer_code_cad_kernels::{Format, PackedMatrix, Pool};

use super::linear::NativeLinear;
use super::norm::NativeNorm;
use crate::ModelError;
use crate::config::{NormKind, TransformerConfig};
use crate::host::with_slice;
use crate::loader::{Bias, Fetch, RawMatrix};
use crate::native::WeightFormat;

/// Fetches tensors and packs them for the kernels.
pub(crate) struct NativeLoader<'a> {
    pub(crate) config: &'a TransformerConfig,
    pub(crate) format: WeightFormat,
    pub(crate) pool: &'a Pool,
    pub(crate) fetch: &'a dyn Fetch,
}

impl NativeLoader<'_> {
    /// A tensor as f32, row-major.
    pub(crate) fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let tensor = self.fetch.tensor(name, shape)?.to_dtype(DType::F32)?.contiguous()?;
        Ok(with_slice(&tensor, |values: &[f32]| values.to_vec())?)
    }

    pub(crate) fn norm(&self, name: &str) -> Result<NativeNorm, ModelError> {
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
        &self,
        parts: &[(impl AsRef<str>, usize)],
        in_features: usize,
        bias: Bias,
    ) -> Result<NativeLinear, ModelError> {
        let mut biases = vec![];
        for (name, outputs) in parts.iter().filter(|_| bias == Bias::Present) {
            biases.extend(self.values(&format!("{}.bias", name.as_ref()), &[*outputs])?);
        }
        let names: Vec<_> = parts.iter().map(|(name, n)| (weight(name.as_ref()), *n)).collect();
        Ok(NativeLinear {
            parts: self.matrices(&names, in_features)?,
            bias: (bias == Bias::Present).then_some(biases),
            in_features,
            out_features: names.iter().map(|(_, outputs)| outputs).sum(),
        })
    }

    /// Neighbours of one format become one matrix.
    fn matrices(
        &self,
        parts: &[(String, usize)],
        in_features: usize,
    ) -> Result<Vec<PackedMatrix>, ModelError> {
        let mut matrices = vec![];
        let mut raws: Vec<(usize, RawMatrix<'_>)> = vec![];
        for (name, outputs) in parts {
            let raw = self.fetch.raw(name, &[*outputs, in_features])?;
            let stored = raw.as_ref().map(|raw| raw.format);
            if raws.first().is_some_and(|(_, first)| Some(first.format) != stored) {
                matrices.push(self.join(&std::mem::take(&mut raws), in_features)?);
            }
            match raw {
                Some(raw) if self.is_as_wanted(raw.format, in_features) => {
                    raws.push((*outputs, raw));
                }
                _ => matrices.push(self.convert(name, stored, *outputs, in_features)?),
            }
        }
        if !raws.is_empty() {
            matrices.push(self.join(&raws, in_features)?);
        }
        Ok(matrices)
    }

    fn is_as_wanted(&self, stored: Format, in_features: usize) -> bool {
        let wanted = self.format.packed().is_none_or(|wanted| wanted == stored);
        wanted && in_features.is_multiple_of(stored.in_features_multiple())
    }

    fn join(
        &self,
        raws: &[(usize, RawMatrix<'_>)],
        in_features: usize,
    ) -> Result<PackedMatrix, ModelError> {
        let parts: Vec<_> = raws.iter().map(|(outputs, raw)| (*outputs, &*raw.bytes)).collect();
        Ok(PackedMatrix::join(raws[0].1.format, in_features, &parts, self.pool)?)
    }

    /// Rounds a matrix to the format wanted. Inputs that are no whole blocks get zeros, which add
    /// nothing.
    fn convert(
        &self,
        name: &str,
        stored: Option<Format>,
        out_features: usize,
        in_features: usize,
    ) -> Result<PackedMatrix, ModelError> {
        let tensor = self.fetch.tensor(name, &[out_features, in_features])?;
        // Of what the kernels do not know, 8 bits lose the least.
        let format = self.format.packed().or(stored).unwrap_or(Format::Q8_0);
        let padded = in_features.next_multiple_of(format.in_features_multiple());
        let tensor = tensor.to_dtype(DType::F32)?;
        let tensor = tensor.pad_with_zeros(1, 0, padded - in_features)?.contiguous()?;
        let pack = |values: &[f32]| {
            PackedMatrix::quantize(format, out_features, padded, values, self.pool)
        };
        Ok(with_slice(&tensor, pack)??)
    }
}

fn weight(name: &str) -> String {
    format!("{name}.weight")
}
