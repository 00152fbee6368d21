//! Executions per second of one worker on a trivial program (`cargo test --release -- --ignored`).

use std::time::Instant;

use infer_code_cad_sandbox::{Limits, Sandbox, SandboxConfig, Tier, Verdict};

use crate::common::judge;

#[test]
#[ignore = "a measurement, to be run alone on an idle machine"]
fn trivial_programs_per_second() {
    const RUNS: u32 = 500;
    for tier in [Tier::Full, Tier::None, Tier::Full, Tier::None] {
        let config = SandboxConfig { workers: 1, tier, ..SandboxConfig::default() };
        let sandbox = Sandbox::start(&config).unwrap();
        let start = Instant::now();
        for _ in 0..RUNS {
            let report = judge(&sandbox, "x = 1", "assert x == 1", &Limits::default());
            assert_eq!(report.verdict, Verdict::Passed);
        }
        let rate = f64::from(RUNS) / start.elapsed().as_secs_f64();
        eprintln!("{tier}: {rate:.0} executions/s on one worker");
    }
}
