use std::ops::Range;

use super::kernels::{self, Block, Results};
use super::{DenseFormat, DenseRows, LINE, PANEL};
use crate::activations::Group;
use crate::disjoint::Disjoint;
use crate::format::TILE;
use crate::hadamard::turn;
use crate::isa::{Simd, with_simd};
use crate::memory::AlignedBytes;
use crate::{KernelError, Pool};

/// Parts of the work per thread: enough that a thread which is held up leaves others something to take.
const PARTS_PER_THREAD: usize = 8;
/// Groups of rows that are multiplied with all panels of a part before the next: they stay in the
/// second-level cache.
const GROUPS_AT_ONCE: usize = 20;
/// Steps of f32 inputs that are multiplied at once: their weights stay in the first-level cache.
const F32_BLOCK: usize = 256;
/// Inputs for which sums of products surely fit: `65536 * 255 * 127 < 2^31`.
const MOST_INPUTS: usize = 1 << 16;
/// Weights of an output that are all below this count as zero: quotients would overflow.
const TINY: f32 = 1e-30;

/// The weights and the bias of a linear layer, packed for products of many rows.
///
/// # Examples
/// ```
/// use infer_code_cad_kernels::{DenseFormat, DenseMatrix, DenseRows, Pool};
///
/// let pool = Pool::new(2);
/// let (weights, bias) = ([1.0, 2.0, 3.0, -1.0, 0.5, 0.0], [10.0, 20.0]); // (2, 3), (2)
/// let layer = DenseMatrix::pack(DenseFormat::F32, 3, &weights, &bias, &pool)?;
/// let mut rows = DenseRows::default();
/// rows.set(DenseFormat::F32, 3, &[1.0, 1.0, 1.0, 0.0, 2.0, 0.0], &pool)?;
/// let mut out = [0.0; 4];
/// layer.multiply(&rows, &mut out, &pool)?;
/// assert_eq!(out, [16.0, 19.5, 14.0, 21.0]);
/// # Ok::<(), infer_code_cad_kernels::KernelError>(())
/// ```
#[derive(Debug)]
pub struct DenseMatrix {
    format: DenseFormat,
    in_features: usize,
    out_features: usize,
    panels: AlignedBytes,
    outputs: Vec<OutputParameters>, // (panels)
}

/// Of the outputs of one panel; zeros beyond the last output.
#[derive(Debug, Clone)]
pub(super) struct OutputParameters {
    pub(super) bias: [f32; PANEL],
    /// Of int8 weights.
    pub(super) scale: [f32; PANEL],
}

impl DenseMatrix {
    /// Packs `weights`, `(out_features, in_features)`, where `bias` has one value for each output.
    ///
    /// Int8 weights of an output that has an infinity or a NaN make that output NaN.
    ///
    /// # Errors
    /// [`KernelError::Shape`] if it is empty or a row has more than 65,536 inputs, [`KernelError::Length`]
    /// if `weights` has another length, [`KernelError::OutOfMemory`].
    pub fn pack(
        format: DenseFormat,
        in_features: usize,
        weights: &[f32],
        bias: &[f32],
        pool: &Pool,
    ) -> Result<Self, KernelError> {
        let (out_features, actual) = (bias.len(), weights.len());
        if out_features == 0 || in_features == 0 || in_features > MOST_INPUTS {
            return Err(KernelError::Shape { out_features, in_features });
        }
        let expected = out_features.checked_mul(in_features);
        let expected = expected.ok_or(KernelError::Shape { out_features, in_features })?;
        if expected != actual {
            return Err(KernelError::Length { what: "the dense matrix", expected, actual });
        }
        let n_panels = out_features.div_ceil(PANEL);
        let none = OutputParameters { bias: [0.0; PANEL], scale: [0.0; PANEL] };
        let mut outputs = vec![none; n_panels];
        for (outputs, bias) in outputs.iter_mut().zip(bias.chunks(PANEL)) {
            outputs.bias[..bias.len()].copy_from_slice(bias);
        }
        let parameters = Disjoint::new(&mut outputs);
        let bytes = 2 * in_features.div_ceil(format.inputs_per_step()) * LINE;
        let panels = AlignedBytes::filled(n_panels, bytes, pool, |i, panel| {
            // SAFETY: each panel is filled once, and has its own parameters.
            let [outputs] = (unsafe { parameters.part(i..i + 1) }) else { unreachable!("one") };
            let rows = weights[i * PANEL * in_features..].chunks(in_features).take(PANEL);
            for (lane, row) in rows.enumerate() {
                let tile = &mut panel[lane / TILE * bytes / 2..][..bytes / 2];
                match format {
                    DenseFormat::F32 => pack_f32(row, lane % TILE, tile),
                    DenseFormat::Int8 => {
                        let (scale, quants) = pool.isa().vectorize(
                            #[inline(always)]
                            || quantize(row),
                        );
                        outputs.scale[lane] = scale;
                        pack_int8(&quants, lane % TILE, tile);
                    }
                }
            }
        })?;
        Ok(Self { format, in_features, out_features, panels, outputs })
    }

