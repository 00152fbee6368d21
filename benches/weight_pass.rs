//! One pass over all weights of a Llama 3.2 1B shape, as a decode step makes it, beside a roofline
//! program run in turn.
//!
//! `cargo bench -p infer-code-cad-benches --bench weight_pass -- --format q8_0 --threads 2
//! --repeats 5 --roofline path/to/roofline`
//!
//! The roofline program, such as `peers/read_pass.c`, is called as `roofline FILE THREADS REPEATS
//! ROWS,..` with a file of as many bytes as the weights have, and prints lines with `B= 1: min 43.0
//! ms med 44.1 ms`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use infer_code_cad_kernels::{Activations, Format, PackedMatrix, Pool, matmul};

const ROWS: [usize; 7] = [1, 2, 4, 5, 8, 10, 20];
/// Passes per row count and repeat.
const PASSES_PER_CALL: usize = 3;
/// (out_features, in_features) of a layer: query-key-value, attention output, gate-up, down.
const LAYER: [(usize, usize); 4] = [(3072, 2048), (2048, 2048), (16384, 2048), (2048, 8192)];
const LAYERS: usize = 16;
const HEAD: (usize, usize) = (128_256, 2048);

/// Multiplications and additions of one row.
const OPERATIONS: f64 = {
    let (mut sum, mut i) = (HEAD.0 * HEAD.1, 0);
    while i < LAYER.len() {
        sum += LAYERS * LAYER[i].0 * LAYER[i].1;
        i += 1;
    }
    2.0 * sum as f64
};

type Times = BTreeMap<usize, Vec<f64>>; // milliseconds by rows

struct Flags {
    format: Format,
    threads: usize,
    repeats: usize,
    rows: Vec<usize>,
    roofline: Option<String>,
}

fn main() {
    let flags = flags();
    let pool = Pool::new(flags.threads);
    let began = Instant::now();
    let shapes = (0..LAYERS).flat_map(|_| LAYER).chain([HEAD]);
    let matrices: Vec<_> = shapes.map(|shape| matrix(flags.format, shape, &pool)).collect();
    let bytes: usize = matrices.iter().map(PackedMatrix::bytes).sum();
    println!(
        "{:?}, {} threads, {:?}: {:.2} GB packed in {:.1} s",
        flags.format,
        pool.threads(),
        pool.isa(),
        bytes as f64 / 1e9,
        began.elapsed().as_secs_f64()
    );
    let (mut ours, mut roofline) = (Times::new(), Times::new());
    for _ in 0..flags.repeats {
        for &rows in &flags.rows {
            ours.entry(rows).or_default().extend(weight_passes(&matrices, rows, &pool));
        }
        if let Some(program) = &flags.roofline {
            run_roofline(program, bytes, &flags, &mut roofline);
        }
    }
    report(&ours, &roofline, bytes);
    println!(
        "limits: {:.1} GB/s read from memory, {:.0} GOP/s of {:?} from the cache",
        read_speed(&pool) / 1e9,
        cache_speed(flags.format, &pool) / 1e9,
        flags.format,
    );
}

/// Bytes per second that the threads read together, best of some passes over 1 GB.
fn read_speed(pool: &Pool) -> f64 {
    const PIECE: usize = 1 << 17;
    let mut words: Vec<u64> = (0..1 << 27).collect();
    let pass = |words: &mut [u64]| {
        let began = Instant::now();
        pool.for_chunks(
            words,
            PIECE,
            #[inline(always)]
            |_, piece| {
                black_box(piece.iter().fold(0, |sum: u64, word| sum ^ word));
            },
        );
        began.elapsed().as_secs_f64()
    };
    let best = (0..10).map(|_| pass(&mut words)).fold(f64::INFINITY, f64::min);
    size_of_val(&*words) as f64 / best
}

/// Multiplications and additions per second of ten rows with a matrix that stays in the cache.
fn cache_speed(format: Format, pool: &Pool) -> f64 {
    const ROWS: usize = 10;
    const PASSES: usize = 200;
    let shape @ (out_features, in_features) = (512, 2048);
    let matrices = [matrix(format, shape, pool)];
    let times = (0..PASSES / PASSES_PER_CALL).flat_map(|_| weight_passes(&matrices, ROWS, pool));
    let best = times.fold(f64::INFINITY, f64::min) / 1e3;
    (2 * ROWS * out_features * in_features) as f64 / best
}

