use infer_code_cad_kernels::{Format, KernelError, PackedMatrix, Pool};

use crate::NativeError;
use crate::linear::NativeLinear;
use crate::norm::NativeNorm;
use infer_code_cad_checkpoint::architecture::Bias;
use infer_code_cad_checkpoint::{NamedTensors, NormKind, RawMatrix};

/// Fetches tensors and packs them for the kernels.
pub(crate) struct NativeLoader<'a> {
    pub(crate) norm: NormKind,
    pub(crate) norm_eps: f64,
    pub(crate) format: Option<Format>,
    pub(crate) pool: &'a Pool,
    pub(crate) fetch: &'a dyn NamedTensors,
}

impl NativeLoader<'_> {
    /// A tensor as f32, row-major.
    pub(crate) fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, NativeError> {
        Ok(self.fetch.values(name, shape)?)
    }

    pub(crate) fn norm(&self, name: &str, width: usize) -> Result<NativeNorm, NativeError> {
        let (shape, kind) = ([width], self.norm);
        let mut weight = self.values(&format!("{name}.weight"), &shape)?;
        if kind == NormKind::RmsUnitOffset {
            weight.iter_mut().for_each(|w| *w += 1.0);
        }
        let bias = match kind {
            NormKind::Layer => self.values(&format!("{name}.bias"), &shape)?,
            NormKind::Rms | NormKind::RmsUnitOffset => vec![],
        };
        Ok(NativeNorm { kind, weight, bias, eps: self.norm_eps as f32 })
    }

    /// Projections of the same input (name, number of outputs), joined.
    pub(crate) fn linear(
        &self,
        parts: &[(impl AsRef<str>, usize)],
        in_features: usize,
        bias: Bias,
    ) -> Result<NativeLinear, NativeError> {
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

    /// Neighbours of one format become one matrix. What was packed has left the file's map before
    /// the next is read.
    fn matrices(
        &self,
        parts: &[(String, usize)],
        in_features: usize,
    ) -> Result<Vec<PackedMatrix>, NativeError> {
        let mut matrices = vec![];
        let mut alike: Vec<(usize, RawMatrix<'_>)> = vec![];
        for (name, outputs) in parts {
            let Some(raw) = self.fetch.raw(name, &[*outputs, in_features])? else {
                matrices.extend(self.join(&std::mem::take(&mut alike), in_features)?);
                matrices.push(self.convert(name, *outputs, in_features)?);
                continue;
            };
            if alike.first().is_some_and(|(_, first)| first.format != raw.format) {
                matrices.extend(self.join(&std::mem::take(&mut alike), in_features)?);
            }
            alike.push((*outputs, raw));
        }
        matrices.extend(self.join(&alike, in_features)?);
        Ok(matrices)
    }

    /// Packs matrices of one stored format: as they are or in what holds it where they can be, else
    /// rounded to the format wanted. Inputs that are no whole blocks get zeros, which add nothing.
    fn join(
        &self,
        raws: &[(usize, RawMatrix<'_>)],
        in_features: usize,
    ) -> Result<Option<PackedMatrix>, NativeError> {
        let Some((_, RawMatrix { format: stored, .. })) = raws.first() else {
            return Ok(None);
        };
        let parts: Vec<(usize, &[u8])> = raws.iter().map(|(n, raw)| (*n, &**raw.bytes)).collect();
        let held = stored.held_in().ok_or(KernelError::NotDecoded { format: *stored })?;
        let format = self.format.unwrap_or(held);
        if format == held && in_features.is_multiple_of(format.in_features_multiple()) {
            return Ok(Some(PackedMatrix::hold(*stored, in_features, &parts, self.pool)?));
        }
        let row_bytes = in_features / stored.block_len() * stored.block_bytes();
        let rows: Vec<&[u8]> = parts.iter().flat_map(|(_, x)| x.chunks_exact(row_bytes)).collect();
        let padded = in_features.next_multiple_of(format.in_features_multiple());
        let read = |row: usize, out: &mut [f32]| {
            let (values, zeros) = out.split_at_mut(in_features);
            stored.decode(rows[row], values).expect("raw matrices are of formats that are decoded");
            zeros.fill(0.0);
        };
        Ok(Some(PackedMatrix::quantize_rows(format, rows.len(), padded, read, self.pool)?))
    }

    /// Rounds a matrix that is no file's.
    fn convert(
        &self,
        name: &str,
        out_features: usize,
        in_features: usize,
    ) -> Result<PackedMatrix, NativeError> {
        let values = self.values(name, &[out_features, in_features])?;
        let format = self.format.unwrap_or(Format::F32);
        let padded = in_features.next_multiple_of(format.in_features_multiple());
        let read = |row: usize, out: &mut [f32]| {
            let (to, zeros) = out.split_at_mut(in_features);
            to.copy_from_slice(&values[row * in_features..][..in_features]);
            zeros.fill(0.0);
        };
        Ok(PackedMatrix::quantize_rows(format, out_features, padded, read, self.pool)?)
    }
}

fn weight(name: &str) -> String {
    format!("{name}.weight")
}
