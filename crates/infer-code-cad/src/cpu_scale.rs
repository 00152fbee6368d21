use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use infer_code_cad_sandbox::{Judge, Report, Tests, Verdict};
use infer_code_cad_tasks::Task;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::journal::io_error;
use crate::judges::{Job, Judges, Outcome};
use crate::{Difference, Error, JournalError, TaskLimits, header, task_tests};

/// The format of the file.
const VERSION: u64 = 1;

/// How often each reference solution is run.
const RUNS: usize = 3;

/// A program may take this many times as long as the slowest run of the reference.
const FACTOR: u32 = 10;

/// What is allowed, in seconds: few steps, so that another day's measurement gives the same.
const STEPS: [u64; 5] = [1, 2, 5, 10, 30];

/// CPU limits by task, measured once with the reference solutions and kept in a file.
///
/// Ten times the slowest of three runs, rounded up to 1, 2, 5, 10 or 30 s (30 s where it is more). Once
/// they are in the file the limits stay: a verdict does not depend on how busy the machine is today. They
/// may be changed there by hand.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad::sandbox::{Judge, Limits, ScriptedJudge, Verdict};
/// use infer_code_cad::{CpuScale, TaskLimits, embedded};
///
/// let tasks = &embedded::tasks()?[..1];
/// let reference = tasks[0].canonical_program().expect("the set has references");
/// let judge: Arc<dyn Judge> =
///     Arc::new(ScriptedJudge::new().with_verdict(reference, Verdict::Passed));
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("limits.json");
/// let mut limits = TaskLimits::from(Limits::default());
/// limits.scale = Some(CpuScale::load_or_measure(&path, tasks, &judge, &limits)?);
/// assert_eq!(limits.of(&tasks[0].problem.task_id).cpu_time.as_secs(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpuScale {
    /// Of each task, `None` where the reference is missing or does not pass.
    seconds: BTreeMap<String, Option<u64>>,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// The format.
    cpu_scale: u64,
    tasks: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    cpu_seconds: Option<u64>,
    /// A fingerprint of the tests and the reference.
    tests: String,
}

impl CpuScale {
    /// The limits of these tasks: those that the file has are taken from it, the others are measured and
    /// added to it. A file that is not there is made.
    ///
    /// # Errors
    /// [`Error::Journal`] for a file that cannot be used, or that is of other tests of the same name;
    /// [`Error::DuplicateTask`]; [`Error::ReferenceTime`] when the judge fails.
    pub fn load_or_measure(
        path: &Path,
        tasks: &[Task],
        judge: &Arc<dyn Judge>,
        limits: &TaskLimits,
    ) -> Result<Self, Error> {
        header::task_ids(tasks)?;
        let mut stored = Stored::read(path)?;
        stored.check(path, tasks)?;
        let is_new = |task: &&Task| !stored.tasks.contains_key(&task.problem.task_id);
        let new: Vec<&Task> = tasks.iter().filter(is_new).collect();
        if !new.is_empty() {
            for (task, cpu_seconds) in new.iter().zip(measure(&new, judge, limits)?) {
                let entry = Entry { cpu_seconds, tests: fingerprint(task) };
                stored.tasks.insert(task.problem.task_id.clone(), entry);
            }
            stored.write(path)?;
        }
        let seconds = tasks.iter().map(|task| {
            let id = &task.problem.task_id;
            (id.clone(), stored.tasks[id].cpu_seconds)
        });
        Ok(Self { seconds: seconds.collect() })
    }

    /// The limit of a task; `None` where its reference gives none, or is not known.
    pub fn seconds(&self, task_id: &str) -> Option<u64> {
        self.seconds.get(task_id).copied().flatten()
    }

    /// Tasks without a limit of their own, to which the common one applies.
    pub fn unscaled(&self) -> impl Iterator<Item = &str> {
        self.seconds.iter().filter(|(_, seconds)| seconds.is_none()).map(|(id, _)| id.as_str())
    }