fn flags() -> Flags {
    let mut flags = Flags {
        format: Format::Q8_0,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        repeats: 5,
        rows: ROWS.to_vec(),
        roofline: None,
    };
    // Cargo adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let (Some(flag), Some(value)) = (arguments.next(), arguments.next()) {
        match flag.as_str() {
            "--format" => flags.format = format(&value),
            "--threads" => flags.threads = value.parse().expect("--threads takes a number"),
            "--repeats" => flags.repeats = value.parse().expect("--repeats takes a number"),
            "--rows" => {
                let number = |rows: &str| rows.parse().expect("--rows takes numbers, 1,2,4");
                flags.rows = value.split(',').map(number).collect();
            }
            "--roofline" => flags.roofline = Some(value),
            other => panic!("no flag {other}"),
        }
    }
    flags
}

fn format(name: &str) -> Format {
    let named = |format: &Format| format!("{format:?}").eq_ignore_ascii_case(name);
    Format::ALL
        .into_iter()
        .find(named)
        .expect("--format takes a format of the kernels, such as q4_1")
}

/// Arbitrary weights, none of them infinite or subnormal.
fn matrix(
    format: Format,
    (out_features, in_features): (usize, usize),
    pool: &Pool,
) -> PackedMatrix {
    let len = format.file_bytes(out_features, in_features).expect("whole blocks");
    let bytes: Vec<u8> = (0..len).map(|i| (i as u8).wrapping_mul(31) & 0x3f | 0x20).collect();
    PackedMatrix::pack(format, out_features, in_features, &bytes, pool).expect("the right length")
}

/// Milliseconds of each pass: every matrix once, activations encoded as a decode step has to.
fn weight_passes(matrices: &[PackedMatrix], rows: usize, pool: &Pool) -> Vec<f64> {
    let inputs: Vec<f32> =
        (0..rows * 8192).map(|i| ((i * 7919) % 255) as f32 / 127.0 - 1.0).collect();
    let mut activations = Activations::default();
    let mut out = vec![0.0; rows * HEAD.0];
    let mut pass = || {
        let began = Instant::now();
        for matrix in matrices {
            let inputs = &inputs[..rows * matrix.in_features()];
            activations
                .set(inputs, matrix.in_features(), matrix.format().encoding(), pool)
                .expect("whole rows");
            matmul(matrix, &activations, &mut out[..rows * matrix.out_features()], pool)
                .expect("shapes agree");
        }
        began.elapsed().as_secs_f64() * 1e3
    };
    (0..PASSES_PER_CALL).map(|_| pass()).collect()
}

fn run_roofline(program: &str, bytes: usize, flags: &Flags, times: &mut Times) {
    let file = std::env::temp_dir().join(format!("weight-pass-{}", std::process::id()));
    std::fs::write(&file, vec![1; bytes]).expect("room for the weights among temporary files");
    let rows: Vec<_> = flags.rows.iter().map(usize::to_string).collect();
    let numbers = [flags.threads.to_string(), PASSES_PER_CALL.to_string(), rows.join(",")];
    let output = Command::new(program).arg(&file).args(numbers).output();
    std::fs::remove_file(&file).expect("the file was written");
    let output = output.expect("the roofline program runs").stdout;
    for line in String::from_utf8_lossy(&output).lines() {
        let number = |after: &str| -> Option<f64> {
            line.split(after).nth(1)?.split_whitespace().next()?.trim_end_matches(':').parse().ok()
        };
        if let (Some(rows), Some(min), Some(median)) = (number("B="), number("min"), number("med"))
        {
            times.entry(rows as usize).or_default().extend([min, median]);
        }
    }
}

fn report(ours: &Times, roofline: &Times, bytes: usize) {
    println!(
        "rows |  min ms  median |  GB/s  GOP/s | roofline min  median | ratio of mins, of medians"
    );
    for (&rows, times) in ours {
        let (min, median) = summary(times);
        let (speed, operations) = (bytes as f64 / min / 1e6, rows as f64 * OPERATIONS / min / 1e6);
        print!("{rows:4} | {min:7.1} {median:7.1} | {speed:5.1} {operations:6.0}");
        if let Some(times) = roofline.get(&rows) {
            let (roof_min, roof_median) = summary(times);
            let (of_mins, of_medians) = (roof_min / min, roof_median / median);
            print!(" | {roof_min:12.1} {roof_median:7.1} | {of_mins:.2} {of_medians:.2}");
        }
        println!();
    }
}

/// Smallest and median.
fn summary(times: &[f64]) -> (f64, f64) {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}
