use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use infer_code_cad_decode::Settings;

use crate::{Limits, Report, SandboxError, Submission};

/// Judges programs and, where it can, runs them on single expressions.
///
/// The door for every way to find out what a program does; [`Sandbox`](crate::Sandbox) is one,
/// [`ScriptedJudge`](crate::ScriptedJudge) one for tests. It serves many threads.
///
/// # Examples
/// A judge of one's own, which passes what is the reference solution word for word:
/// ```
/// use infer_code_cad_sandbox::{
///     Judge, JudgeError, Limits, Report, Settings, Submission, Tests, Verdict,
/// };
///
/// #[derive(Debug)]
/// struct Verbatim;
///
/// impl Judge for Verbatim {
///     fn judge(&self, submission: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
///         let Some(reference) = &submission.tests.reference else {
///             return Err(JudgeError::other("the tests hold no reference solution"));
///         };
///         Ok(if submission.program == reference {
///             Report::new(Verdict::Passed, "")
///         } else {
///             Report::new(Verdict::Failed, "differs from the reference solution")
///         })
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new("verbatim")
///     }
/// }
///
/// let tests = Tests::new("assert f(1) == 1").with_reference("def f(x): return x");
/// let report = Verbatim.judge(&Submission::new("f = abs", &tests), &Limits::default())?;
/// assert_eq!(report.verdict, Verdict::Failed);
/// let probed = Verbatim.observe("f = abs", &[], &Limits::default());
/// assert!(matches!(probed, Err(JudgeError::Unsupported { judge }) if judge == "verbatim"));
/// # Ok::<(), JudgeError>(())
/// ```
pub trait Judge: Debug + Send + Sync {
    /// Judges one submission.
    ///
    /// What the program does, or fails to do, is a [`Verdict`](crate::Verdict); an error says that
    /// the judge failed, and never counts as the program's failure.
    ///
    /// # Errors
    /// [`JudgeError::Sandbox`] for a fault of the sandbox or of the caller's input,
    /// [`JudgeError::Other`] for the implementation's own.
    fn judge(&self, submission: &Submission<'_>, limits: &Limits) -> Result<Report, JudgeError>;

    /// Loads a program once and looks at it with each probe in a fresh copy of it, so that no probe
    /// sees what another did. Returns one observation per probe, in order; a program that cannot be
    /// loaded is an observation too, the same for each. The limits hold for each probe.
    ///
    /// # Errors
    /// [`JudgeError::Unsupported`] unless the judge implements this; else as for [`Judge::judge`].
    fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        limits: &Limits,
    ) -> Result<Vec<Observation>, JudgeError> {
        let _ = (program, probes, limits);
        Err(JudgeError::Unsupported { judge: self.settings().name })
    }

    /// What result files and reports call this judge. Everything that a verdict depends on belongs
    /// to it (except the [`Limits`], which have their own), and nothing that changes from day to
    /// day or from directory to directory.
    fn settings(&self) -> Settings;

    /// How many calls run side by side; more of them wait for one another.
    fn workers(&self) -> usize {
        1
    }
}

/// A look at a program that is loaded and does nothing else: no test has run before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Probe<'a> {
    /// An expression to evaluate, such as `f(1)`.
    Value(&'a str),
    /// A statement that either ends or raises, such as `assert f(1) == 2`.
    Check(&'a str),
}

/// What a [`Probe`] showed. Its texts are written in part by the program: treat them as text only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Observation {
    /// The value of a [`Probe::Value`], as the judge writes values: equal texts, equal values.
    Value(String),
    /// A [`Probe::Check`] ended without an exception.
    Held,
    /// An exception left the probe or the program; a check that did not hold is an `AssertionError`.
    Raised {
        /// The exception's type, such as `ZeroDivisionError`.
        kind: String,
        /// Its message, which may be empty.
        message: String,
    },
    /// A limit was gone beyond, or the process ended before the probe did; the text says which.
    Limit(String),
}

/// Why a judge gave no answer: never the candidate's failure, so do not count it as one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// The judge gives verdicts only.
    #[error(
        "the judge `{judge}` cannot observe single expressions; use one that implements \
         Judge::observe"
    )]
    Unsupported {
        /// The judge's name.
        judge: String,
    },
    /// The sandbox failed, or refused its input.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// What a judge of one's own cannot say with the variants above.
    #[error("the judge failed: {0}")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl JudgeError {
    /// Any error, or a text, as a [`JudgeError::Other`].
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

macro_rules! through_pointer {
    ($($pointer:ident),*) => { $(
        impl<J: Judge + ?Sized> Judge for $pointer<J> {
            fn judge(
                &self,
                submission: &Submission<'_>,
                limits: &Limits,
            ) -> Result<Report, JudgeError> {
                (**self).judge(submission, limits)
            }

            fn observe(
                &self,
                program: &str,
                probes: &[Probe<'_>],
                limits: &Limits,
            ) -> Result<Vec<Observation>, JudgeError> {
                (**self).observe(program, probes, limits)
            }

            fn settings(&self) -> Settings {
                (**self).settings()
            }

            fn workers(&self) -> usize {
                (**self).workers()
            }
        }
    )* };
}
through_pointer!(Arc, Box);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::{ScriptedJudge, Tests, Verdict};

    #[test]
    fn a_pointer_hands_every_question_on() {
        #[derive(Debug)]
        struct Three(ScriptedJudge);
        impl Judge for Three {
            fn judge(&self, of: &Submission<'_>, limits: &Limits) -> Result<Report, JudgeError> {
                self.0.judge(of, limits)
            }
            fn observe(
                &self,
                program: &str,
                probes: &[Probe<'_>],
                limits: &Limits,
            ) -> Result<Vec<Observation>, JudgeError> {
                self.0.observe(program, probes, limits)
            }
            fn settings(&self) -> Settings {
                Settings::new("three")
            }
            fn workers(&self) -> usize {
                3
            }
        }
        let script = ScriptedJudge::new().with_verdict("x", Verdict::Memory).with_observation(
            "x",
            Probe::Check("c"),
            Observation::Held,
        );
        let judge: Arc<dyn Judge> = Arc::new(Box::new(Three(script)));
        let (tests, limits) = (Tests::default(), Limits::default());
        let report = judge.judge(&Submission::new("x", &tests), &limits).unwrap();
        assert_eq!(report.verdict, Verdict::Memory);
        let seen = judge.observe("x", &[Probe::Check("c")], &limits).unwrap();
        assert_eq!(seen, [Observation::Held]);
        assert_eq!((judge.workers(), judge.settings().name.as_str()), (3, "three"));
    }

    #[test]
    fn foreign_errors_and_faults_keep_their_words() {
        let foreign = JudgeError::other("the service is down");
        assert_eq!(foreign.to_string(), "the judge failed: the service is down");
        let fault = JudgeError::from(SandboxError::InvalidLimit { name: "cpu_time" });
        assert!(fault.to_string().starts_with("Limits::cpu_time must be"));
    }
}
