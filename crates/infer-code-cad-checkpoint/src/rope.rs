use std::f32::consts::PI;

use crate::config::{Positions, RopeScaling, TransformerConfig};

/// Rotary position embedding: pairs `(i, i + rotary_dim / 2)` of a head turn by `position * frequency`.
///
/// Su et al., [RoFormer](https://arxiv.org/abs/2104.09864), in the half-split layout and the f32
/// arithmetic of transformers.
#[derive(Debug)]
pub struct Rope {
    inv_freq: Vec<f32>, // (rotary_dim / 2), or none where nothing turns
    /// Multiplies what has turned.
    factor: f32,
    head_dim: usize,
}

/// The rotary position embeddings of a model: one for layers that turn alike.
#[derive(Debug)]
pub struct Ropes {
    distinct: Vec<Rope>,
    /// Which one each layer has.
    of_layer: Vec<usize>,
}

/// For how many tokens the frequencies are, where that makes a difference: see [`RopeScaling::LongRope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Streams within the context of the pre-training.
    Short,
    /// Streams beyond it.
    Long,
}

/// Cosines and sines of the positions of one batch, shared by layers that turn alike. Reuse one
/// value: it keeps its room.
#[derive(Debug, Default)]
pub struct Rotations {
    /// `(n_tokens, rotary_dim / 2)`
    pub cos: Vec<f32>,
    /// `(n_tokens, rotary_dim / 2)`
    pub sin: Vec<f32>,
    half: usize,
    head_dim: usize,
}

impl Ropes {
    /// Those of a configuration.
    pub fn new(config: &TransformerConfig, reach: Reach) -> Self {
        let mut kinds: Vec<&Positions> = vec![];
        let mut of_layer = vec![];
        for layer in 0..config.num_hidden_layers {
            let positions = config.positions(layer);
            let known = kinds.iter().position(|&kind| kind == positions);
            of_layer.push(known.unwrap_or(kinds.len()));
            if known.is_none() {
                kinds.push(positions);
            }
        }
        let rope = |positions| Rope::new(config, positions, reach);
        Self { distinct: kinds.into_iter().map(rope).collect(), of_layer }
    }

    /// Each once.
    pub fn distinct(&self) -> &[Rope] {
        &self.distinct
    }

    /// Which of [`Ropes::distinct`] a layer has.
    pub fn of_layer(&self, layer: usize) -> usize {
        self.of_layer[layer]
    }

    /// The angles of a batch's positions, for each of [`Ropes::distinct`].
    pub fn turn(&self, positions: &[usize], rotations: &mut Vec<Rotations>) {
        rotations.resize_with(self.distinct.len(), Rotations::default);
        for (rope, rotations) in self.distinct.iter().zip(rotations) {
            rotations.set(rope, positions);
        }
    }
}

impl Rope {
    /// The frequencies of one kind of layer of a configuration.
    pub fn new(config: &TransformerConfig, positions: &Positions, reach: Reach) -> Self {
        let head_dim = config.head_dim;
        let Positions::Rotary { theta, scaling } = positions else {
            return Self { inv_freq: vec![], factor: 1.0, head_dim };
        };
        let (dim, theta) = (config.rotary_dim(), *theta);
        let stretch = Stretch { dim, theta, reach, scaling };
        Self {
            inv_freq: (0..dim / 2).map(|i| stretch.frequency(i)).collect(),
            factor: match *scaling {
                RopeScaling::Yarn { attention_factor, .. }
                | RopeScaling::LongRope { attention_factor, .. } => attention_factor,
                _ => 1.0,
            },
            head_dim,
        }
    }

    /// How many pairs of each head turn.
    pub fn pairs(&self) -> usize {
        self.inv_freq.len()
    }
}

impl Rotations {
    /// Takes in the positions of another batch.
    pub fn set(&mut self, rope: &Rope, positions: &[usize]) {
        (self.half, self.head_dim) = (rope.pairs(), rope.head_dim);
        self.cos.clear();
        self.sin.clear();
        for &position in positions {
            for &frequency in &rope.inv_freq {
                let (sin, cos) = (position as f32 * frequency).sin_cos();
                self.cos.push(cos * rope.factor);
                self.sin.push(sin * rope.factor);
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
        for head in row.chunks_exact_mut(self.head_dim) {
            let (first, second) = head.split_at_mut(self.half);
            for (((a, b), c), s) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                (*a, *b) = (*a * c - *b * s, *b * c + *a * s);
            }
        }
    }
}

/// What the frequencies of a kind of layer depend on.
struct Stretch<'a> {
    /// Values of a head that turn.
    dim: usize,
    theta: f64,
    reach: Reach,
    scaling: &'a RopeScaling,
}

