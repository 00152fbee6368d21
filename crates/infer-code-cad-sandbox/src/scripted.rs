use std::collections::BTreeMap;

use infer_code_cad_decode::Settings;

use crate::{Judge, JudgeError, Limits, Observation, Probe, Report, Submission, Verdict};

/// A judge that runs nothing: it looks programs up, letter for letter, in a script.
///
/// For tests of whatever asks a judge, such as a selector in waves: they need no interpreter, and
/// every outcome is at hand, a timeout in no time too. It pays no heed to tests and limits.
///
/// # Examples
/// ```
/// use infer_code_cad_sandbox::{
///     Judge, Limits, Observation, Probe, ScriptedJudge, Submission, Tests, Verdict,
/// };
///
/// let judge = ScriptedJudge::new()
///     .with_verdict("def f(x): return x", Verdict::Passed)
///     .with_observation(
///         "def f(x): return x",
///         Probe::Value("f(1)"),
///         Observation::Value("1".into()),
///     );
/// let (tests, limits) = (Tests::new("assert f(1) == 1"), Limits::default());
///
/// let report = judge.judge(&Submission::new("def f(x): return x", &tests), &limits)?;
/// assert_eq!(report.verdict, Verdict::Passed);
/// let seen = judge.observe("def f(x): return x", &[Probe::Value("f(1)")], &limits)?;
/// assert_eq!(seen, [Observation::Value("1".into())]);
/// assert!(judge.judge(&Submission::new("def f(x): return 2", &tests), &limits).is_err());
/// # Ok::<(), infer_code_cad_sandbox::JudgeError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ScriptedJudge {
    verdicts: BTreeMap<String, Verdict>,
    /// Of a program: by the probe's kind and text.
    observations: BTreeMap<String, BTreeMap<(&'static str, String), Observation>>,
}

impl ScriptedJudge {
    /// A judge that knows no program yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a program this verdict from now on.
    #[must_use]
    pub fn with_verdict(mut self, program: impl Into<String>, verdict: Verdict) -> Self {
        self.verdicts.insert(program.into(), verdict);
        self
    }

    /// Lets a probe of a program show this from now on.
    #[must_use]
    pub fn with_observation(
        mut self,
        program: impl Into<String>,
        probe: Probe<'_>,
        observation: Observation,
    ) -> Self {
        self.observations.entry(program.into()).or_default().insert(key(probe), observation);
        self
    }
}

impl Judge for ScriptedJudge {
    /// # Errors
    /// [`JudgeError::Other`] that names a program without a verdict.
    fn judge(&self, submission: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
        let Some(&verdict) = self.verdicts.get(submission.program) else {
            let program = submission.program;
            let missing = format!("the script has no verdict for the program {program:?}; add it");
            return Err(JudgeError::other(missing));
        };
        let reason = if verdict == Verdict::Passed { "" } else { "as scripted" };
        Ok(Report::new(verdict, reason))
    }

    /// # Errors
    /// [`JudgeError::Other`] that names a program and the probe that the script lacks for it.
    fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        _: &Limits,
    ) -> Result<Vec<Observation>, JudgeError> {
        let known = self.observations.get(program);
        let observed = |&probe: &Probe<'_>| {
            known.and_then(|known| known.get(&key(probe))).cloned().ok_or_else(|| {
                let missing = format!("{probe:?} of the program {program:?}");
                JudgeError::other(format!("the script has no observation for {missing}; add it"))
            })
        };
        probes.iter().map(observed).collect()
    }

    /// `scripted` with a hash of the whole script, as in `scripted(script=cbf29ce484222325)`.
    fn settings(&self) -> Settings {
        let verdicts = self.verdicts.iter().map(|(program, verdict)| [program, verdict.as_str()]);
        let mut script: Vec<&str> = verdicts.flatten().collect();
        for (program, observations) in &self.observations {
            for ((kind, probe), observation) in observations {
                script.extend([program.as_str(), kind, probe]);
                script.extend(texts(observation));
            }
        }
        // FNV-1a: the same on every machine, as the standard library's hashes need not be.
        let bytes = script
            .iter()
            .flat_map(|text| (text.len() as u64).to_le_bytes().into_iter().chain(text.bytes()));
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Settings::new("scripted").with("script", format_args!("{hash:016x}"))
    }
}

fn key(probe: Probe<'_>) -> (&'static str, String) {
    match probe {
        Probe::Value(expression) => ("value", expression.to_owned()),
        Probe::Check(statement) => ("check", statement.to_owned()),
    }
}

/// An observation as texts, always as many.
fn texts(observation: &Observation) -> [&str; 3] {
    match observation {
        Observation::Value(value) => ["value", value, ""],
        Observation::Held => ["held", "", ""],
        Observation::Raised { kind, message } => ["raised", kind, message],
        Observation::Limit(limit) => ["limit", limit, ""],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::Tests;

    #[test]
    fn what_the_script_lacks_is_an_error_that_names_it() {
        let judge = ScriptedJudge::new().with_verdict("a", Verdict::Timeout).with_observation(
            "a",
            Probe::Value("f(1)"),
            Observation::Limit("wall".into()),
        );
        let (tests, limits) = (Tests::default(), Limits::default());
        let report = judge.judge(&Submission::new("a", &tests), &limits).unwrap();
        assert_eq!((report.verdict, report.reason.as_str()), (Verdict::Timeout, "as scripted"));
        let error = judge.judge(&Submission::new("b\n", &tests), &limits).unwrap_err();
        let expected =
            "the judge failed: the script has no verdict for the program \"b\\n\"; add it";
        assert_eq!(error.to_string(), expected);
        // A check is no value, though its text be the same.
        for (program, probe) in [("a", Probe::Check("f(1)")), ("b", Probe::Value("f(1)"))] {
            let probes = [Probe::Value("f(1)"), probe];
            let error = judge.observe(program, &probes, &limits).unwrap_err().to_string();
            let expected = format!("no observation for {probe:?} of the program {program:?}");
            assert!(error.contains(&expected), "{error}");
        }
    }

    #[test]
    fn two_scripts_never_have_equal_settings() {
        let held = |probe| ScriptedJudge::new().with_observation("a", probe, Observation::Held);
        let raised = |kind: &str, message: &str| {
            let (kind, message) = (kind.to_owned(), message.to_owned());
            let raised = Observation::Raised { kind, message };
            ScriptedJudge::new().with_observation("a", Probe::Check("c"), raised)
        };
        let scripts = [
            ScriptedJudge::new(),
            ScriptedJudge::new().with_verdict("a", Verdict::Passed),
            ScriptedJudge::new().with_verdict("a", Verdict::Failed),
            ScriptedJudge::new().with_verdict("b", Verdict::Passed),
            held(Probe::Check("c")),
            held(Probe::Value("c")),
            held(Probe::Check("c")).with_verdict("a", Verdict::Passed),
            raised("xy", "z"),
            raised("x", "yz"),
        ];
        let mut settings: Vec<_> = scripts.iter().map(|s| s.settings().to_string()).collect();
        assert_eq!(settings[0], "scripted(script=cbf29ce484222325)");
        settings.sort();
        settings.dedup();
        assert_eq!(settings.len(), scripts.len());
        // The order in which a script was written does not count.
        let one = ScriptedJudge::new().with_verdict("a", Verdict::Passed);
        let other = ScriptedJudge::new().with_verdict("b", Verdict::Failed);
        let (one, other) =
            (one.with_verdict("b", Verdict::Failed), other.with_verdict("a", Verdict::Passed));
        assert_eq!(one.settings(), other.settings());
    }
}
