use std::fmt;

use half::f16;
use half::slice::HalfFloatSliceExt;
use infer_code_cad_kernels::ByteRows;

use super::nearest::LANES;

/// What a [`FlatIndex`](crate::FlatIndex) reads from end to end in a search.
///
/// It finds the same whatever it is: where it is a smaller copy, the error of every score is bounded, and each vector
/// that may be among the best is compared in f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VectorFormat {
    /// The vectors themselves: no copy.
    F32,
    /// Half precision, a copy of half the size.
    F16,
    /// A byte a value, times a scale for each vector: a copy of a quarter of the size. The fastest.
    #[default]
    I8,
}

impl VectorFormat {
    /// Every format there is.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::I8];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::I8 => "i8",
        }
    }
}

impl fmt::Display for VectorFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How far a copy is from a vector, and how long both are, at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub(super) distance: f32,
    pub(super) length: f32,
}

impl Bound {
    pub(super) fn new(vector: &[f32], distance: f32) -> Self {
        let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        // Rounded up by more than the sum may be short of.
        let length = (squares.sqrt() * (1.0 + 1e-6)) as f32 + distance;
        Self { distance, length: if length.is_nan() { f32::INFINITY } else { length } }
    }

    fn or(self, other: Self) -> Self {
        Self { distance: self.distance.max(other.distance), length: self.length.max(other.length) }
    }

    /// By how much the product of two copies, both in f32, differs from that of the vectors at most.
    ///
    /// With copies `q'`, `r'`: `|q'r' - qr| <= |q' - q| |r'| + |q| |r' - r|` (Cauchy and Schwarz), and what both
    /// sums round off: of `dimension / 16` terms in each lane, and some for the lanes and scales; and of what is too
    /// small for f32, at most its smallest number for each term, or times 63 x 63 where that is a scale.
    pub(super) fn slack(self, other: Self, dimension: usize) -> f32 {
        let rounded = (dimension / 16 + 32) as f32 * f32::EPSILON;
        let moved = self.distance * other.length + self.length * other.distance;
        let vanished = (dimension + 8) as f32 * 4096.0 * f32::from_bits(1);
        let slack = (moved + rounded * (self.length * other.length)) * 1.001 + vanished;
        // A distance of zero times an infinite length.
        if slack.is_nan() { f32::INFINITY } else { slack }
    }
}

/// A copy of the vectors that is scanned in their place.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) copy: Copied,
    /// Of [`LANES`] vectors each.
    pub(super) bounds: Vec<Bound>,
}

#[derive(Debug)]
pub(super) enum Copied {
    /// Little-endian f16.
    F16(Vec<u8>),
    I8(ByteRows),
}

impl Scanned {
    /// The copy of some vectors, little-endian f32; none where the vectors themselves are scanned.
    pub(super) fn new(format: VectorFormat, dimension: usize, vectors: &[u8]) -> Option<Self> {
        let copy = match format {
            VectorFormat::F32 => return None,
            VectorFormat::I8 if dimension <= ByteRows::MAX_DIMENSION => {
                Copied::I8(ByteRows::new(dimension))
            }
            VectorFormat::F16 | VectorFormat::I8 => Copied::F16(Vec::new()),
        };
        let mut scanned = Self { copy, bounds: Vec::new() };
        for (place, row) in vectors.chunks(4 * dimension).enumerate() {
            scanned.push(place, row);
        }
        Some(scanned)
    }

    /// Copies one more vector, little-endian f32.
    pub(super) fn push(&mut self, place: usize, row: &[u8]) {
        let row: Vec<f32> = row.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect();
        let distance = match &mut self.copy {
            Copied::F16(bytes) => push_halves(bytes, &row),
            Copied::I8(rows) => rows.push(&row),
        };
        let bound = Bound::new(&row, distance);
        if place.is_multiple_of(LANES) {
            self.bounds.push(bound);
        } else if let Some(last) = self.bounds.last_mut() {
            *last = last.or(bound);
        }
    }
}

/// Adds a row and tells how far what is kept is from it. What is beyond the range of half precision becomes its largest
/// number.
fn push_halves(bytes: &mut Vec<u8>, row: &[f32]) -> f32 {
    let limit = f16::MAX.to_f32();
    let mut halves = vec![f16::ZERO; row.len()];
    halves.convert_from_f32_slice(&row.iter().map(|x| x.clamp(-limit, limit)).collect::<Vec<_>>());
    bytes.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    let off = |(x, half): (&f32, &f16)| f64::from(*x) - half.to_f64();
    let squares: f64 = row.iter().zip(&halves).map(off).map(|off| off * off).sum();
    let distance = (squares.sqrt() * (1.0 + 1e-6)) as f32 + f32::MIN_POSITIVE;
    if distance.is_nan() { f32::INFINITY } else { distance }
}
