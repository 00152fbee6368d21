use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Tier;

/// Why there is no verdict. A sandbox fault, never the candidate's failure: do not count it as one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// There is no interpreter at this path.
    #[error(
        "no python interpreter at `{}`; install python3 or set SandboxConfig::python", python.display()
    )]
    PythonMissing {
        /// The path tried.
        python: PathBuf,
    },
    /// The interpreter could not be started.
    #[error(
        "cannot run the python interpreter `{}`: {source}; install python3 or set \
         SandboxConfig::python", python.display()
    )]
    PythonStart {
        /// The path tried.
        python: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The interpreter started, but not the worker in it.
    #[error(
        "the python interpreter `{}` ended before its worker was ready: {log}; python 3.8 or newer \
         is needed, see SandboxConfig::python", python.display()
    )]
    PythonUnfit {
        /// The path tried.
        python: PathBuf,
        /// The end of what it wrote to its standard error.
        log: String,
    },
    /// A worker gave the wrong verdict on a program whose verdict is known.
    #[error(
        "the sandbox's self-check with `{}` failed at `{check}`: {answer} (isolation {tier}); \
         use a python3 and a SandboxConfig::scratch that every user can read", python.display()
    )]
    SelfCheck {
        /// The interpreter.
        python: PathBuf,
        /// The program tried.
        check: &'static str,
        /// What came of it.
        answer: String,
        /// How it was shut in.
        tier: Tier,
    },
    /// A layer of the tier asked for cannot be set up here, or does not hold.
    #[error(
        "the isolation `{tier}` cannot be had: {layer}: {answer}; {remedy}, or ask for a weaker one \
         by its name, see SandboxConfig::tier"
    )]
    Isolation {
        /// The tier asked for.
        tier: Tier,
        /// The layer that is missing, or the guarantee that was broken.
        layer: String,
        /// The system's answer.
        answer: String,
        /// What would help.
        remedy: String,
    },
    /// The trusted part of a submission is at fault: it does not compile, or needs what is not
    /// installed.
    #[error(
        "the {part} of the submission cannot be used: {reason}; correct the task's data, or let the \
         packages that it needs in (SandboxConfig::site_packages, --site-packages)"
    )]
    InvalidSubmission {
        /// `helpers`, `setup` or `tests`.
        part: String,
        /// The interpreter's message.
        reason: String,
    },
    /// A limit is zero or too large.
    #[error("Limits::{name} must be from 1 to 2^53 (milliseconds for times)")]
    InvalidLimit {
        /// The field.
        name: &'static str,
    },
    /// A worker ended or broke the protocol; [`crate::Sandbox::execute`] tries once more first.
    #[error("a sandbox worker failed: {reason}; its log: {log}")]
    WorkerLost {
        /// What happened.
        reason: String,
        /// The end of what it wrote to its standard error.
        log: String,
    },
    /// A worker did not answer in time; [`crate::Sandbox::execute`] tries once more first.
    #[error("a sandbox worker did not answer within {waited:?}; the machine may be overloaded")]
    WorkerSilent {
        /// How long was waited.
        waited: Duration,
    },
    /// The scratch directory could not be made.
    #[error("cannot make a scratch directory in `{}`: {source}; set SandboxConfig::scratch", path.display())]
    Scratch {
        /// Where.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The platform has neither fork nor resource limits.
    #[error("the sandbox needs a unix system (Linux for all its layers)")]
    Unsupported,
}
