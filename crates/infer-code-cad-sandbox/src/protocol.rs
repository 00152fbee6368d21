//! Messages to and from a worker: 4 bytes length (big endian), then JSON.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Isolation, Limits, Report, Submission, Verdict};

/// A reply holds a reason of bounded length; more is a fault.
const MAX_REPLY_BYTES: u32 = 1 << 20;

#[derive(Serialize)]
pub(crate) struct Request<'a> {
    setup: &'a str,
    program: &'a str,
    tests: &'a str,
    limits: WireLimits,
}

#[derive(Serialize)]
struct WireLimits {
    cpu_millis: u64,
    wall_millis: u64,
    memory_bytes: u64,
    output_bytes: u64,
    file_bytes: u64,
    processes: u32,
}

/// What a worker says once, when it is ready.
#[derive(Debug, Deserialize)]
pub(crate) struct Hello {
    /// Implementation and version, such as `cpython 3.11.7`.
    pub(crate) python: String,
    pub(crate) layers: Isolation,
}

/// What a worker says to a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    Report(WireReport),
    Invalid { part: String, reason: String },
    Fault(String),
}

#[derive(Debug, Deserialize)]
pub(crate) struct WireReport {
    verdict: Verdict,
    reason: String,
    cpu_seconds: f64,
    wall_seconds: f64,
    max_rss_bytes: u64,
    output_bytes: u64,
}

impl<'a> Request<'a> {
    /// `limits` have been checked.
    pub(crate) fn new(submission: &Submission<'a>, limits: &Limits) -> Self {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            setup: &submission.tests.setup,
            program: submission.program,
            tests: &submission.tests.asserts,
            limits: WireLimits {
                cpu_millis: millis(limits.cpu_time),
                wall_millis: millis(limits.wall_time),
                memory_bytes: limits.memory_bytes,
                output_bytes: limits.output_bytes,
                file_bytes: limits.file_bytes,
                processes: limits.processes,
            },
        }
    }
}

impl From<WireReport> for Report {
    fn from(wire: WireReport) -> Self {
        let seconds = |value| Duration::try_from_secs_f64(value).unwrap_or_default();
        Self {
            verdict: wire.verdict,
            reason: wire.reason,
            cpu_time: seconds(wire.cpu_seconds),
            wall_time: seconds(wire.wall_seconds),
            max_rss_bytes: wire.max_rss_bytes,
            output_bytes: wire.output_bytes,
            signal: None,
            calls: 0,
            tier: None,
        }
    }
}

/// The message as it travels.
pub(crate) fn encode(request: &Request<'_>) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 4];
    serde_json::to_writer(&mut message, request)?;
    let length = u32::try_from(message.len() - 4)
        .map_err(|_| io::Error::other("the submission is larger than 4 GiB"))?;
    message[..4].copy_from_slice(&length.to_be_bytes());
    Ok(message)
}

/// Sends an encoded request and reads the reply's JSON.
pub(crate) fn exchange(
    message: &[u8],
    to: &mut impl Write,
    from: &mut impl Read,
) -> io::Result<Vec<u8>> {
    to.write_all(message)?;
    to.flush()?;
    receive(from)
}

/// Reads one message's JSON.
pub(crate) fn receive(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > MAX_REPLY_BYTES {
        return Err(io::Error::other(format!("a reply of {length} bytes is no reply")));
    }
    let mut reply = vec![0; length as usize];
    from.read_exact(&mut reply)?;
    Ok(reply)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::Tests;

    #[test]
    fn text_travels_unchanged() {
        let program = "s = '\u{0}\r\n\u{10ffff}é'\r\n";
        let tests = Tests::default();
        let submission = Submission::new(program, &tests);
        let message = encode(&Request::new(&submission, &Limits::default())).unwrap();
        let json: serde_json::Value =
            serde_json::from_slice(&receive(&mut &message[..]).unwrap()).unwrap();
        assert_eq!(json["program"], program);
        assert_eq!(json["limits"]["cpu_millis"], 10_000);
    }

    #[test]
    fn a_truncated_or_giant_reply_is_an_error() {
        assert!(receive(&mut &[0, 0, 0, 9, b'{'][..]).is_err());
        assert!(receive(&mut &[255, 255, 255, 255][..]).is_err());
    }
}
