//! Looks at drafts' programs that last no longer than choosing among them is worth.

use std::time::Duration;

use infer_code_cad_sandbox::{Judge, JudgeError, Limits, Observation, Probe};

use crate::SelectError;

/// Of each probe. A call of a test takes milliseconds; the processor's time does not depend on the
/// load, and the wall's is for programs that wait.
fn limits() -> Limits {
    let (cpu_time, wall_time) = (Duration::from_secs(1), Duration::from_secs(10));
    Limits { cpu_time, wall_time, ..Limits::default() }
}

/// Probes after which a program that goes beyond a limit each time is given up.
const PATIENCE: usize = 3;

/// One observation per probe. A program that goes beyond a limit at each of the first three is not
/// asked the rest, which count as limits: one that never ends would take a second for each test.
pub(super) fn observed(
    judge: &dyn Judge,
    program: &str,
    probes: &[Probe<'_>],
) -> Result<Vec<Observation>, SelectError> {
    let (first, rest) = probes.split_at(probes.len().min(PATIENCE));
    let mut seen = looked_at(judge, program, first)?;
    if !rest.is_empty() && seen.iter().all(|seen| matches!(seen, Observation::Limit(_))) {
        let given_up = Observation::Limit(format!("given up after {PATIENCE} limits"));
        seen.resize(probes.len(), given_up);
        return Ok(seen);
    }
    seen.extend(looked_at(judge, program, rest)?);
    Ok(seen)
}

fn looked_at(
    judge: &dyn Judge,
    program: &str,
    probes: &[Probe<'_>],
) -> Result<Vec<Observation>, SelectError> {
    if probes.is_empty() {
        return Ok(vec![]);
    }
    let seen = judge.observe(program, probes, &limits())?;
    if seen.len() != probes.len() {
        let (name, seen, probes) = (judge.settings().name, seen.len(), probes.len());
        let reason = format!("{name} gave {seen} observations for {probes} probes; give as many");
        return Err(JudgeError::other(reason).into());
    }
    Ok(seen)
}