    /// `out[r][o] = bias[o] + sum of rows[r][i] * weights[o][i]`.
    ///
    /// The result of a row depends on nothing else, in all its bits: not on other rows, the threads, or
    /// the instruction set. With int8 weights, a row with an infinity or a NaN becomes NaN, as does one
    /// whose sums exceed all floats.
    ///
    /// # Shapes
    /// `out`: `(rows, out_features)`, overwritten.
    ///
    /// # Errors
    /// [`KernelError::InnerDimension`], [`KernelError::DenseFormat`] or [`KernelError::OtherIsa`] if the
    /// rows were not set for this matrix on this pool, [`KernelError::Length`] if `out` has another
    /// shape.
    pub fn multiply(
        &self,
        rows: &DenseRows,
        out: &mut [f32],
        pool: &Pool,
    ) -> Result<(), KernelError> {
        self.check(rows, out, pool)?;
        let n_panels = self.outputs.len();
        let n_parts = if pool.threads() == 1 { 1 } else { pool.threads() * PARTS_PER_THREAD };
        let n_parts = n_parts.min(n_panels);
        let out = Disjoint::new(out);
        with_simd!(pool.isa(), simd => pool.run(n_parts, |part| {
            let panels = n_panels * part / n_parts..n_panels * (part + 1) / n_parts;
            self.multiply_panels(simd, panels, rows, &out);
        }));
        Ok(())
    }

    fn check(&self, rows: &DenseRows, out: &[f32], pool: &Pool) -> Result<(), KernelError> {
        let (expected, actual) = (rows.rows() * self.out_features, out.len());
        if rows.in_features() != self.in_features {
            let (matrix, activations) = (self.in_features, rows.in_features());
            return Err(KernelError::InnerDimension { matrix, activations });
        }
        if rows.format() != self.format {
            let (matrix, rows) = (self.format, rows.format());
            return Err(KernelError::DenseFormat { matrix, rows });
        }
        if rows.isa() != pool.isa() {
            return Err(KernelError::OtherIsa { activations: rows.isa(), pool: pool.isa() });
        }
        if expected != actual {
            return Err(KernelError::Length { what: "the product", expected, actual });
        }
        Ok(())
    }

    /// All rows times some panels.
    fn multiply_panels<S: Simd>(
        &self,
        simd: S,
        panels: Range<usize>,
        rows: &DenseRows,
        out: &Disjoint<'_, f32>,
    ) {
        let (groups, n_steps) = (rows.groups(), self.n_steps());
        let at_once = match self.format {
            DenseFormat::F32 => F32_BLOCK,
            DenseFormat::Int8 => n_steps, // else the integers had to be kept
        };
        for first in (0..groups.count()).step_by(GROUPS_AT_ONCE) {
            for start in (0..n_steps).step_by(at_once) {
                let steps = start..(start + at_once).min(n_steps);
                for tile in (2 * panels.start..2 * panels.end).step_by(S::TILES) {
                    let block = self.block(tile, S::TILES, steps.clone());
                    for i in first..groups.count().min(first + GROUPS_AT_ONCE) {
                        let group = groups.get(i);
                        let mut part = Part { matrix: self, out, group, tile, tiles: S::TILES };
                        kernels::multiply(simd, &block, rows, group, &mut part);
                    }
                }
            }
        }
    }

