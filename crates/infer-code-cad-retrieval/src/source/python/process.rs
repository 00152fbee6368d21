use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

const WALK: &str = include_str!("walk.py");

/// What `walk.py` says, a line each.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    Package {
        package: String,
        version: String,
        modules: Vec<String>,
    },
    /// The module whose import begins; none when all are imported.
    Loading {
        loading: String,
    },
    Skipped {
        skipped: String,
        why: String,
    },
    Object {
        name: String,
        title: String,
        text: String,
        location: String,
    },
    Done {
        done: bool,
    },
}

pub(super) enum Outcome {
    Done,
    Failed(String),
}

/// Runs `walk.py` and gives what it said, until it is done, ends, or says nothing for too long.
pub(super) fn run(interpreter: &Path, ask: &Value, patience: Duration) -> (Vec<Line>, Outcome) {
    let mut child = match start(interpreter, ask) {
        Ok(child) => child,
        Err(error) => return (Vec::new(), Outcome::Failed(error.to_string())),
    };
    let output = child.stdout.take().expect("the output is piped");
    let (lines, outcome) = listen(&read(output), patience);
    // It has said all, or will not; modules may have left threads that go on.
    let ended =
        if matches!(outcome, Outcome::Failed(_)) { child.try_wait().ok().flatten() } else { None };
    let _ = child.kill();
    let status = child.wait().ok();
    match (outcome, ended.or(status)) {
        (Outcome::Failed(why), Some(status)) if why.is_empty() => {
            (lines, Outcome::Failed(format!("ended the interpreter ({status})")))
        }
        (outcome, _) => (lines, outcome),
    }
}

fn start(interpreter: &Path, ask: &Value) -> std::io::Result<Child> {
    let mut child = Command::new(interpreter)
        .args(["-c", WALK])
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONSTARTUP")
        .env_remove("PYTHONINSPECT")
        // The order of sets shows in some signatures.
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().expect("the input is piped");
    // An interpreter that ends at once closes it; that shows in what it says.
    let _ = input.write_all(ask.to_string().as_bytes());
    Ok(child)
}

/// Lines as they come. The thread ends with the output, which a grandchild may keep open for longer than we wait.
fn read(output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// An empty reason means that the output ended.
fn listen(receiver: &Receiver<Vec<u8>>, patience: Duration) -> (Vec<Line>, Outcome) {
    let mut lines = Vec::new();
    loop {
        let line = match receiver.recv_timeout(patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("says nothing for {} s", patience.as_secs_f32());
                return (lines, Outcome::Failed(why));
            }
            Err(RecvTimeoutError::Disconnected) => return (lines, Outcome::Failed(String::new())),
        };
        match serde_json::from_slice(&line) {
            Ok(Line::Done { done: true }) => return (lines, Outcome::Done),
            Ok(line) => lines.push(line),
            Err(error) => {
                return (lines, Outcome::Failed(format!("says what is no line of ours ({error})")));
            }
        }
    }
}
