use half::f16;

/// Steps by which the scale of a block is varied in search of the least squared error.
const SEARCH: i32 = 10;

/// A block's weights as `scale * q - min`, both at least zero, `q` in 0..=15.
#[derive(Debug, Clone, Copy, Default)]
struct Affine {
    scale: f32,
    min: f32,
}

/// Q4_K of 256 weights: each block of 32 gets the scale and minimum of least squared error, which are
/// then rounded to 6 bits of the largest ones.
///
/// Not bit for bit what ggml writes, whose search weighs the errors otherwise; the format is the same.
pub(crate) fn q4_k(weights: &[f32; 256]) -> [u8; 144] {
    let blocks = weights.as_chunks::<32>().0;
    let mut fits = [Affine::default(); 8];
    for (fit, block) in fits.iter_mut().zip(blocks) {
        *fit = best_fit(block);
    }
    let largest =
        |of: fn(&Affine) -> f32| f16::from_f32(fits.iter().map(of).fold(0.0, f32::max) / 63.0);
    let (d, dmin) = (largest(|fit| fit.scale), largest(|fit| fit.min));
    let mut bytes = [0; 144];
    bytes[..2].copy_from_slice(&d.to_le_bytes());
    bytes[2..4].copy_from_slice(&dmin.to_le_bytes());
    let (d, dmin) = (d.to_f32(), dmin.to_f32());
    for (j, (fit, block)) in fits.iter().zip(blocks).enumerate() {
        let (scale, min) = (six_bits(fit.scale, d), six_bits(fit.min, dmin));
        put_scale_and_min(&mut bytes[4..16], j, scale, min);
        let rounded = Affine { scale: d * f32::from(scale), min: dmin * f32::from(min) };
        // Two blocks share 32 bytes.
        for (byte, quant) in bytes[16 + j / 2 * 32..].iter_mut().zip(rounded.quantize(block)) {
            *byte |= quant << (j % 2 * 4);
        }
    }
    bytes
}

fn six_bits(value: f32, step: f32) -> u8 {
    if step == 0.0 { 0 } else { ((value / step).round() as u8).min(63) }
}

/// Eight blocks' 6-bit scales and minimums in 12 bytes: the upper bits of the last four are above the
/// first four.
fn put_scale_and_min(packed: &mut [u8], j: usize, scale: u8, min: u8) {
    if j < 4 {
        packed[j] |= scale;
        packed[j + 4] |= min;
    } else {
        packed[j + 4] |= scale & 15 | min << 4;
        packed[j - 4] |= scale >> 4 << 6;
        packed[j] |= min >> 4 << 6;
    }
}

/// Tries scales around the one that spans the block, each refined by least squares.
fn best_fit(block: &[f32; 32]) -> Affine {
    let lowest = block.iter().fold(0.0f32, |low, &x| low.min(x));
    let highest = block.iter().fold(f32::NEG_INFINITY, |high, &x| high.max(x));
    let span = highest - lowest;
    if span == 0.0 {
        return Affine { scale: 0.0, min: -lowest };
    }
    let candidates = (-SEARCH..=SEARCH).map(|step| {
        let start = Affine { scale: span / (15.0 + 0.1 * step as f32), min: -lowest };
        start.refined(block)
    });
    candidates
        .min_by(|a, b| a.squared_error(block).total_cmp(&b.squared_error(block)))
        .unwrap_or_default()
}

impl Affine {
    fn quantize(self, block: &[f32; 32]) -> [u8; 32] {
        let inverse = if self.scale == 0.0 { 0.0 } else { 1.0 / self.scale };
        block.map(|x| (((x + self.min) * inverse).round() as u8).min(15))
    }

    fn squared_error(self, block: &[f32; 32]) -> f32 {
        let errors = self.quantize(block).into_iter().zip(block);
        errors.map(|(q, x)| (self.scale * f32::from(q) - self.min - x).powi(2)).sum()
    }

    /// The least-squares scale and minimum for the quants this one gives; with the minimum at zero
    /// where it would be negative.
    fn refined(self, block: &[f32; 32]) -> Self {
        let (mut q1, mut q2, mut x1, mut qx) = (0.0, 0.0, 0.0, 0.0);
        for (q, x) in self.quantize(block).map(f32::from).into_iter().zip(block) {
            (q1, q2, x1, qx) = (q1 + q, q2 + q * q, x1 + x, qx + q * x);
        }
        let determinant = 32.0 * q2 - q1 * q1;
        if determinant <= 0.0 {
            return self;
        }
        let scale = (32.0 * qx - q1 * x1) / determinant;
        let min = (scale * q1 - x1) / 32.0;
        if min < 0.0 { Self { scale: (qx / q2).max(0.0), min: 0.0 } } else { Self { scale, min } }
    }
}
