use std::f32::consts::PI;

use crate::config::{Positions, RopeScaling, TransformerConfig};

/// Rotary position embedding: pairs `(i, i + head_dim / 2)` of a head turn by `position * frequency`.
///
/// Su et al., [RoFormer](https://arxiv.org/abs/2104.09864), in the half-split layout and the f32
/// arithmetic of transformers.
#[derive(Debug)]
pub struct Rope {
    inv_freq: Vec<f32>, // (head_dim / 2), or none where positions are learned
}

/// Cosines and sines of the positions of one batch, shared by all layers. Reuse one value: it keeps
/// its room.
#[derive(Debug, Default)]
pub struct Rotations {
    /// `(n_tokens, head_dim / 2)`
    pub cos: Vec<f32>,
    /// `(n_tokens, head_dim / 2)`
    pub sin: Vec<f32>,
    half: usize,
}

impl Rope {
    /// The frequencies of a configuration.
    pub fn new(config: &TransformerConfig) -> Self {
        let Positions::Rotary { theta, scaling } = &config.positions else {
            return Self { inv_freq: vec![] };
        };
        let dim = config.head_dim as f32;
        let frequency = |i: usize| 1.0 / (*theta as f32).powf(2.0 * i as f32 / dim);
        let inv_freq = (0..config.head_dim / 2).map(|i| stretch(i, frequency(i), scaling));
        Self { inv_freq: inv_freq.collect() }
    }

    /// Whether there is nothing to turn: positions are learned.
    pub fn is_identity(&self) -> bool {
        self.inv_freq.is_empty()
    }
}

impl Rotations {
    /// Takes in the positions of another batch.
    pub fn set(&mut self, rope: &Rope, positions: &[usize]) {
        self.half = rope.inv_freq.len();
        self.cos.clear();
        self.sin.clear();
        for &position in positions {
            for &frequency in &rope.inv_freq {
                let (sin, cos) = (position as f32 * frequency).sin_cos();
                self.cos.push(cos);
                self.sin.push(sin);
            }
        }
    }

    /// Turns every head of `row`, which belongs to the batch's token `token`.
    ///
    /// `row`: `(n_heads, head_dim)`
    #[inline(always)]
    pub fn apply(&self, token: usize, row: &mut [f32]) {
        if self.half == 0 {
            return;
        }
        let range = token * self.half..(token + 1) * self.half;
        let (cos, sin) = (&self.cos[range.clone()], &self.sin[range]);
        for head in row.chunks_exact_mut(2 * self.half) {
            let (first, second) = head.split_at_mut(self.half);
            for (((a, b), c), s) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                (*a, *b) = (*a * c - *b * s, *b * c + *a * s);
            }
        }
    }
}

/// The `i`-th frequency under `scaling`, as transformers' `modeling_rope_utils` computes it.
fn stretch(i: usize, inv_freq: f32, scaling: &RopeScaling) -> f32 {
    match *scaling {
        RopeScaling::None => inv_freq,
        RopeScaling::Factors(ref factors) => inv_freq / factors[i],
        RopeScaling::Linear { factor } => inv_freq / factor,
        RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_max_position_embeddings: original,
        } => {
            let wavelength = 2.0 * PI / inv_freq;
            if wavelength > original / low_freq_factor {
                inv_freq / factor
            } else if wavelength < original / high_freq_factor {
                inv_freq
            } else {
                let smooth = (original / wavelength - low_freq_factor)
                    / (high_freq_factor - low_freq_factor);
                (1.0 - smooth) * inv_freq / factor + smooth * inv_freq
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LLAMA3: RopeScaling = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 64.0,
    };

    #[test]
    fn llama3_keeps_short_waves_and_divides_long_ones() {
        assert_eq!(stretch(0, 1.0, &LLAMA3), 1.0);
        assert_eq!(stretch(0, 0.01, &LLAMA3), 0.01 / 8.0);
        let middle = stretch(0, 0.2, &LLAMA3);
        assert!(middle < 0.2 && middle > 0.2 / 8.0, "{middle}");
    }

    #[test]
    fn position_zero_turns_nothing_and_a_turn_keeps_the_length() {
        let rope = Rope { inv_freq: vec![1.0, 0.1] };
        let mut rotations = Rotations::default();
        rotations.set(&rope, &[0, 5]);
        let row = [1.0f32, 2.0, 3.0, 4.0];
        let (mut still, mut turned) = (row, row);
        rotations.apply(0, &mut still);
        rotations.apply(1, &mut turned);
        assert_eq!(still, row);
        let norm = |r: [f32; 4]| r.iter().map(|x| x * x).sum::<f32>();
        assert!((norm(turned) - norm(row)).abs() < 1e-5);
        let (sin, cos) = 5f32.sin_cos();
        assert!((turned[0] - (cos - 3.0 * sin)).abs() < 1e-6);
    }
}
