//! What the integration tests share.

use infer_code_cad_sandbox::{
    Limits, Report, Sandbox, SandboxConfig, SandboxError, Submission, Tests,
};

/// A sandbox, or a line that says why the test `name` is not run.
pub(crate) fn sandbox_or_say(name: &str, workers: usize) -> Option<Sandbox> {
    match Sandbox::start(&SandboxConfig { workers, ..SandboxConfig::default() }) {
        Err(SandboxError::PythonMissing { .. }) => {
            eprintln!("{name}: not run, it needs python3");
            None
        }
        Err(error) => panic!("{error}"),
        Ok(sandbox) => Some(sandbox),
    }
}

/// Judges a program that has no setup code.
pub(crate) fn judge(sandbox: &Sandbox, program: &str, tests: &str, limits: &Limits) -> Report {
    match sandbox.execute(&Submission::new(program, &Tests::new(tests)), limits) {
        Ok(report) => report,
        Err(error) => panic!("{error}"),
    }
}