    /// A fingerprint of all limits: 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let add = |hash: Fingerprint, (id, seconds): (&String, &Option<u64>)| {
            hash.text(id).number(seconds.unwrap_or(0))
        };
        self.seconds.iter().fold(Fingerprint::new(), add).to_string()
    }
}

impl Stored {
    /// The file, or an empty one where there is none.
    fn read(path: &Path) -> Result<Self, JournalError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { cpu_scale: VERSION, tasks: BTreeMap::new() });
            }
            Err(source) => return Err(io_error(path, "read it", source)),
        };
        match serde_json::from_slice(&text) {
            Ok(Self { cpu_scale: VERSION, tasks }) => Ok(Self { cpu_scale: VERSION, tasks }),
            _ => Err(JournalError::Foreign {
                path: path.to_owned(),
                found: "it holds no CPU limits by task, or those of another release",
                remedy: "remove it so that they are measured again, or name another file",
            }),
        }
    }

    /// Limits of other tests are none of these.
    fn check(&self, path: &Path, tasks: &[Task]) -> Result<(), JournalError> {
        let differs = |task: &Task| {
            let (id, now) = (&task.problem.task_id, fingerprint(task));
            let was = self.tasks.get(id).map(|entry| entry.tests.clone())?;
            (was != now).then(|| Difference { setting: format!("tests of {id}"), was, now })
        };
        let differences: Vec<Difference> = tasks.iter().filter_map(differs).collect();
        if differences.is_empty() {
            return Ok(());
        }
        Err(JournalError::Mismatch { path: path.to_owned(), differences })
    }

    /// Replaces the file as a whole.
    fn write(&self, path: &Path) -> Result<(), JournalError> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let part = directory.unwrap_or(Path::new(".")).join(format!(
            ".{}.part-{}",
            path.file_name().unwrap_or_default().to_string_lossy(),
            std::process::id()
        ));
        let write = || {
            let mut file = fs::File::create(&part)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&part, path)
        };
        write().map_err(|source| {
            let _ = fs::remove_file(&part);
            io_error(path, "write the limits; name a file that can be written", source)
        })
    }
}

/// The limit of each task.
fn measure(
    tasks: &[&Task],
    judge: &Arc<dyn Judge>,
    limits: &TaskLimits,
) -> Result<Vec<Option<u64>>, Error> {
    let mut judges = Judges::start(judge);
    for (about, task) in tasks.iter().enumerate() {
        let tests: Arc<Tests> = Arc::new(task_tests(task));
        let Some(program) = tests.reference.clone() else { continue };
        for _ in 0..RUNS {
            let (program, tests, limits) = (program.clone(), tests.clone(), limits.common.clone());
            judges.submit(Job { about, program, tests, limits });
        }
    }
    let mut passed: Vec<Vec<Duration>> = vec![Vec::new(); tasks.len()];
    while judges.pending() > 0 {
        let Some(Outcome { about, report }) = judges.wait(Duration::from_secs(1)) else { continue };
        let task_id = || tasks[about].problem.task_id.clone();
        match report {
            Ok(Report { verdict: Verdict::Passed, cpu_time, .. }) => passed[about].push(cpu_time),
            Ok(_) => {}
            Err(reason) => return Err(Error::ReferenceTime { task_id: task_id(), reason }),
        }
    }
    Ok(passed.iter().map(|times| (times.len() == RUNS).then(|| limit(times))).collect())
}

fn limit(times: &[Duration]) -> u64 {
    let needed = FACTOR * times.iter().max().copied().unwrap_or_default();
    let enough = |step: &u64| Duration::from_secs(*step) >= needed;
    STEPS.into_iter().find(enough).unwrap_or(STEPS[STEPS.len() - 1])
}