    fn block(&self, tile: usize, tiles: usize, steps: Range<usize>) -> Block<'_> {
        let lines = self.panels.as_chunks().0;
        let tiles = &lines[tile * self.n_steps()..][..tiles * self.n_steps()];
        Block { tiles, steps, outputs: &self.outputs[tile / 2], tile: tile % 2 }
    }

    fn n_steps(&self) -> usize {
        self.in_features.div_ceil(self.format.inputs_per_step())
    }

    /// How the weights are stored.
    pub fn format(&self) -> DenseFormat {
        self.format
    }

    /// Length of a result.
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// Length of a row.
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    /// Memory that the packed weights and the bias take.
    pub fn bytes(&self) -> usize {
        self.panels.len() + size_of_val(&*self.outputs)
    }
}

/// Where the results of a group and some tiles go.
struct Part<'a, 'o> {
    matrix: &'a DenseMatrix,
    out: &'a Disjoint<'o, f32>,
    group: Group,
    tile: usize,
    tiles: usize,
}

impl Part<'_, '_> {
    /// The outputs there are: the last tiles may be filled up, or be none.
    #[expect(clippy::mut_from_ref, reason = "each has its own, as said below")]
    fn row(&self, row: usize) -> &mut [f32] {
        let (width, first) = (self.matrix.out_features, self.tile * TILE);
        let end = width.min(first + self.tiles * TILE);
        let at = (self.group.first + row) * width;
        // SAFETY: no two parts have a row and an output in common, and `load` and `store` hold what they
        // get no longer than they run.
        unsafe { self.out.part(at + first.min(end)..at + end) }
    }
}

impl Results for Part<'_, '_> {
    #[inline(always)]
    fn load(&self, row: usize, to: &mut [f32; PANEL]) {
        let from = self.row(row);
        match <&mut [f32; TILE]>::try_from(&mut *from) {
            Ok(whole) => to[..TILE].copy_from_slice(whole), // of known length: a few instructions
            Err(_) => to[..from.len()].copy_from_slice(from),
        }
    }

    #[inline(always)]
    fn store(&mut self, row: usize, from: &[f32; PANEL]) {
        let to = self.row(row);
        match <&mut [f32; TILE]>::try_from(&mut *to) {
            Ok(whole) => whole.copy_from_slice(&from[..TILE]),
            Err(_) => to.copy_from_slice(&from[..to.len()]),
        }
    }
}

fn pack_f32(row: &[f32], lane: usize, tile: &mut [u8]) {
    for (line, weight) in tile.as_chunks_mut::<LINE>().0.iter_mut().zip(row) {
        line[lane * 4..][..4].copy_from_slice(&weight.to_le_bytes());
    }
}

/// As `q + 128`.
fn pack_int8(row: &[i8], lane: usize, tile: &mut [u8]) {
    for (line, four) in tile.as_chunks_mut::<LINE>().0.iter_mut().zip(row.chunks(4)) {
        for (byte, quant) in line[lane * 4..].iter_mut().zip(four) {
            *byte = quant.cast_unsigned() ^ 0x80;
        }
    }
}

/// The scale and the integers, turned; the scale is NaN if a weight is not finite.
#[inline(always)]
fn quantize(row: &[f32]) -> (f32, Vec<i8>) {
    let mut row = row.to_vec();
    let n_turned = turn(&mut row) as f32;
    if !row.iter().all(|x| x.is_finite()) {
        return (f32::NAN, vec![0; row.len()]);
    }
    let peak = row.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    if peak < TINY {
        return (0.0, vec![0; row.len()]);
    }
    let quants = row.iter().map(|x| (x / peak * 127.0).round_ties_even() as i8);
    (peak / 127.0 / n_turned, quants.collect())
}
