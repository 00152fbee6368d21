#![doc = include_str!("../README.md")]
//!
//! # Isolation
//!
//! A candidate has its own process, session and empty working directory (removed afterwards), no
//! environment, standard input or inherited descriptors. Resource limits bound CPU time, address
//! space, file size, open files and processes; its worker bounds wall time and output, and kills
//! what it leaves running. Started by root, it runs as an unprivileged user. Where the kernel
//! allows, it has no network. [`Sandbox::isolation`] tells which layers are active.
//!
//! # What isolation does not do
//!
//! - The tests run in the candidate's interpreter. `os._exit(0)`, `SystemExit`, replaced builtins,
//!   closed or flooded descriptors do not make a candidate pass, but one that means to can forge a
//!   pass, for example by an `__eq__` that is always true or by reading the harness's own frames.
//! - A candidate may read what its user can read and write what its user can write. Started by an
//!   ordinary user, that is the user's own files, and it can kill the user's processes, the worker
//!   among them (which is reported as a [`SandboxError`]). Run programs that may be malicious as
//!   root or in a container.
//! - A candidate that reads the harness's token can also feign a fault of the sandbox, which ends
//!   a run with a [`SandboxError`].
//! - Many small files can fill the disk until the wall limit. They are deleted after the verdict,
//!   and the worker's next submission waits for that; after a very large flood it moves to a fresh
//!   worker.
//!
//! # When the caller goes away
//!
//! A process may end, or be killed, while threads of it judge: nobody has to join them or to drop the
//! sandbox first. Its workers notice, kill their candidates, remove their files and end.

#![forbid(unsafe_code)]

mod error;
mod isolation;
mod judge;
mod protocol;
mod report;
mod sandbox;
mod scripted;
mod submission;
mod tier;
mod worker;

pub use error::SandboxError;
pub use infer_code_cad_decode::Settings;
pub use isolation::Isolation;
pub use judge::{Judge, JudgeError, Observation, Probe};
pub use report::{Report, Verdict};
pub use sandbox::{Sandbox, SandboxConfig};
pub use scripted::ScriptedJudge;
pub use submission::{Limits, Submission, Tests};
pub use tier::Tier;
