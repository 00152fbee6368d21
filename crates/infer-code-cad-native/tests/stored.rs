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
        IQ4_NL | IQ4_XS | Q1_0 | Q2_0 | Q8_0 | Q5_0 | Q4_0 => &[(0, 1.0)],
        Q4_K => &[(0, 1.0), (2, 7.5)],
        Q6_K => &[(208, 1.0)],
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
            MXFP4 => block[0] = 120 + block[0] % 3,
            NVFP4 => block[..4].iter_mut().for_each(|scale| *scale = 4 + *scale % 12),
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

/// A Llama of one block, its matrices in `format`, or the blocks of that in what holds them.
fn file(format: StoredFormat, is_held: bool) -> Vec<u8> {
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
        let stored = match (is_matrix, is_held) {
            (true, true) => format.held_in().unwrap().into(),
            (true, false) => format,
            (false, _) => StoredFormat::F32,
        };
        entries.extend(string(name));
        entries.extend((shape.len() as u32).to_le_bytes());
        entries.extend(shape.iter().rev().flat_map(|&dim| (dim as u64).to_le_bytes()));
        entries.extend(stored.code().to_le_bytes());
        entries.extend((data.len() as u64).to_le_bytes());
        data.extend(match is_matrix {
            true => {
                let blocks = blocks(format, shape.iter().product(), &mut rng);
                let mut bytes = vec![0; stored.size_of(shape).unwrap()];
                match is_held {
                    true => format.hold(&blocks, &mut bytes).unwrap(),
                    false => bytes = blocks,
                }
                bytes
            }
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

fn converted() -> impl Iterator<Item = StoredFormat> {
    let all = (0..64).filter_map(StoredFormat::from_code);
    all.filter(|format| format.is_decoded() && Format::try_from(*format).is_err())
}

fn open(format: StoredFormat, is_held: bool) -> Checkpoint {
    Checkpoint::from_gguf_bytes(&file(format, is_held)).unwrap()
}

/// The largest difference of logits to those of f32 on the decoded file, and how often the likeliest token is
/// the same.
fn compare(format: StoredFormat) -> (f32, usize) {
    let checkpoint = open(format, false);
    let (exact, held) = (logits(&checkpoint, Some(Format::F32)), logits(&checkpoint, None));
    let top = |row: &[f32]| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let peak = exact.iter().map(|x| x.abs()).fold(0.0, f32::max);
    let worst = exact.iter().zip(&held).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let rows = exact.chunks(VOCAB).zip(held.chunks(VOCAB));
    let same = rows.filter(|(a, b)| top(a) == top(b)).count();
    eprintln!("{format}: logits to {peak:.2}, differ by {worst:.4}, top-1 {same}/64");
    assert!(peak > 1.0 && peak < 12.0, "{format}: {peak}");
    (worst, same)
}

/// Products round activations to bytes whatever holds the weights; that is what moves the logits.
#[test]
fn logits_are_as_near_to_f32_as_those_of_formats_with_products() {
    use StoredFormat::{Q4_0, Q4_K, Q5_0, Q6_K, Q8_0};
    let with_products = [Q8_0, Q6_K, Q5_0, Q4_K, Q4_0].map(|format| compare(format).0);
    let bound = 1.5 * with_products.into_iter().fold(0.0, f32::max);
    for format in converted() {
        let (worst, same) = compare(format);
        assert!(worst <= bound && same >= 61, "{format}: {worst}, {same}");
    }
}

/// A file of the blocks that hold a format is that model, to the last bit and byte.
#[test]
fn the_model_is_that_of_the_blocks_it_is_held_in() {
    for format in converted() {
        let [stored, held] = [false, true].map(|is_held| open(format, is_held));
        assert_eq!(logits(&stored, None), logits(&held, None), "{format}");
        assert_eq!(weight_bytes(&stored, None), weight_bytes(&held, None), "{format}");
        assert!(weight_bytes(&stored, Some(Format::F32)) > 3 * weight_bytes(&stored, None));
    }
}
