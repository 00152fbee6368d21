//! Times `candle_transformers::models::quantized_llama` on a GGUF file, as the other peers are.
//!
//! `RAYON_NUM_THREADS=2 cargo bench -p infer-code-cad-benches --bench candle -- --model FILE.gguf
//! --samples 1,10 --new-tokens 32 --prompt-tokens 128 --prefill-tokens 512`
//!
//! Its cache can neither be forked nor filled by a batch of prompts (the head wants contiguous
//! hidden states), so several samples read a short prompt token by token. Theirs is the shorter
//! context, which flatters candle. Every step ends with the argmax of each row. It has no CAD.

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;
use std::time::Instant;

use candle_core::quantized::gguf_file::Content;
use candle_core::{D, Device, IndexOp, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tokens read before a batch of several samples is timed.
const SHORT_PROMPT: usize = 8;

struct Flags {
    model: String,
    threads: usize,
    prompt_tokens: usize,
    prefill_tokens: usize,
    new_tokens: usize,
    samples: Vec<usize>,
}

fn main() -> Result<()> {
    let flags = flags()?;
    let began = Instant::now();
    let mut reader = BufReader::new(File::open(&flags.model)?);
    let content = Content::read(&mut reader)?;
    let mut model = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu)?;
    let load_seconds = began.elapsed().as_secs_f64();
    model.forward(&tokens(1, 0, 16)?, 0)?; // warms up

    let mut decode = Vec::new();
    for &rows in &flags.samples {
        decode.push(decode_steps(&mut model, rows, &flags)?);
    }
    model.clear_kv_cache();
    let began = Instant::now();
    model.forward(&tokens(1, 0, flags.prefill_tokens)?, 0)?;
    let seconds = began.elapsed().as_secs_f64();
    let report = json!({
        "model": flags.model,
        "version": "candle-transformers of Cargo.lock, quantized_llama",
        "threads": flags.threads,
        "load_seconds": load_seconds,
        "decode": decode,
        "prefill": {
            "tokens": flags.prefill_tokens,
            "seconds": seconds,
            "tokens_per_second": flags.prefill_tokens as f64 / seconds,
        },
        "sampler": "greedy",
        "bytes": bytes(&flags.model)?,
    });
    println!("{report}");
    Ok(())
}

/// One entry of `decode`: the median step of a batch of `rows` samples.
fn decode_steps(model: &mut ModelWeights, rows: usize, flags: &Flags) -> Result<Value> {
    model.clear_kv_cache();
    let start = if rows == 1 { flags.prompt_tokens } else { SHORT_PROMPT };
    if rows == 1 {
        model.forward(&tokens(1, 0, start)?, 0)?;
    } else {
        for position in 0..start {
            model.forward(&tokens(rows, position, 1)?, position)?;
        }
    }
    let mut next = tokens(rows, start, 1)?; // (rows, 1)
    let mut steps = Vec::with_capacity(flags.new_tokens);
    for step in 0..flags.new_tokens {
        let began = Instant::now();
        let logits = model.forward(&next, start + step)?; // (rows, vocab_size)
        next = logits.argmax(D::Minus1)?.reshape((rows, 1))?;
        next.i((0, 0))?.to_scalar::<u32>()?;
        steps.push(began.elapsed().as_secs_f64());
    }
    steps.sort_by(f64::total_cmp);
    let seconds = steps[steps.len() / 2];
    Ok(json!({
        "mode": "vanilla",
        "samples": rows,
        "rows": rows,
        "step_ms": seconds * 1e3,
        "tokens_per_second": rows as f64 / seconds,
    }))
}

/// Ordinary token ids from `position` on, the same in every row.
fn tokens(rows: usize, position: usize, len: usize) -> Result<Tensor> {
    let row = (position..position + len).map(|i| 1000 + 7 * i as u32);
    let ids: Vec<u32> = (0..rows).flat_map(|_| row.clone()).collect();
    Ok(Tensor::from_vec(ids, (rows, len), &Device::Cpu)?)
}

/// Of the file, resident at the peak and now.
fn bytes(model: &str) -> Result<Value> {
    let status = fs::read_to_string("/proc/self/status")?;
    let size = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    };
    let weights = fs::metadata(model)?.len();
    Ok(json!({ "weights": weights, "peak": size("VmHWM"), "resident": size("VmRSS") }))
}

fn flags() -> Result<Flags> {
    let mut flags = Flags {
        model: String::new(),
        threads: candle_core::utils::get_num_threads(),
        prompt_tokens: 128,
        prefill_tokens: 512,
        new_tokens: 32,
        samples: vec![1, 2, 4, 10],
    };
    // Cargo adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let (Some(flag), Some(value)) = (arguments.next(), arguments.next()) {
        let list = value.split(',');
        match flag.as_str() {
            "--model" => flags.model = value,
            "--prompt-tokens" => flags.prompt_tokens = value.parse()?,
            "--prefill-tokens" => flags.prefill_tokens = value.parse()?,
            "--new-tokens" => flags.new_tokens = value.parse()?,
            "--samples" => {
                flags.samples = list.map(str::parse).collect::<std::result::Result<_, _>>()?
            }
            "--threads" => flags.threads = value.parse()?,
            "--modes" if value == "vanilla" => {}
            other => return Err(format!("no flag {other}").into()),
        }
    }
    if flags.threads != candle_core::utils::get_num_threads() {
        return Err(format!("candle takes RAYON_NUM_THREADS={} only", flags.threads).into());
    }
    Ok(flags)
}
