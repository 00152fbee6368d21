//! Executions per second of one worker on a trivial program (`cargo test --release -- --ignored`).

use std::time::Instant;

use infer_code_cad_sandbox::{Limits, Verdict};

#[test]
#[ignore = "a measurement, to be run alone on an idle machine"]
fn trivial_programs_per_second() {
    let Some(sandbox) = crate::common::sandbox_or_say("trivial_programs_per_second", 1) else {
        return;
    };
    const RUNS: u32 = 1000;
    let start = Instant::now();
    for _ in 0..RUNS {
        let report = crate::common::judge(&sandbox, "x = 1", "assert x == 1", &Limits::default());
        assert_eq!(report.verdict, Verdict::Passed);
    }
    eprintln!("{:.0} executions/s on one worker", f64::from(RUNS) / start.elapsed().as_secs_f64());
}
