#![doc = include_str!("../README.md")]
//!
//! # The judge
//!
//! A program and its tests run in two processes. The tests ask the program for values over a socket, and
//! what comes back is copied: exact builtin values, never a class of the program's, whose `==` could be
//! true of everything. Other objects stay where they are, behind handles that are called, indexed,
//! iterated and looked into from afar, and that equal nothing but themselves. The program never sees a
//! test; an end of its process is never a pass.
//!
//! # Isolation
//!
//! [`Tier`] says how far candidates are shut in; a layer that the system does not grant is refused, and a
//! self-test tries what is forbidden before the first candidate. `docs/sandbox.md` in the repository has
//! the guarantees of each tier, and what remains possible.
//!
//! # When the caller goes away
//!
//! A process may end, or be killed, while threads of it judge: nobody has to join them or to drop the
//! sandbox first. Its workers notice, end with their candidates and remove what they made; what
//! workers leave that were killed too, the next sandbox removes.

#![forbid(unsafe_code)]

mod error;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter;
mod home;
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
pub use isolation::{Guarantee, Isolation};
pub use judge::{Judge, JudgeError, Observation, Probe};
pub use report::{Report, Verdict};
pub use sandbox::{Sandbox, SandboxConfig};
pub use scripted::ScriptedJudge;
pub use submission::{Limits, Submission, Tests};
pub use tier::Tier;
