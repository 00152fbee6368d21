use infer_code_cad_sandbox::{
    Judge, JudgeError, Limits, Observation, Probe, Submission, Tests, Verdict,
};
use serde::{Serialize, Serializer};
use serde_json::json;

/// What a program does when it is run again.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rerun {
    /// How it did this time, judged as the first time; `None` where there are no tests.
    pub verdict: Option<Verdict>,
    /// The reason of that verdict.
    pub reason: String,
    /// What program and tests print in one module, and the traceback that they end with; the last 8,000 bytes.
    pub output: String,
}

/// Program and tests in one process.
const DRIVER: &str = include_str!("rerun.py");

/// Judges the program, and looks at what it prints.
pub(super) fn run(
    program: &str,
    tests: &Tests,
    judge: &dyn Judge,
    limits: &Limits,
) -> Result<Rerun, JudgeError> {
    let report = match tests.asserts.is_empty() {
        true => None,
        false => Some(judge.judge(&Submission::new(program, tests), limits)?),
    };
    // Before the limit of the sandbox, which leaves nothing to look at.
    let seconds = limits.cpu_time.as_secs_f64() * 0.8;
    // A text of JSON is one of Python.
    let parts = [program, &tests.setup, &tests.helpers, &tests.asserts].map(|text| json!(text));
    let [program, setup, helpers, asserts] = &parts;
    let driver =
        format!("{DRIVER}\nOUTPUT = run({program}, {setup}, {helpers}, {asserts}, {seconds})\n");
    let seen = judge.observe(&driver, &[Probe::Value("OUTPUT")], limits)?;
    let output = seen.into_iter().next().map(output).unwrap_or_default();
    let (verdict, reason) = report.map(|report| (report.verdict, report.reason)).unzip();
    Ok(Rerun { verdict, reason: reason.unwrap_or_default(), output })
}

/// A list of bytes is written as one of JSON.
fn output(seen: Observation) -> String {
    match seen {
        Observation::Value(bytes) => match serde_json::from_str::<Vec<u8>>(&bytes) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => bytes,
        },
        Observation::Raised { kind, message } => format!("{kind}: {message}"),
        Observation::Limit(limit) => format!("ended by the {limit}, before it could be looked at"),
        other => format!("{other:?}"),
    }
}

/// Tests as they are written.
#[derive(Serialize)]
struct TestsForm<'a> {
    helpers: &'a str,
    setup: &'a str,
    asserts: &'a str,
}

pub(super) fn tests<S: Serializer>(
    tests: &Option<Tests>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let tests = tests.as_ref();
    let form =
        tests.map(|Tests { helpers, setup, asserts, .. }| TestsForm { helpers, setup, asserts });
    form.serialize(serializer)
}