impl Stretch<'_> {
    /// The `i`-th frequency, as transformers' `modeling_rope_utils` computes it.
    fn frequency(&self, i: usize) -> f32 {
        let power = (self.theta as f32).powf(2.0 * i as f32 / self.dim as f32);
        let inv_freq = 1.0 / power;
        match *self.scaling {
            RopeScaling::None => inv_freq,
            RopeScaling::Factors(ref factors) => inv_freq / factors[i],
            RopeScaling::Linear { factor } => inv_freq / factor,
            RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            } => {
                let bounds = [low_freq_factor, high_freq_factor];
                llama3(inv_freq, factor, bounds, original_max_position_embeddings)
            }
            RopeScaling::Yarn {
                factor,
                beta_fast,
                beta_slow,
                original_max_position_embeddings,
                ..
            } => {
                let turns = [beta_fast, beta_slow];
                let kept = 1.0 - self.ramp(i, turns, original_max_position_embeddings);
                1.0 / (factor * power) * (1.0 - kept) + inv_freq * kept
            }
            RopeScaling::LongRope { ref short_factor, ref long_factor, .. } => match self.reach {
                Reach::Short => 1.0 / (short_factor[i] * power),
                Reach::Long => 1.0 / (long_factor[i] * power),
            },
        }
    }

    /// Zero for the frequency that turns `fast` times in the original context and those above, one for that which
    /// turns `slow` times and those below, each rounded outwards to a whole index.
    fn ramp(&self, i: usize, [fast, slow]: [f32; 2], original: f32) -> f32 {
        let dim = self.dim as f64;
        let index = |turns: f32| {
            let wavelength = f64::from(original) / (f64::from(turns) * 2.0 * std::f64::consts::PI);
            dim * wavelength.ln() / (2.0 * self.theta.ln())
        };
        let low = index(fast).floor().max(0.0) as f32;
        let high = index(slow).ceil().min(dim - 1.0) as f32;
        let high = if low == high { high + 0.001 } else { high };
        ((i as f32 - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// Llama 3's frequency: long wavelengths divided, short ones kept.
fn llama3(inv_freq: f32, factor: f32, [low, high]: [f32; 2], original: f32) -> f32 {
    let wavelength = 2.0 * PI / inv_freq;
    if wavelength > original / low {
        inv_freq / factor
    } else if wavelength < original / high {
        inv_freq
    } else {
        let smooth = (original / wavelength - low) / (high - low);
        (1.0 - smooth) * inv_freq / factor + smooth * inv_freq
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama3_keeps_short_waves_and_divides_long_ones() {
        let stretched = |inv_freq| llama3(inv_freq, 8.0, [1.0, 4.0], 64.0);
        assert_eq!(stretched(1.0), 1.0);
        assert_eq!(stretched(0.01), 0.01 / 8.0);
        let middle = stretched(0.2);
        assert!(middle < 0.2 && middle > 0.2 / 8.0, "{middle}");
    }

    #[test]
    fn yarn_keeps_what_turns_often_and_divides_what_does_not() {
        // The numbers of Qwen2.5-Coder on 128k tokens.
        let yarn = RopeScaling::Yarn {
            factor: 4.0,
            original_max_position_embeddings: 32_768.0,
            attention_factor: 1.0,
            beta_fast: 32.0,
            beta_slow: 1.0,
        };
        let of = |scaling: &RopeScaling, i| {
            Stretch { dim: 128, theta: 1e6, reach: Reach::Short, scaling }.frequency(i)
        };
        let ratio = |i| of(&RopeScaling::None, i) / of(&yarn, i);
        assert_eq!((ratio(0), ratio(23)), (1.0, 1.0));
        assert!(ratio(31) > 1.5 && ratio(31) < 2.5, "{}", ratio(31));
        assert!((ratio(40) - 4.0).abs() < 1e-5 && (ratio(63) - 4.0).abs() < 1e-5);
    }

    fn config() -> TransformerConfig {
        TransformerConfig { head_dim: 6, num_hidden_layers: 4, ..TransformerConfig::default() }
    }

    #[test]
    fn layers_that_turn_alike_share_their_angles() {
        let rotary = |theta| Positions::Rotary { theta, scaling: RopeScaling::None };
        let layer_positions = vec![rotary(1e4), Positions::Absent, rotary(1e6), rotary(1e4)];
        let ropes = Ropes::new(&TransformerConfig { layer_positions, ..config() }, Reach::Short);
        assert_eq!([0, 1, 2, 3].map(|layer| ropes.of_layer(layer)), [0, 1, 2, 0]);
        assert_eq!(ropes.distinct().iter().map(Rope::pairs).collect::<Vec<_>>(), [3, 0, 3]);
        assert_eq!(Ropes::new(&config(), Reach::Short).distinct().len(), 1);
    }

    #[test]
    fn position_zero_turns_nothing_and_a_turn_keeps_the_length() {
        let rope = Rope { inv_freq: vec![1.0, 0.1], factor: 1.0, head_dim: 4 };
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

    #[test]
    fn the_rest_of_a_head_stays() {
        let config = TransformerConfig { rotary_dim: Some(4), ..config() };
        let rope = Rope::new(&config, &config.positions, Reach::Short);
        let mut rotations = Rotations::default();
        rotations.set(&rope, &[7]);
        let mut row: Vec<f32> = (1..=12).map(|x| x as f32).collect();
        rotations.apply(0, &mut row);
        assert_eq!([row[4], row[5], row[10], row[11]], [5.0, 6.0, 11.0, 12.0]);
        assert!(row[..4] != [1.0, 2.0, 3.0, 4.0] && row[6] != 7.0);
    }
}
