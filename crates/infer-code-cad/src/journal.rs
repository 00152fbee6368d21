use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use infer_code_cad_metrics::Throughput;
use infer_code_cad_tasks::Problem;
use serde::{Deserialize, Serialize};

use crate::{Error, LanguageModel, Record, SolveConfig, Technique};

/// A result file that survives a kill: one JSON object per line, only ever appended to.
///
/// The first line holds the settings of the run, so that results of different runs never mix; each
/// further line is one finished problem or the cost of one session. A line cut short by a kill or
/// a full disk is dropped when the file is opened again, and its problem is solved once more.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    records: Vec<Record>,
    throughput: Throughput,
}

/// The settings that make two runs comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Technique with the parameters of its decoder and its selector.
    pub technique: String,
    /// Model name or path, and its element type.
    pub model: String,
    /// Benchmark and split.
    pub benchmark: String,
    /// How prompts were put to the model, as [`crate::PromptFormat::describe`] says.
    pub prompt_format: String,
    /// A fingerprint of all prompt streams as the model reads them, which covers problems, wording,
    /// passages and chat template.
    pub prompts: String,
    /// Samples per problem.
    pub n_samples: usize,
    /// Longest completion in tokens.
    pub max_new_tokens: usize,
    /// Stop strings.
    pub stop: Vec<String>,
    /// Seed.
    pub seed: u64,
}

impl RunHeader {
    /// Everything that the figures of a run depend on.
    ///
    /// # Errors
    /// Those of [`crate::PromptFormat::streams`].
    pub fn new(
        technique: &Technique,
        model: &LanguageModel,
        benchmark: String,
        problems: &[Problem],
        config: &SolveConfig,
    ) -> Result<Self, Error> {
        let Technique { name, decoder, selector, .. } = technique;
        Ok(Self {
            technique: format!("{name}: {decoder:?}, {selector:?}"),
            model: model.name.clone(),
            benchmark,
            prompt_format: config.prompt_format.describe(model)?,
            prompts: fingerprint(technique, model, problems, config)?,
            n_samples: config.n_samples,
            max_new_tokens: config.max_new_tokens,
            stop: config.stop.clone(),
            seed: config.seed,
        })
    }
}

