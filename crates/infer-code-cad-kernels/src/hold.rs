//! Stored blocks in the format that a model holds them in.

use half::f16;

use crate::quantize::{fifth_bits, put_low_bits, quantize_row};
use crate::quantize_k::put_six_bits;
use crate::{Format, KernelError, StoredFormat};
use crate::{block_decode, scaled};

impl StoredFormat {
    /// The format that its blocks are held in for products: its own where that has products, else the
    /// smallest that holds its values as they are, else Q8_0; none where it is not decoded.
    ///
    /// [`StoredFormat::hold`] says what is lost, `docs/formats.md` how much.
    pub fn held_in(self) -> Option<Format> {
        use StoredFormat::*;
        match self {
            TQ1_0 | TQ2_0 | Q1_0 | Q2_0 => Some(Format::Q4_0),
            MXFP4 => Some(Format::Q5_0),
            Q3_K => Some(Format::Q6_K),
            IQ4_NL | IQ4_XS | Q2_K | NVFP4 => Some(Format::Q8_0),
            own => Format::try_from(own).ok(),
        }
    }

    /// Turns whole blocks to those of [`StoredFormat::held_in`], in `held`, which must be as long as they
    /// are.
    ///
    /// Nothing is lost from what has products, Q3_K, IQ4_NL, TQ1_0, TQ2_0, Q1_0 and Q2_0: the decoded values
    /// are the same bit for bit. MXFP4 keeps its values where its scale is one of f16 (2^-24 to 2^15), and
    /// those of IQ4_XS move by the rounding of `d * scale` to f16 (at most 2^-11 of each, or 2^-25 times its
    /// integer). Q2_K and NVFP4 have scales of 16 elements and are rounded to 8 bits, as f32 would be.
    ///
    /// # Errors
    /// [`KernelError::NotDecoded`], and [`KernelError::Length`] when `bytes` are no whole blocks or `held` has
    /// another length.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_kernels::{Format, StoredFormat};
    ///
    /// // Two powers of two: a scale of one half, and the largest value of four bits, 6, times two.
    /// let block = [&[127][..], &[0x77; 16]].concat();
    /// let mut held = [0; 22];
    /// StoredFormat::MXFP4.hold(&block, &mut held)?;
    /// assert_eq!(StoredFormat::MXFP4.held_in(), Some(Format::Q5_0));
    /// let mut values = [0.0; 32];
    /// StoredFormat::Q5_0.decode(&held, &mut values)?;
    /// assert_eq!(values, [6.0; 32]);
    /// # Ok::<(), infer_code_cad_kernels::KernelError>(())
    /// ```
    pub fn hold(self, bytes: &[u8], held: &mut [u8]) -> Result<(), KernelError> {
        let format = self.held_in().ok_or(KernelError::NotDecoded { format: self })?;
        if !bytes.len().is_multiple_of(self.block_bytes()) {
            let (expected, actual) =
                (bytes.len().next_multiple_of(self.block_bytes()), bytes.len());
            return Err(KernelError::Length { what: "stored blocks", expected, actual });
        }
        let elements = bytes.len() / self.block_bytes() * self.block_len();
        let expected = elements / format.block_len() * format.block_bytes();
        if held.len() != expected {
            let actual = held.len();
            return Err(KernelError::Length { what: "held blocks", expected, actual });
        }
        if Self::from(format) == self {
            held.copy_from_slice(bytes);
            return Ok(());
        }
        let per_block = self.block_len() / format.block_len() * format.block_bytes();
        let blocks = bytes.chunks_exact(self.block_bytes());
        for (block, held) in blocks.zip(held.chunks_exact_mut(per_block)) {
            hold_block(self, format, block, held);
        }
        Ok(())
    }
}

fn hold_block(stored: StoredFormat, format: Format, block: &[u8], held: &mut [u8]) {
    match stored {
        StoredFormat::Q3_K => hold_q3_k(block, held),
        StoredFormat::Q2_K | StoredFormat::NVFP4 => {
            let mut values = [0.0; 256];
            let values = &mut values[..stored.block_len()];
            block_decode::block(stored, block, values);
            quantize_row(format, values, held);
        }
        _ => {
            for (part, held) in held.chunks_exact_mut(format.block_bytes()).enumerate() {
                let (scale, quants) = scaled::part(stored, block, part);
                put(format, scale, &quants, held);
            }
        }
    }
}

/// A block of a scale and 32 integers, which fit the format.
fn put(format: Format, scale: f32, quants: &[i8; 32], held: &mut [u8]) {
    held[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    match format {
        Format::Q5_0 => {
            let quants = quants.map(|quant| (quant + 16) as u8);
            held[2..6].copy_from_slice(&fifth_bits(&quants));
            put_low_bits(&quants, &mut held[6..]);
        }
        Format::Q4_0 => put_low_bits(&quants.map(|quant| (quant + 8) as u8), &mut held[2..]),
        _ => held[2..].copy_from_slice(&quants.map(|quant| quant as u8)),
    }
}

/// Both have a signed scale for each 16 elements and one of f16 for all; Q6_K has more bits of either.
fn hold_q3_k(block: &[u8], held: &mut [u8]) {
    let quants = std::array::from_fn(|i| (block_decode::q3_k_quant(block, i) + 32) as u8);
    put_six_bits(&mut held[..192], &quants);
    for (part, scale) in held[192..208].iter_mut().enumerate() {
        *scale = block_decode::q3_k_scale(block, part) as u8;
    }
    held[208..].copy_from_slice(&block[108..]);
}
