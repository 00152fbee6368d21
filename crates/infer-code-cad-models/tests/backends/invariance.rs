//! A row of the f32 CPU backend has the same bits at any number of rows and threads.

use std::env;
use std::process::Command;

use infer_code_cad_models::{CausalLm, LogitRows, Step, Transformer};

use crate::small_config;
use crate::suite::{advance, last, tokens};

#[test]
fn any_number_of_rows() {
    let model = Transformer::random(&small_config(), 2).unwrap();
    let prompts: Vec<_> = (0..64).map(|i| tokens(&model, i, 2 + i * 3 % 50)).collect();
    let alone: Vec<_> = prompts.iter().map(|prompt| last(&model, prompt)).collect();
    for n_rows in [1, 2, 3, 7, 8, 10, 33, 64] {
        assert!(batch_of(&model, &prompts[..n_rows]) == alone[..n_rows].concat(), "{n_rows} rows");
    }
}

/// Each prompt but its last token alone, then the last tokens in one batch.
fn batch_of(model: &Transformer, prompts: &[Vec<u32>]) -> Vec<f32> {
    let mut caches: Vec<_> = prompts.iter().map(|_| model.new_cache()).collect();
    for (cache, prompt) in caches.iter_mut().zip(prompts) {
        advance(model, &mut **cache, &prompt[..prompt.len() - 1], LogitRows::None);
    }
    let mut batch: Vec<_> = caches
        .iter_mut()
        .zip(prompts)
        .map(|(cache, prompt)| Step {
            cache: &mut **cache,
            tokens: &prompt[prompt.len() - 1..],
            logits: LogitRows::Last,
        })
        .collect();
    let mut logits = Vec::new();
    model.forward(&mut batch, &mut logits).unwrap();
    logits
}

/// The pool's size is fixed at its start, so each number of threads has a process of its own.
#[test]
fn any_number_of_threads() {
    let run = |n_threads: &str| {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "invariance::prints_a_checksum", "--nocapture"])
            .env("RAYON_NUM_THREADS", n_threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.split_once("checksum ")).unwrap();
        line.1.split_whitespace().next().unwrap().to_owned()
    };
    let one = run("1");
    assert_eq!(one, run("2"));
    assert_eq!(one, run("3"));
}

#[test]
fn prints_a_checksum() {
    let model = Transformer::random(&small_config(), 3).unwrap();
    let mut sum = 0u64;
    for n_rows in [1, 5, 40] {
        let prompts: Vec<_> = (0..n_rows).map(|i| tokens(&model, i, 150)).collect();
        for logit in batch_of(&model, &prompts) {
            sum = sum.wrapping_mul(0x100_0000_01b3) ^ u64::from(logit.to_bits());
        }
    }
    assert_ne!(sum, 0);
    println!("\nchecksum {sum:x}");
}
