//! Integration tests of the sandbox, in one binary.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod canonical;
mod common;
mod confinement;
mod corpus;
mod ends;
mod isolation;
mod mutants;
mod observe;
mod settings;
mod throughput;
mod verdicts;
mod wire;
