use std::collections::HashMap;
use std::fs;
use std::path::Path;

use infer_code_cad_decode::Settings;
use infer_code_cad_sandbox::{Report, Tier, Verdict};
use infer_code_cad_tasks::{SampleLine, Task};
use serde::{Deserialize, Serialize};

use super::SampleJudging;
use crate::fingerprint::Fingerprint;
use crate::form::SettingsForm;
use crate::journal::{LineFile, Span, check_path, io_error};
use crate::{Difference, JournalError, header};

/// The format of the file.
const VERSION: u64 = 1;

/// Every such file begins with this.
const MARK: &[u8] = b"{\"samples\":";

/// The verdicts that are there, in the order in which they came: a file of lines that survives a kill.
#[derive(Debug)]
pub(super) struct Part {
    file: LineFile,
    /// By the number of the sample, from 0.
    known: HashMap<usize, Known>,
}

/// A verdict in the file.
#[derive(Debug, Clone, Copy)]
struct Known {
    span: Span,
    /// What was judged.
    object: u64,
    verdict: Verdict,
}

/// Everything that verdicts depend on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u64,
    /// A fingerprint of the tests of all problems.
    tests: String,
    #[serde(with = "SettingsForm")]
    judge: Settings,
    #[serde(with = "SettingsForm")]
    limits: Settings,
    #[serde(with = "SettingsForm")]
    extraction: Settings,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct First {
    samples: Header,
}

/// A sample's verdict and what was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    sample: usize,
    /// A fingerprint of the sample's object.
    object: u64,
    pub(super) verdict: Verdict,
    pub(super) reason: String,
    pub(super) signal: Option<i32>,
    pub(super) isolation: Option<Tier>,
    pub(super) calls: u64,
    pub(super) output_bytes: u64,
    pub(super) cpu_ms: f64,
    pub(super) wall_ms: f64,
    pub(super) max_rss_bytes: u64,
}

impl Part {
    /// Creates the file, or opens it to go on.
    pub(super) fn open(
        path: &Path,
        tasks: &[Task],
        judging: &SampleJudging,
    ) -> Result<Self, JournalError> {
        check_path(path)?;
        let file = LineFile::lock(path)?;
        let beginning = file.beginning(MARK.len() as u64)?;
        if !beginning.starts_with(MARK) && !MARK.starts_with(&beginning) {
            return Err(JournalError::Foreign {
                path: path.to_owned(),
                found: "it does not begin with the settings of a judge",
                remedy: "move it away or name another file for the results",
            });
        }
        let now = Header::new(tasks, judging);
        let (mut number, mut known) = (0, HashMap::new());
        let is_torn = file.scan(&mut |span, line| {
            number += 1;
            if number == 1 {
                let First { samples: was } = parsed(path, number, line)?;
                return was.check(path, &now);
            }
            let Row { sample, object, verdict, .. } = parsed(path, number, line)?;
            known.insert(sample, Known { span, object, verdict });
            Ok(())
        })?;
        if is_torn {
            tracing::warn!(path = %path.display(), "dropping an unfinished last line");
            file.cut()?;
        }
        if number == 0 {
            file.append(&First { samples: now })?;
        }
        Ok(Self { file, known })
    }

    /// How many verdicts there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The verdict on a sample, if it is there and of the same answer.
    pub(super) fn verdict(&self, sample: usize, line: &SampleLine) -> Option<Verdict> {
        let known = self.known.get(&sample)?;
        (known.object == object(line)).then_some(known.verdict)
    }

    /// What the file tells of a sample.
    pub(super) fn row(
        &self,
        sample: usize,
        line: &SampleLine,
    ) -> Option<Result<Row, JournalError>> {
        self.verdict(sample, line)?;
        self.known.get(&sample).map(|known| self.file.value(known.span))
    }

    /// Stores a verdict.
    pub(super) fn append(
        &mut self,
        sample: usize,
        object: u64,
        report: &Report,
    ) -> Result<(), JournalError> {
        let verdict = report.verdict;
        let span = self.file.append(&Row {
            sample,
            object,
            verdict,
            reason: report.reason.clone(),
            signal: report.signal,
            isolation: report.tier,
            calls: report.calls,
            output_bytes: report.output_bytes,
            cpu_ms: millis(report.cpu_time),
            wall_ms: millis(report.wall_time),
            max_rss_bytes: report.max_rss_bytes,
        })?;
        self.known.insert(sample, Known { span, object, verdict });
        Ok(())
    }

    /// Puts lines on the disk that have waited for a while.
    pub(super) fn sync_due(&self) -> Result<(), JournalError> {
        self.file.sync_due()
    }

    /// Puts everything on the disk.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync()
    }

    /// Removes the file, whose results are in their place.
    pub(super) fn remove(self) -> Result<(), JournalError> {
        let path = self.file.path();
        fs::remove_file(path).map_err(|source| io_error(path, "remove it", source))
    }
}

/// A fingerprint of what a line answers.
pub(super) fn object(line: &SampleLine) -> u64 {
    Fingerprint::new().text(&line.object).value()
}

/// Milliseconds, to the microsecond.
fn millis(time: std::time::Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

fn parsed<'l, T: Deserialize<'l>>(
    path: &Path,
    number: usize,
    line: &'l [u8],
) -> Result<T, JournalError> {
    serde_json::from_slice(line).map_err(|error| JournalError::Line {
        path: path.to_owned(),
        line: number,
        reason: error.to_string(),
    })
}

impl Header {
    fn new(tasks: &[Task], judging: &SampleJudging) -> Self {
        Self {
            version: VERSION,
            tests: header::tests(tasks),
            judge: judging.judge.settings(),
            limits: judging.limits.settings(),
            extraction: header::extraction(judging.extraction),
        }
    }

    fn check(&self, path: &Path, now: &Self) -> Result<(), JournalError> {
        let both = self.entries().into_iter().zip(now.entries());
        let differences = both.filter(|((_, was), (_, now))| was != now);
        let differences: Vec<Difference> = differences
            .map(|((setting, was), (_, now))| Difference { setting: setting.to_owned(), was, now })
            .collect();
        if differences.is_empty() {
            return Ok(());
        }
        Err(JournalError::Mismatch { path: path.to_owned(), differences })
    }

    fn entries(&self) -> [(&'static str, String); 5] {
        [
            ("version", self.version.to_string()),
            ("tests", self.tests.clone()),
            ("judge", self.judge.to_string()),
            ("limits", self.limits.to_string()),
            ("extraction", self.extraction.to_string()),
        ]
    }
}
