//! What another process that takes a core costs: decode steps with and without it, in turn.
//!
//! `cargo bench -p infer-code-cad-benches --bench busy_neighbour -- --threads 2 --neighbours 1`
//!
//! With `p` processors, `t` threads and `n` neighbours a fair scheduler leaves the threads
//! `min(1, p / (t + n))` of what they had; a pool that waits for all of its threads at every barrier
//! gets far less. The steps are those of a Llama 3.2 1B shape in Q8_0, one row.

use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use infer_code_cad::checkpoint::TransformerConfig;
use infer_code_cad::engine::{CausalLm, LogitRows, Step};
use infer_code_cad::native::{Format, NativeModel, NativeOptions, Pool};

const STEPS: usize = 40;
const ROUNDS: usize = 5;

fn main() -> Result<(), infer_code_cad::Error> {
    let mut threads = std::thread::available_parallelism().map_or(1, usize::from);
    let processors = threads;
    let mut neighbours = 1;
    // Cargo adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(flag) = arguments.next() {
        let mut number = || arguments.next().and_then(|value| value.parse().ok());
        match flag.as_str() {
            "--burn" => burn(),
            "--threads" => threads = number().expect("--threads takes a number"),
            "--neighbours" => neighbours = number().expect("--neighbours takes a number"),
            other => panic!("no flag {other}"),
        }
    }
    let config = TransformerConfig::named("llama-3.2-1b").expect("a known shape");
    let options = NativeOptions {
        weights: Some(Format::Q8_0),
        pool: Arc::new(Pool::new(threads)),
        ..NativeOptions::default()
    };
    let model = NativeModel::random_with(&config, 0, &options)?;
    let (mut alone, mut beside) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        alone.extend(steps(&model)?);
        let burning: Vec<_> = (0..neighbours).map(|_| Neighbour::start()).collect();
        beside.extend(steps(&model)?);
        drop(burning);
    }
    let (alone, beside) = (median(alone), median(beside));
    let fair = (processors as f64 / (threads + neighbours) as f64).min(1.0);
    println!("{threads} threads, {processors} processors, {neighbours} busy neighbours");
    println!("ms per step: {:.1} alone, {:.1} beside them", alone * 1e3, beside * 1e3);
    println!("speed left: {:.2}; a fair share: {fair:.2}", alone / beside);
    Ok(())
}

/// Seconds of each of some decode steps of one row.
fn steps(model: &NativeModel) -> Result<Vec<f64>, infer_code_cad::Error> {
    let (mut cache, mut logits) = (model.new_cache(), vec![]);
    let mut step = |token| {
        let began = Instant::now();
        let step = Step { cache: &mut *cache, tokens: &[token], logits: LogitRows::Last };
        model.forward(&mut [step], &mut logits)?;
        Ok(began.elapsed().as_secs_f64())
    };
    (0..STEPS as u32).map(&mut step).collect()
}

/// A process that keeps a processor busy until it is dropped.
struct Neighbour(Child);

impl Neighbour {
    fn start() -> Self {
        let this = std::env::current_exe().expect("the path of this program");
        let child = Command::new(this).arg("--burn").spawn().expect("a second process");
        std::thread::sleep(Duration::from_millis(200));
        Self(child)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // One that is gone already burns nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn burn() -> ! {
    let mut x = 1u64;
    loop {
        x = std::hint::black_box(x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1));
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
