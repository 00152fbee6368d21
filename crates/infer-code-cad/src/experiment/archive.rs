use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use infer_code_cad_report::{Memory, Sample, Speed, StudyArm, StudyProblem};
use serde::{Deserialize, Serialize};

use super::ExperimentError;
use crate::fingerprint::Fingerprint;
use crate::results::appended;
use crate::study::{arm_of, settings};
use crate::{Judging, RunHeader, StoredRun};

/// A finished run without its programs, small enough to be kept in a repository: every verdict, what it cost, and all
/// settings.
///
/// The file is CSV, compressed by gzip: `task,sample,verdict,tokens,program`, where `program` is a hash, so that
/// whoever runs it again can compare. The first line is a comment, JSON with the [`RunHeader`], speed and memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Archive {
    /// The settings of the run.
    pub header: RunHeader,
    /// The run as an arm; its samples have no program.
    pub arm: StudyArm,
    /// When programs ran while generation was timed.
    pub judging: Option<Judging>,
    /// The hash of each sample's program, in the order of problems and samples.
    programs: Vec<String>,
}

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    header: RunHeader,
    judging: Option<Judging>,
    speed: Speed,
    memory: Memory,
    unjudged_samples: u64,
}

/// Any other line.
#[derive(Serialize, Deserialize)]
struct Row {
    task: String,
    sample: usize,
    verdict: String,
    tokens: Option<u64>,
    program: String,
}

impl Archive {
    /// What a journal has.
    ///
    /// # Errors
    /// As [`StoredRun::read`].
    pub fn of_journal(path: &Path) -> Result<Self, ExperimentError> {
        let run = StoredRun::read(path)?;
        let mut arm = arm_of(&run)?;
        let mut programs = vec![];
        for sample in arm.problems.iter_mut().flat_map(|problem| &mut problem.samples) {
            let program = sample.program.take().unwrap_or_default();
            programs.push(Fingerprint::new().text(&program).to_string());
            sample.reason.clear();
        }
        arm.problems.iter_mut().for_each(|problem| problem.prompts.clear());
        Ok(Self { header: run.header().clone(), arm, judging: run.judging(), programs })
    }

    /// Writes the file, which is replaced as a whole or not at all. Equal runs give equal lines but for the first,
    /// which has times.
    ///
    /// # Errors
    /// [`ExperimentError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), ExperimentError> {
        let io = |source| ExperimentError::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let part = appended(path, ".part");
        let written = self.write_part(&part).and_then(|()| fs::rename(&part, path));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written.map_err(io)
    }

    fn write_part(&self, part: &Path) -> std::io::Result<()> {
        // No name and no time in the compressed file: equal contents are equal bytes.
        let mut out = GzBuilder::new().write(File::create(part)?, Compression::best());
        let StudyArm { speed, memory, unjudged_samples, .. } = self.arm;
        let (header, judging) = (self.header.clone(), self.judging);
        let head = Head { header, judging, speed, memory, unjudged_samples };
        writeln!(out, "# {}", serde_json::to_string(&head)?)?;
        let mut rows = csv::Writer::from_writer(out);
        let mut programs = self.programs.iter();
        for problem in &self.arm.problems {
            for (sample, judged) in problem.samples.iter().enumerate() {
                rows.serialize(Row {
                    task: problem.task_id.clone(),
                    sample,
                    verdict: judged.verdict.clone(),
                    tokens: judged.tokens,
                    program: programs.next().cloned().unwrap_or_default(),
                })?;
            }
        }
        let out = rows.into_inner().map_err(|error| error.into_error())?;
        out.finish()?.sync_all()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`ExperimentError::Io`]; [`ExperimentError::Archive`] for what is no archive, was cut short, or has other
    /// problems than its settings say.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let fault = |reason: String| ExperimentError::Archive { path: path.to_owned(), reason };
        let file = File::open(path)
            .map_err(|source| ExperimentError::Io { path: path.to_owned(), source })?;
        let mut text = BufReader::new(GzDecoder::new(BufReader::new(file)));
        let mut first = String::new();
        text.read_line(&mut first).map_err(|error| fault(error.to_string()))?;
        let head = first.strip_prefix("# ").ok_or_else(|| {
            fault("its first line has no settings, so it is no archive of a run".to_owned())
        })?;
        let head: Head =
            serde_json::from_str(head).map_err(|error| fault(format!("its settings: {error}")))?;
        let (mut problems, mut programs) = (Vec::<StudyProblem>::new(), vec![]);
        // All of it first: a file that was cut short ends in an error, and not in fewer rows.
        let mut rest = vec![];
        text.read_to_end(&mut rest).map_err(|error| fault(error.to_string()))?;
        for row in csv::Reader::from_reader(rest.as_slice()).deserialize() {
            let Row { task, sample, verdict, tokens, program } =
                row.map_err(|error: csv::Error| fault(error.to_string()))?;
            if problems.last().is_none_or(|problem| problem.task_id != task) {
                problems.push(StudyProblem { task_id: task, ..StudyProblem::default() });
            }
            let samples = problems.last_mut().map(|problem| &mut problem.samples);
            let samples = samples.filter(|samples| samples.len() == sample);
            let samples =
                samples.ok_or_else(|| fault(format!("sample {sample} is out of order")))?;
            samples.push(Sample { tokens, ..Sample::new(verdict) });
            programs.push(program);
        }
        let Head { header, judging, speed, memory, unjudged_samples } = head;
        let judged = programs.len() + unjudged_samples as usize;
        let expected = header.tasks.len() * header.n_samples;
        if judged != expected {
            return Err(fault(format!("it has {judged} of {expected} samples")));
        }
        let arm = StudyArm {
            settings: settings(&header),
            problems,
            unjudged_samples,
            speed,
            memory,
            ..StudyArm::new("", "", &header.benchmark)
        };
        Ok(Self { header, arm, judging, programs })
    }
}
