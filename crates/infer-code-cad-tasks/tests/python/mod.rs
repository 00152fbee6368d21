//! Python, for tests that compile or run programs.

use std::io::Write;
use std::process::{Command, Stdio};

/// What Python prints for `script` with `input` as JSON on its standard input; `None` without Python.
pub(crate) fn python(script: &str, input: &impl serde::Serialize) -> Option<String> {
    let child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("not checked: python3 is missing");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(input).unwrap()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the checking script failed");
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
