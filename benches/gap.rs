//! What a long prompt costs a sequence that is running, and what a known beginning saves.
//!
//! `cargo bench -p infer-code-cad-benches --bench gap` takes random weights of the shape of Llama 3.2 1B in
//! Q8_0 and some minutes; with `-- --tiny` a small shape and seconds, to try it.
//!
//! `gap`: one sequence generates, and a prompt of 2,000 tokens arrives. While it is read, the pieces of it
//! that each pass takes along make the running sequence wait: the longest time from token to token, for
//! passes of several sizes.
//!
//! `prefix`: prompts of 1,000 tokens that begin with the same 900, each submitted once the one before has
//! ended, with nothing kept and with beginnings kept. What is written must be the same.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use infer_code_cad::checkpoint::TransformerConfig;
use infer_code_cad::decode::Greedy;
use infer_code_cad::engine::{
    CausalLm, Engine, EngineConfig, Event, GenerateStats, Request, RequestId, TokenId, generate,
};
use infer_code_cad::native::{Format, NativeModel, NativeOptions};

/// The default first.
const TOKENS_PER_PASS: [usize; 3] = [512, 128, 32];
/// Tokens of the prompt that arrives.
const ARRIVING: usize = 2_000;
/// Tokens that the running sequence is timed on before.
const ALONE: usize = 16;

const PROMPTS: usize = 8;
const PROMPT: usize = 1_000;
const SHARED: usize = 900;
/// Tokens written after each of these prompts.
const WRITTEN: usize = 16;

fn main() -> Result<(), infer_code_cad::Error> {
    let mut config = TransformerConfig::named("llama-3.2-1b").expect("a known shape");
    let mut shape = "llama-3.2-1b";
    // Cargo adds `--bench`.
    for flag in std::env::args().skip(1).filter(|argument| argument != "--bench") {
        match flag.as_str() {
            "--tiny" => (config, shape) = (tiny(), "a tiny shape"),
            other => panic!("no flag {other}"),
        }
    }
    let options = NativeOptions { weights: Some(Format::Q8_0), ..NativeOptions::default() };
    let threads = options.pool.threads();
    let model: Arc<dyn CausalLm> = Arc::new(NativeModel::random_with(&config, 0, &options)?);
    println!("{shape}, random weights in Q8_0, {threads} threads");

    println!("\ngap: a sequence is running, a prompt of {ARRIVING} tokens arrives");
    println!(
        "tokens per pass | ms per token alone | longest ms from token to token | prompt read, s"
    );
    for tokens_per_pass in TOKENS_PER_PASS {
        let Gap { alone, longest, read } = gap(&model, tokens_per_pass)?;
        let (alone, longest) = (alone * 1e3, longest * 1e3);
        println!("{tokens_per_pass:15} | {alone:18.1} | {longest:30.1} | {read:14.1}");
    }

    println!("\nprefix: {PROMPTS} prompts of {PROMPT} tokens, {SHARED} of them the same");
    println!("kept       | seconds | tokens read | not read again");
    let nothing = prompts(&model, 0)?;
    println!("nothing    | {nothing}");
    let beginnings = prompts(&model, EngineConfig::default().prefix_bytes)?;
    println!("beginnings | {beginnings}");
    assert_eq!(nothing.written, beginnings.written, "what is kept must not change a token");
    println!("{:.1} times as fast, the same tokens", nothing.seconds / beginnings.seconds);
    Ok(())
}

fn tiny() -> TransformerConfig {
    TransformerConfig {
        vocab_size: 1024,
        hidden_size: 256,
        intermediate_size: 512,
        num_hidden_layers: 4,
        num_attention_heads: 8,
        num_key_value_heads: 4,
        head_dim: 32,
        max_position_embeddings: 4096,
        tie_word_embeddings: true,
        ..TransformerConfig::default()
    }
}

/// Seconds.
struct Gap {
    /// From token to token of the running sequence before, the median.
    alone: f64,
    /// The same while the prompt is read, the longest.
    longest: f64,
    /// From the prompt's arrival to its first token.
    read: f64,
}

