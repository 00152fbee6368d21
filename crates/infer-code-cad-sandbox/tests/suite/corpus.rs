//! Programs that solve nothing and must not pass, and strange ones that are right and must: see
//! `tests/corpus/README.md`.
//!
//! `cargo test` runs a sample. The whole corpus, alone: `corpus::whole --ignored --test-threads=1`, for
//! the tier, the number of workers and of repeats that `INFER_CODE_CAD_TIER`, `_WORKERS` and `_REPEATS`
//! name; only the programs whose names begin with `_ONLY`; from a copy of the corpus in `_CORPUS`. The
//! verdicts are written to `_VERDICTS`, a file, so that runs can be compared.

mod host;
mod programs;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use infer_code_cad_sandbox::{
    Limits, Sandbox, SandboxConfig, SandboxError, Submission, Tests, Tier, Verdict,
};

use host::Host;
use programs::{Program, chains};

/// A chain of programs is run one behind the other.
type Chain = Vec<Program>;

#[test]
fn a_sample_of_the_hostile_programs_comes_to_nothing() {
    // Those that wait for a limit take a second each: they are in the whole corpus.
    let quick = |chain: &Chain| !chain.iter().any(|program| program.may(Verdict::Timeout));
    for (tier, every) in [(Tier::Full, 4), (Tier::Container, 16)] {
        let sample: Vec<_> = chains("hostile").into_iter().filter(quick).step_by(every).collect();
        judge("a_sample_of_the_hostile_programs", tier, 2, &sample, &hostile_limits());
    }
}

#[test]
fn the_benign_programs_pass() {
    judge("the_benign_programs_pass", Tier::Full, 2, &chains("benign"), &Limits::default());
}

#[test]
#[ignore = "minutes; .ci/more corpora runs it alone, for it counts processes and descriptors"]
fn whole_hostile() {
    let (tier, workers) = (setting("TIER", Tier::Full), setting("WORKERS", 2));
    judge("whole_hostile", tier, workers, &chains("hostile"), &hostile_limits());
}

#[test]
#[ignore = "minutes; .ci/more corpora runs it alone, for it counts processes and descriptors"]
fn whole_benign() {
    let (tier, workers) = (setting("TIER", Tier::Full), setting("WORKERS", 2));
    let repeats: Vec<_> = (0..setting("REPEATS", 20)).flat_map(|_| chains("benign")).collect();
    judge("whole_benign", tier, workers, &repeats, &Limits::default());
}

fn hostile_limits() -> Limits {
    Limits {
        cpu_time: Duration::from_secs(1),
        wall_time: Duration::from_secs(5),
        output_bytes: 64 << 10,
        file_bytes: 8 << 20,
        scratch_bytes: 16 << 20,
        scratch_files: 512,
        ..Limits::default()
    }
}

/// What a variable of the environment says, or the default.
fn setting<T: FromStr>(name: &str, default: T) -> T {
    let variable = format!("INFER_CODE_CAD_{name}");
    let Ok(text) = env::var(&variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}"))
}

/// Judges all chains, looks at the host after each program, and fails with a list of what is wrong.
fn judge(name: &str, tier: Tier, workers: usize, chains: &[Chain], limits: &Limits) {
    let host = Host::new();
    let scratch = host.scratch();
    let config = SandboxConfig { workers, tier, scratch, ..SandboxConfig::default() };
    let sandbox = match Sandbox::start(&config) {
        Err(error @ (SandboxError::PythonMissing { .. } | SandboxError::Isolation { .. })) => {
            eprintln!("{name}: not run in the tier {tier}: {error}");
            return;
        }
        sandbox => sandbox.unwrap(),
    };
    let python = programs::python(&sandbox.settings().to_string());
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Seen::default()));
    let began = Instant::now();
    let work = || {
        while let Some(chain) = chains.get(next.fetch_add(1, Ordering::Relaxed)) {
            for program in chain {
                if let Some(reason) = program.not_here(tier, &python) {
                    seen.lock().unwrap().left_out.push(format!("{}: {reason}", program.name));
                    continue;
                }
                let (verdict, wrong) = one(&sandbox, &host, program, limits);
                let mut seen = seen.lock().unwrap();
                *seen.verdicts.entry(verdict).or_default() += 1;
                seen.lines.push(format!("{} {verdict}\n", program.name));
                seen.wrong.extend(wrong);
            }
        }
    };
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let mut seen = seen.into_inner().unwrap();
    drop(sandbox);
    if let Some(path) = env::var_os("INFER_CODE_CAD_VERDICTS") {
        seen.lines.sort();
        fs::write(path, seen.lines.concat()).unwrap();
    }
    if name.starts_with("whole") {
        seen.wrong.extend(host.grown());
    }
    eprintln!(
        "{name}: tier {tier}, {workers} workers, {:?} in {:.1} s, {} wrong; left out: {:?}",
        seen.verdicts,
        began.elapsed().as_secs_f64(),
        seen.wrong.len(),
        seen.left_out
    );
    assert!(seen.wrong.is_empty(), "{name} in {tier}:\n{}", seen.wrong.join("\n"));
}

/// What came of all programs.
#[derive(Default)]
struct Seen {
    verdicts: BTreeMap<&'static str, usize>,
    lines: Vec<String>,
    wrong: Vec<String>,
    left_out: Vec<String>,
}

/// Judges one program: its verdict, and what is wrong with it or with the host afterwards.
fn one(
    sandbox: &Sandbox,
    host: &Host,
    program: &Program,
    limits: &Limits,
) -> (&'static str, Vec<String>) {
    let source = host.fill(&program.source);
    let mut tests = Tests::new(host.fill(&program.asserts)).with_setup(&program.setup);
    if let Some(entry) = &program.entry {
        tests = tests.with_entry_point(entry);
    }
    let result = sandbox.execute(&Submission::new(&source, &tests), limits);
    let mut wrong = host.touched(&program.never);
    let verdict = match &result {
        Ok(report) if program.may(report.verdict) => report.verdict.as_str(),
        Ok(report) => {
            let reason: String = report.reason.chars().take(300).collect();
            wrong.push(format!("{}, not {:?}: {reason}", report.verdict, program.verdicts));
            report.verdict.as_str()
        }
        Err(error) => {
            wrong.push(format!("an error of the sandbox: {error}"));
            "error"
        }
    };
    let wrong = wrong.into_iter().map(|wrong| format!("{}: {wrong}", program.name));
    (verdict, wrong.collect())
}