/// FNV-1a over the streams of every problem in turn, in hexadecimal.
fn fingerprint(
    technique: &Technique,
    model: &LanguageModel,
    problems: &[Problem],
    config: &SolveConfig,
) -> Result<String, Error> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for problem in problems {
        let prompted = config.prompt_format.streams(&technique.prompter, problem, model)?;
        for text in prompted.streams.iter().chain([&problem.tests]) {
            // The byte 0xff, which UTF-8 never has, keeps neighbours apart.
            for byte in text.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    Ok(format!("{hash:016x}"))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Run(RunHeader),
    Problem(Record),
    Session(Cost),
}

#[derive(Serialize, Deserialize)]
struct Cost {
    prefill_tokens: u64,
    prefill_seconds: f64,
    decode_tokens: u64,
    decode_seconds: f64,
}

impl Journal {
    /// Creates the file, or opens it to go on where an earlier session stopped.
    ///
    /// # Errors
    /// [`Error::JournalIo`], also when another process has the file open;
    /// [`Error::JournalMismatch`] when it belongs to other settings; [`Error::JournalLine`] when a
    /// line other than an unfinished last one does not parse.
    pub fn open(path: &Path, header: &RunHeader) -> Result<Self, Error> {
        let io = |source| Error::JournalIo { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        file.try_lock().map_err(|error| io(error.into()))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
        let mut journal = Self {
            path: path.to_owned(),
            file,
            records: Vec::new(),
            throughput: Throughput::default(),
        };
        let earlier = journal.restore(&bytes[..whole])?;
        match &earlier {
            Some(earlier) => journal.compare(earlier, header)?,
            None => journal.expect_own_beginning(&bytes, header)?,
        }
        // Only now is the file known to be ours, and its unfinished line safe to drop.
        if whole < bytes.len() {
            tracing::warn!(path = %path.display(), "dropping an unfinished last line");
            journal.file.set_len(whole as u64).map_err(io)?;
        }
        journal.file.seek(SeekFrom::Start(whole as u64)).map_err(io)?;
        if earlier.is_none() {
            journal.write(&Entry::Run(header.clone()))?;
        }
        Ok(journal)
    }

    /// The problems finished so far, in the order they finished.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What all sessions that ended in order cost together.
    pub fn throughput(&self) -> &Throughput {
        &self.throughput
    }

    /// The problems finished so far, in the order of `problems`, so that figures do not depend on
    /// who finished first.
    pub fn records_of(&self, problems: &[Problem]) -> Vec<Record> {
        let find = |p: &Problem| self.records.iter().find(|r| r.task_id == p.task_id).cloned();
        problems.iter().filter_map(find).collect()
    }

    /// Drops the problems that are finished already.
    pub fn remaining(&self, problems: &[Problem]) -> Vec<Problem> {
        let done: HashSet<&str> = self.records.iter().map(|r| r.task_id.as_str()).collect();
        problems.iter().filter(|p| !done.contains(p.task_id.as_str())).cloned().collect()
    }

    /// Stores a finished problem.
    ///
    /// # Errors
    /// [`Error::JournalIo`]; the file then ends with the line before.
    pub fn append(&mut self, record: &Record) -> Result<(), Error> {
        self.write(&Entry::Problem(record.clone()))?;
        self.records.push(record.clone());
        Ok(())
    }

    /// Stores what this session cost.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn close_session(&mut self, throughput: &Throughput) -> Result<(), Error> {
        self.write(&Entry::Session(Cost::of(throughput)))?;
        self.throughput.merge(*throughput);
        Ok(())
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<Option<RunHeader>, Error> {
        let mut header = None;
        for (index, line) in bytes.split(|&b| b == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let fault =
                |reason| Error::JournalLine { path: self.path.clone(), line: index + 1, reason };
            let entry = serde_json::from_slice(line).map_err(|error| fault(error.to_string()))?;
            match entry {
                Entry::Run(run) if header.is_none() => header = Some(run),
                Entry::Run(_) => return Err(fault("a second run begins".to_owned())),
                _ if header.is_none() => {
                    return Err(fault("the settings line is missing".to_owned()));
                }
                Entry::Problem(record) => self.records.push(record),
                Entry::Session(cost) => self.throughput.merge(cost.throughput()),
            }
        }
        Ok(header)
    }

    fn compare(&self, was: &RunHeader, now: &RunHeader) -> Result<(), Error> {
        let settings = |h: &RunHeader| match serde_json::to_value(h) {
            Ok(serde_json::Value::Object(settings)) => settings,
            _ => serde_json::Map::new(),
        };
        let (was, now) = (settings(was), settings(now));
        match was.iter().find(|(key, value)| now.get(*key) != Some(*value)) {
            None => Ok(()),
            Some((key, value)) => Err(Error::JournalMismatch {
                path: self.path.clone(),
                was: format!("{key} {value}"),
                now: format!("{key} {}", now.get(key).unwrap_or(&serde_json::Value::Null)),
            }),
        }
    }

    /// A file without a whole line is ours only if it is the start of the settings line.
    fn expect_own_beginning(&self, bytes: &[u8], header: &RunHeader) -> Result<(), Error> {
        let line = self.line(&Entry::Run(header.clone()))?;
        if line.starts_with(bytes) {
            return Ok(());
        }
        let reason = "this is not a result file".to_owned();
        Err(Error::JournalLine { path: self.path.clone(), line: 1, reason })
    }

    fn line(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        let io = |error: serde_json::Error| Error::JournalIo {
            path: self.path.clone(),
            source: error.into(),
        };
        let mut line = serde_json::to_vec(entry).map_err(io)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Appends one line, all of it or nothing.
    fn write(&mut self, entry: &Entry) -> Result<(), Error> {
        let line = self.line(entry)?;
        let io = |source| Error::JournalIo { path: self.path.clone(), source };
        let start = self.file.stream_position().map_err(io)?;
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Best effort: opening the file again drops an unfinished line as well.
            let _ = self.file.set_len(start).and_then(|()| self.file.seek(SeekFrom::Start(start)));
            return Err(io(error));
        }
        Ok(())
    }
}

impl Cost {
    fn of(throughput: &Throughput) -> Self {
        Self {
            prefill_tokens: throughput.prefill_tokens,
            prefill_seconds: throughput.prefill_time.as_secs_f64(),
            decode_tokens: throughput.decode_tokens,
            decode_seconds: throughput.decode_time.as_secs_f64(),
        }
    }

    fn throughput(&self) -> Throughput {
        let seconds = |s| std::time::Duration::try_from_secs_f64(s).unwrap_or_default();
        Throughput {
            prefill_tokens: self.prefill_tokens,
            prefill_time: seconds(self.prefill_seconds),
            decode_tokens: self.decode_tokens,
            decode_time: seconds(self.decode_seconds),
        }
    }
}