fn gap(model: &Arc<dyn CausalLm>, tokens_per_pass: usize) -> Result<Gap, infer_code_cad::Error> {
    let mut engine = engine(model, tokens_per_pass, 0)?;
    let running = engine.submit(request(tokens(0, 16), ARRIVING));
    gaps(&mut engine, running, running); // the prompt and the first token
    let mut alone: Vec<f64> =
        (0..ALONE).flat_map(|_| gaps(&mut engine, running, running)).collect();
    let began = Instant::now();
    let arriving = engine.submit(request(tokens(1, ARRIVING), 1));
    let beside = gaps(&mut engine, running, arriving);
    let read = began.elapsed().as_secs_f64();
    alone.sort_by(f64::total_cmp);
    let longest = beside.into_iter().fold(0.0, f64::max);
    Ok(Gap { alone: alone[ALONE / 2], longest, read })
}

/// Seconds from token to token of a running sequence, until there is a token of `until`.
fn gaps(engine: &mut Engine, running: RequestId, until: RequestId) -> Vec<f64> {
    let (mut gaps, mut last, mut ended) = (vec![], Instant::now(), false);
    while !ended {
        engine.step(&mut |request, event| {
            match event {
                Event::Token { .. } => {
                    if request == running {
                        gaps.push(last.elapsed().as_secs_f64());
                        last = Instant::now();
                    }
                    ended |= request == until;
                }
                Event::Failed { error, .. } => panic!("{error}"),
                _ => {}
            }
            ControlFlow::Continue(())
        });
    }
    gaps
}

/// Prompts that begin alike, one after the other.
struct Run {
    seconds: f64,
    stats: GenerateStats,
    written: Vec<Vec<TokenId>>,
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seconds, stats, .. } = self;
        write!(f, "{seconds:7.2} | {:11} | {:14}", stats.prefill_tokens, stats.reused_tokens)
    }
}

fn prompts(model: &Arc<dyn CausalLm>, prefix_bytes: u64) -> Result<Run, infer_code_cad::Error> {
    let mut engine = engine(model, EngineConfig::default().tokens_per_pass, prefix_bytes)?;
    let (began, mut written) = (Instant::now(), vec![]);
    for prompt in 0..PROMPTS as u32 {
        let own = tokens(2 + prompt, PROMPT - SHARED);
        let streams = [tokens(1, SHARED), own].concat();
        generate(&mut engine, [request(streams, WRITTEN)], &mut |_, event| {
            match event {
                Event::Finished { completion, .. } => written.push(completion.tokens),
                Event::Failed { error, .. } => panic!("{error}"),
                _ => {}
            }
            ControlFlow::Continue(())
        });
    }
    assert!(written.len() == PROMPTS && written.iter().all(|tokens| tokens.len() == WRITTEN));
    Ok(Run { seconds: began.elapsed().as_secs_f64(), stats: engine.stats(), written })
}

fn engine(
    model: &Arc<dyn CausalLm>,
    tokens_per_pass: usize,
    prefix_bytes: u64,
) -> Result<Engine, infer_code_cad::Error> {
    let config = EngineConfig { tokens_per_pass, prefix_bytes, ..EngineConfig::default() };
    Ok(Engine::new(Arc::clone(model), Arc::new(Vec::<&[u8]>::new()), config)?)
}

fn request(prompt: Vec<TokenId>, max_new_tokens: usize) -> Request {
    let mut request = Request::new("gap", vec![prompt], Arc::new(Greedy));
    request.max_new_tokens = max_new_tokens;
    request
}

/// Arbitrary tokens, others for each `which`.
fn tokens(which: u32, len: usize) -> Vec<TokenId> {
    let token = |at: u32| (at + 10_000 * which).wrapping_mul(0x9e37_79b1) >> 22; // below 1,024
    (0..len as u32).map(token).collect()
}