fn fingerprint(task: &Task) -> String {
    header::tests(std::slice::from_ref(task))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Mutex;

    use infer_code_cad_decode::Settings;
    use infer_code_cad_sandbox::{JudgeError, Limits, Submission};
    use infer_code_cad_tasks::{Hidden, Problem};

    use super::*;

    #[derive(Debug)]
    struct Clock(Mutex<Vec<u64>>);

    impl Judge for Clock {
        fn judge(&self, _: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
            let millis = self.0.lock().unwrap().pop().ok_or_else(|| JudgeError::other("late"))?;
            let verdict = if millis == 0 { Verdict::Failed } else { Verdict::Passed };
            let mut report = Report::new(verdict, "");
            report.cpu_time = Duration::from_millis(millis);
            Ok(report)
        }
        fn settings(&self) -> Settings {
            Settings::new("clock")
        }
    }

    fn task(id: &str, reference: Option<&str>) -> Task {
        let prompt = "def f(x):\n    \"\"\"Double x.\"\"\"\n";
        let reference = reference.map(str::to_owned);
        let hidden = Hidden { asserts: "assert f(1)".into(), reference, ..Hidden::default() };
        Task::new(Problem::from_prompt(id, prompt).unwrap(), hidden)
    }

    fn clock(mut millis: Vec<u64>) -> Arc<dyn Judge> {
        millis.reverse();
        Arc::new(Clock(Mutex::new(millis)))
    }

    #[test]
    fn what_was_measured_stays_and_what_is_missing_is_added() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("limits.json");
        let body = Some("    return 2 * x\n");
        let tasks = [task("a", body), task("b", None), task("c", body), task("d", body)];
        let load = |tasks: &[Task], millis: Vec<u64>| {
            CpuScale::load_or_measure(&path, tasks, &clock(millis), &TaskLimits::default())
        };
        let first = load(&tasks[..3], vec![3, 101, 7, 500, 0, 500]).unwrap();
        assert_eq!(
            (first.seconds("a"), first.seconds("b"), first.seconds("c")),
            (Some(2), None, None)
        );
        assert_eq!(first.unscaled().collect::<Vec<_>>(), ["b", "c"]);
        let all = load(&tasks, vec![4000, 1, 1]).unwrap();
        assert_eq!((all.seconds("a"), all.seconds("d")), (Some(2), Some(30)));
        assert_eq!(load(&tasks[..3], vec![]).unwrap(), first, "nothing is measured again");
        assert_ne!(all.fingerprint(), first.fingerprint());
        let limits = TaskLimits { common: Limits::default(), scale: Some(all) };
        let of = |id| (limits.of(id).cpu_time.as_secs(), limits.of(id).wall_time.as_secs());
        assert_eq!((of("a"), of("b"), of("d")), ((2, 30), (10, 30), (30, 90)));
        let settings = limits.settings().to_string();
        assert!(settings.starts_with("limits(cpu_seconds=scaled,wall_seconds=30,"), "{settings}");
        assert!(settings.contains("unscaled_cpu_seconds=10,cpu_scale="), "{settings}");

        let error = load(&[task("a", Some("    return 2\n"))], vec![]).unwrap_err().to_string();
        assert!(error.contains("was begun with tests of a "), "{error}");
        let error = load(&[task("e", body)], vec![]).unwrap_err().to_string();
        assert!(error.contains("reference solution of \"e\"") && error.contains("late"), "{error}");
        fs::write(&path, "[]").unwrap();
        let error = load(&tasks, vec![]).unwrap_err().to_string();
        assert!(error.contains("it holds no CPU limits by task"), "{error}");
    }

    #[test]
    fn a_limit_is_a_step_and_ten_times_the_slowest_run_at_least() {
        for millis in 0..20_000 {
            let seconds = limit(&[0, millis, millis / 2].map(Duration::from_millis));
            assert!(STEPS.contains(&seconds));
            assert!(seconds == 30 || 1000 * seconds >= 10 * millis, "{millis}");
            let below = STEPS.iter().rev().find(|step| **step < seconds);
            assert!(below.is_none_or(|step| 1000 * step < 10 * millis), "{millis}");
        }
    }
}
