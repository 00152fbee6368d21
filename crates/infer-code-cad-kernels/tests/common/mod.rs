//! Random weights and activations.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

use half::f16;
use infer_code_cad_kernels::Format;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// Random numbers from a seed.
pub struct Rng(ChaCha8Rng);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in -1..1.
    pub fn symmetric(&mut self) -> f32 {
        self.0.next_u32() as f32 / 2f32.powi(31) - 1.0
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// Random rows.
pub fn random_rows(len: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..len).map(|_| rng.symmetric() * 3.0).collect()
}

/// A file's bytes for so many weights: random quants, and scales that keep the weights finite.
pub fn random_bytes(format: Format, n_weights: usize, seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut bytes = vec![0; n_weights / format.block_len() * format.block_bytes()];
    rng.fill(&mut bytes);
    let halves: &[usize] = match format {
        Format::Q8_0 | Format::Q4_0 | Format::Q5_0 | Format::F16 => &[0],
        Format::Q4_1 | Format::Q5_1 | Format::Q4_K | Format::Q5_K => &[0, 2],
        Format::Q6_K => &[208],
        _ => &[],
    };
    for block in bytes.chunks_mut(format.block_bytes()) {
        for &at in halves {
            let scale = f16::from_f32(rng.symmetric() * 0.05);
            block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
        }
        match format {
            Format::Bf16 => block[1] = block[1] & 0x80 | 0x3c, // about ±0.01
            Format::F32 => block[3] = block[3] & 0x80 | 0x3c,
            _ => {}
        }
    }
    bytes
}
