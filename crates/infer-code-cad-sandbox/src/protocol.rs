//! Messages to and from a worker: 4 bytes length (big endian), then JSON.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Limits, Observation, Probe, Report, Submission, Tier, Verdict};

/// A reply holds texts of bounded length; more is a fault.
const MAX_REPLY_BYTES: u32 = 256 << 20;

/// What a worker is told once, before it isolates itself.
#[derive(Serialize)]
pub(crate) struct Plan<'a> {
    pub(crate) tier: Tier,
    pub(crate) site_packages: bool,
    /// A directory of the worker's own; the tier `full` does without.
    pub(crate) scratch: Option<&'a Path>,
    /// The seccomp programs as hexadecimal text, by what they are for.
    pub(crate) filters: BTreeMap<&'static str, Vec<String>>,
}

/// What a worker says to its plan.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", untagged)]
pub(crate) enum Greeting {
    Hello(Hello),
    /// Layer, the system's answer, remedy.
    Refused {
        refused: [String; 3],
    },
}

/// What a worker says of itself, when it is ready.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Hello {
    /// Implementation and version, such as `cpython 3.11.7`.
    pub(crate) python: String,
    /// The layers by name, with what there is to say of each.
    pub(crate) layers: BTreeMap<String, String>,
    /// How many forbidden acts were tried in vain, by the guarantee that they would have broken.
    pub(crate) tried: BTreeMap<String, u32>,
    /// Name and version of what may be imported beside the standard library.
    pub(crate) packages: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Request<'a> {
    Judge {
        program: &'a str,
        helpers: &'a str,
        setup: &'a str,
        tests: &'a str,
        entry_point: Option<&'a str>,
        limits: WireLimits,
    },
    Observe {
        program: &'a str,
        probes: Vec<WireProbe<'a>>,
        limits: WireLimits,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WireProbe<'a> {
    Value(&'a str),
    Check(&'a str),
}

#[derive(Serialize)]
pub(crate) struct WireLimits {
    cpu_millis: u64,
    wall_millis: u64,
    memory_bytes: u64,
    output_bytes: u64,
    file_bytes: u64,
    processes: u32,
    threads: u32,
    open_files: u32,
    scratch_bytes: u64,
    scratch_files: u64,
}

/// What a worker says to a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    Report(WireReport),
    Observed(Vec<WireObservation>),
    Invalid { part: String, reason: String },
    Fault(String),
}

#[derive(Debug, Deserialize)]
pub(crate) struct WireReport {
    verdict: Verdict,
    reason: String,
    signal: Option<i32>,
    calls: u64,
    cpu_seconds: f64,
    wall_seconds: f64,
    max_rss_bytes: u64,
    output_bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WireObservation {
    Value(String),
    Held(()),
    Raised(String, String),
    Limit(String),
}

impl<'a> Request<'a> {
    /// `limits` have been checked.
    pub(crate) fn judge(submission: &Submission<'a>, limits: &Limits) -> Self {
        let tests = submission.tests;
        Self::Judge {
            program: submission.program,
            helpers: &tests.helpers,
            setup: &tests.setup,
            tests: &tests.asserts,
            entry_point: tests.entry_point.as_deref(),
            limits: limits.into(),
        }
    }

    /// `limits` have been checked.
    pub(crate) fn observe(program: &'a str, probes: &[Probe<'a>], limits: &Limits) -> Self {
        let probes = probes.iter().map(|probe| match probe {
            Probe::Value(expression) => WireProbe::Value(expression),
            Probe::Check(statement) => WireProbe::Check(statement),
        });
        Self::Observe { program, probes: probes.collect(), limits: limits.into() }
    }
}

impl From<&Limits> for WireLimits {
    fn from(limits: &Limits) -> Self {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            cpu_millis: millis(limits.cpu_time),
            wall_millis: millis(limits.wall_time),
            memory_bytes: limits.memory_bytes,
            output_bytes: limits.output_bytes,
            file_bytes: limits.file_bytes,
            processes: limits.processes,
            threads: limits.threads,
            open_files: limits.open_files,
            scratch_bytes: limits.scratch_bytes,
            scratch_files: limits.scratch_files,
        }
    }
}

impl WireReport {
    pub(crate) fn into_report(self, tier: Tier) -> Report {
        let seconds = |value| Duration::try_from_secs_f64(value).unwrap_or_default();
        Report {
            verdict: self.verdict,
            reason: self.reason,
            signal: self.signal,
            calls: self.calls,
            cpu_time: seconds(self.cpu_seconds),
            wall_time: seconds(self.wall_seconds),
            max_rss_bytes: self.max_rss_bytes,
            output_bytes: self.output_bytes,
            tier: Some(tier),
        }
    }
}

impl From<WireObservation> for Observation {
    fn from(wire: WireObservation) -> Self {
        match wire {
            WireObservation::Value(value) => Self::Value(value),
            WireObservation::Held(()) => Self::Held,
            WireObservation::Raised(kind, message) => Self::Raised { kind, message },
            WireObservation::Limit(limit) => Self::Limit(limit),
        }
    }
}

/// The message as it travels.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4)
        .map_err(|_| io::Error::other("the submission is larger than 4 GiB"))?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

/// Sends an encoded message and reads the reply's JSON.
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
    let mut reply = Vec::new();
    from.take(length.into()).read_to_end(&mut reply)?;
    if reply.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;
    use crate::Tests;

    #[test]
    fn text_travels_unchanged() {
        let program = "s = '\u{0}\r\n\u{10ffff}é'\r\n";
        let tests = Tests::default();
        let submission = Submission::new(program, &tests);
        let message = encode(&Request::judge(&submission, &Limits::default())).unwrap();
        let json: serde_json::Value =
            serde_json::from_slice(&receive(&mut &message[..]).unwrap()).unwrap();
        assert_eq!(json["program"], program);
        assert_eq!(json["limits"]["cpu_millis"], 10_000);
        let probes = [Probe::Value("f(1)"), Probe::Check("g()")];
        let message = encode(&Request::observe(program, &probes, &Limits::default())).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&message[4..]).unwrap();
        assert_eq!(json["probes"], serde_json::json!([{"value": "f(1)"}, {"check": "g()"}]));
    }

    #[test]
    fn a_truncated_or_giant_reply_is_an_error() {
        assert!(receive(&mut &[0, 0, 0, 9, b'{'][..]).is_err());
        assert!(receive(&mut &[255, 255, 255, 255][..]).is_err());
    }

    #[test]
    fn observations_are_read() {
        let text = r#"{"observed": [{"value": "1"}, {"held": null}, {"raised": ["E", "m"]}, {"limit": "l"}]}"#;
        let Reply::Observed(seen) = serde_json::from_str(text).unwrap() else { panic!("{text}") };
        let seen: Vec<Observation> = seen.into_iter().map(Into::into).collect();
        let raised = Observation::Raised { kind: "E".into(), message: "m".into() };
        let expected = [
            Observation::Value("1".into()),
            Observation::Held,
            raised,
            Observation::Limit("l".into()),
        ];
        assert_eq!(seen, expected);
    }

    proptest! {
        #[test]
        fn no_bytes_are_more_than_an_error(bytes: Vec<u8>) {
            if let Ok(reply) = receive(&mut &bytes[..]) {
                prop_assert!(reply.len() + 4 <= bytes.len());
                let _ = serde_json::from_slice::<Reply>(&reply);
            }
        }
    }
}
