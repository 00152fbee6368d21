use std::fmt;

use infer_code_cad_kernels::{Format, KernelError, StoredFormat};

use crate::{CheckpointError, TensorInfo};

/// What becomes of the matrices that a file stores in a format without products.
///
/// # Examples
/// ```
/// use std::path::Path;
/// use infer_code_cad_checkpoint::{Checkpoint, CheckpointError};
///
/// /// What a load of a file would round, and by how much.
/// fn lost(path: &Path) -> Result<Vec<String>, CheckpointError> {
///     let converted = Checkpoint::open(path)?.conversions(16)?;
///     Ok(converted.iter().map(ToString::to_string).collect())
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Conversion {
    /// How the file stores them.
    pub stored: StoredFormat,
    /// What they are held in for products; none where the format is not decoded and loading refuses them.
    pub held_in: Option<Format>,
    /// How many matrices.
    pub tensors: usize,
    /// How many of their weights the error was measured on.
    pub measured: usize,
    /// `sqrt(sum (held - stored)^2 / sum stored^2)`; 0 where nothing is lost, none where nothing was measured.
    pub relative_error: Option<f64>,
}

impl fmt::Display for Conversion {
    /// As "IQ4_XS in Q8_0: 30 tensors, relative RMS error 1.2e-4 on 18432 weights".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, held_in, tensors, measured, .. } = self;
        let Some(format) = held_in else {
            return write!(
                f,
                "{stored} is not read: {tensors} tensors; take a file in another format"
            );
        };
        write!(f, "{stored} in {format}: {tensors} tensors, ")?;
        match self.relative_error {
            None => f.write_str("nothing measured"),
            Some(0.0) => write!(f, "nothing lost on {measured} weights"),
            Some(error) => write!(f, "relative RMS error {error:.1e} on {measured} weights"),
        }
    }
}

/// The sums that an error is made of, over the rows of some matrices of one format.
#[derive(Debug)]
pub(crate) struct Converted {
    conversion: Conversion,
    squared_error: f64,
    squared: f64,
}

impl Converted {
    pub(crate) fn new(stored: StoredFormat) -> Self {
        let held_in = stored.held_in();
        let (tensors, measured, relative_error) = (0, 0, None);
        let conversion = Conversion { stored, held_in, tensors, measured, relative_error };
        Self { conversion, squared_error: 0.0, squared: 0.0 }
    }

    /// Counts a matrix, and measures at most so many of its rows.
    pub(crate) fn add(
        &mut self,
        tensor: &TensorInfo,
        blocks: Option<&[u8]>,
        rows: usize,
    ) -> Result<(), CheckpointError> {
        self.conversion.tensors += 1;
        let columns = tensor.shape.last().copied().unwrap_or(1);
        let Some(row_bytes) = self.conversion.stored.size_of(&[columns]).filter(|&n| n > 0) else {
            return Ok(());
        };
        let all = blocks.unwrap_or_default().chunks_exact(row_bytes);
        // Rows as far apart from each other as they can be.
        for row in all.step_by((tensor.bytes / row_bytes).div_ceil(rows.max(1)).max(1)) {
            self.measure(row, columns)?;
        }
        Ok(())
    }

    fn measure(&mut self, row: &[u8], columns: usize) -> Result<(), KernelError> {
        let Conversion { stored, held_in: Some(format), .. } = self.conversion else {
            return Ok(());
        };
        let mut held = vec![0; format.file_bytes(1, columns)?];
        let (mut exact, mut rounded) = (vec![0.0; columns], vec![0.0; columns]);
        stored.hold(row, &mut held)?;
        stored.decode(row, &mut exact)?;
        StoredFormat::from(format).decode(&held, &mut rounded)?;
        for (&exact, &rounded) in exact.iter().zip(&rounded) {
            self.squared += f64::from(exact).powi(2);
            self.squared_error += (f64::from(rounded) - f64::from(exact)).powi(2);
        }
        self.conversion.measured += columns;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Conversion {
        self.conversion.relative_error = match (self.conversion.measured, self.squared_error) {
            (0, _) => None,
            (_, 0.0) => Some(0.0), // so it is among zeros
            (_, error) => Some((error / self.squared).sqrt()),
        };
        self.conversion
    }
}
