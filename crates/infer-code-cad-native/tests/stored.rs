//! Whole GGUF models stored in each format without products: what is held computes what the file says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use infer_code_cad_checkpoint::Checkpoint;
use infer_code_cad_engine::{CausalLm, LogitRows, Step};
use infer_code_cad_native::{Format, NativeModel, NativeOptions, StoredFormat, weight_bytes};

const VOCAB: usize = 112;
const WIDTH: usize = 256;

/// Numbers by a linear congruence.
struct Rng(u64);

impl Rng {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 56) as u8
    }
}

/// Random blocks of weights of about 0.06, like those of the other fixtures.
fn blocks(format: StoredFormat, elements: usize, rng: &mut Rng) -> Vec<u8> {
    use StoredFormat::*;
    // Where the scales are, and so that the mean is near zero what they are before all are multiplied.
    let halves: &[(usize, f32)] = match format {
        IQ4_NL | IQ4_XS | Q1_0 | Q2_0 => &[(0, 1.0)],
        TQ1_0 => &[(52, 1.0)],
        TQ2_0 => &[(64, 1.0)],
        Q2_K => &[(80, 1.0), (82, 1.5)],
        Q3_K => &[(108, 1.0)],
        _ => &[],
    };
    let n_bytes = elements / format.block_len() * format.block_bytes();
    let mut bytes: Vec<u8> = (0..n_bytes).map(|_| rng.byte()).collect();
    let scale_by = |bytes: &mut [u8], factor: f32| {
        for block in bytes.chunks_mut(format.block_bytes()) {
            for &(at, scale) in halves {
                let scale = half::f16::from_f32(scale * factor);
                block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
            }
        }
    };
    for block in bytes.chunks_mut(format.block_bytes()) {
        match format {
            MXFP4 => block[0] = 121 + block[0] % 3,
            NVFP4 => block[..4].iter_mut().for_each(|scale| *scale = 8 + *scale % 24),
            _ => {}
        }
    }
    scale_by(&mut bytes, 1.0);
    let mut values = vec![0.0; elements];
    format.decode(&bytes, &mut values).unwrap();
    let squares: f32 = values.iter().map(|x| x * x).sum();
    scale_by(&mut bytes, 0.06 / (squares / elements as f32).sqrt());
    bytes
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

/// A Llama of one block, its matrices in `format`.
fn file(format: StoredFormat) -> Vec<u8> {
    let mut rng = Rng(u64::from(format.code()));
    let matrices = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
    let mut tensors: Vec<(String, Vec<usize>)> =
        matrices.iter().map(|name| (format!("blk.0.{name}.weight"), vec![WIDTH, WIDTH])).collect();
    tensors.extend(
        ["token_embd", "output"].map(|name| (format!("{name}.weight"), vec![VOCAB, WIDTH])),
    );
    let norms = ["blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"];
    tensors.extend(norms.map(|name| (format!("{name}.weight"), vec![WIDTH])));

    let (mut entries, mut data) = (vec![], vec![]);
    for (name, shape) in &tensors {
        let is_matrix = shape.len() > 1;
        let stored = if is_matrix { format } else { StoredFormat::F32 };
        entries.extend(string(name));
        entries.extend((shape.len() as u32).to_le_bytes());
        entries.extend(shape.iter().rev().flat_map(|&dim| (dim as u64).to_le_bytes()));
        entries.extend(stored.code().to_le_bytes());
        entries.extend((data.len() as u64).to_le_bytes());
        data.extend(match is_matrix {
            true => blocks(format, shape.iter().product(), &mut rng),
            false => 1f32.to_le_bytes().repeat(WIDTH),
        });
        data.resize(data.len().next_multiple_of(32), 0);
    }
    let sizes = [
        ("context_length", 128),
        ("embedding_length", WIDTH as u32),
        ("block_count", 1),
        ("feed_forward_length", WIDTH as u32),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 4),
        ("vocab_size", VOCAB as u32),
    ];
    let word = |n: u32| n.to_le_bytes().to_vec();
    let mut pairs = [string("general.architecture"), word(8), string("llama")].concat();
    for (key, value) in sizes {
        pairs.extend([string(&format!("llama.{key}")), word(4), word(value)].concat());
    }
    let eps = "llama.attention.layer_norm_rms_epsilon";
    pairs.extend([string(eps), word(6), 1e-5f32.to_le_bytes().to_vec()].concat());
    let counts = [tensors.len() as u64, sizes.len() as u64 + 2].map(u64::to_le_bytes).concat();
    let mut bytes = [b"GGUF".to_vec(), word(3), counts, pairs, entries].concat();
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    [bytes, data].concat()
}

fn logits(checkpoint: &Checkpoint, weights: Option<Format>) -> Vec<f32> {
    let options = NativeOptions { weights, ..NativeOptions::default() };
    let model = NativeModel::load(checkpoint, &options).unwrap();
    let (mut cache, mut logits) = (model.new_cache(), vec![]);
    let tokens: Vec<u32> = (0..64).map(|i| i * 37 % VOCAB as u32).collect();
    let step = Step { cache: &mut *cache, tokens: &tokens, logits: LogitRows::All };
    model.forward(&mut [step], &mut logits).unwrap();
    logits
}

/// The bounds of the formats that have products of their own, which round activations to bytes as well.
#[test]
fn logits_are_those_of_f32_on_the_decoded_file() {
    let formats = (0..64)
        .filter_map(StoredFormat::from_code)
        .filter(|format| format.is_decoded() && Format::try_from(*format).is_err());
    let top = |row: &[f32]| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    for format in formats {
        let checkpoint = Checkpoint::from_gguf_bytes(&file(format)).unwrap();
        let (exact, held) = (logits(&checkpoint, Some(Format::F32)), logits(&checkpoint, None));
        let peak = exact.iter().map(|x| x.abs()).fold(0.0, f32::max);
        let worst = exact.iter().zip(&held).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let rows = exact.chunks(VOCAB).zip(held.chunks(VOCAB));
        let same = rows.filter(|(a, b)| top(a) == top(b)).count();
        eprintln!("{format}: logits to {peak:.2}, differ by {worst:.4}, top-1 {same}/64");
        assert!(peak > 1.0 && peak < 12.0, "{format}: {peak}");
        assert!(worst <= 0.12 && same >= 61, "{format}: {worst}, {same}");
        // And what memory is asked for is that of the format that holds it.
        let bits = format.held_in().unwrap().block_bytes() as f64 * 8.0
            / format.held_in().unwrap().block_len() as f64;
        let matrices = (7 * WIDTH * WIDTH + 2 * VOCAB * WIDTH) as f64;
        let expected = matrices * bits / 8.0 + 3.0 * WIDTH as f64 * 4.0;
        assert_eq!(weight_bytes(&checkpoint, None) as f64, expected, "{format}");
    }
}
