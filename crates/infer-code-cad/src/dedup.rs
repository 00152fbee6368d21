use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher as _, Hasher, RandomState};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use infer_code_cad_decode::Settings;
use infer_code_cad_sandbox::{Judge, JudgeError, Limits, Observation, Probe, Report, Submission};

/// Reports that are remembered.
const CAPACITY: usize = 1 << 14;

/// A judge that judges what is the same only once: program, tests and limits, byte for byte.
///
/// Of models that repeat themselves this saves a good part of the work. A program whose outcome is left to
/// chance gets the first outcome every time. The latest 16,384 reports are remembered, an error never is;
/// who submits what another thread is at waits for it. Observations are not remembered.
///
/// # Examples
/// ```
/// use infer_code_cad::Deduplicated;
/// use infer_code_cad::sandbox::{Judge, Limits, ScriptedJudge, Submission, Tests, Verdict};
///
/// let judge = Deduplicated::new(ScriptedJudge::new().with_verdict("f = abs", Verdict::Passed));
/// let tests = Tests::new("assert f(-1) == 1");
/// for _ in 0..2 {
///     let report = judge.judge(&Submission::new("f = abs", &tests), &Limits::default())?;
///     assert_eq!(report.verdict, Verdict::Passed);
/// }
/// # Ok::<(), infer_code_cad::sandbox::JudgeError>(())
/// ```
#[derive(Debug)]
pub struct Deduplicated<J> {
    judge: J,
    capacity: usize,
    /// Two hashes together are a name: 128 bits with keys of this process alone.
    hashes: [RandomState; 2],
    memory: Mutex<Memory>,
    settled: Condvar,
}

type Name = [u64; 2];

#[derive(Debug, Default)]
struct Memory {
    /// `None` while a thread is at it.
    reports: HashMap<Name, Option<Report>>,
    /// Names that have a report, the oldest first.
    order: VecDeque<Name>,
}

impl<J: Judge> Deduplicated<J> {
    /// Remembers what this judge says.
    pub fn new(judge: J) -> Self {
        Self::with_capacity(judge, CAPACITY)
    }

    fn with_capacity(judge: J, capacity: usize) -> Self {
        let hashes = [RandomState::new(), RandomState::new()];
        Self { judge, capacity, hashes, memory: Mutex::default(), settled: Condvar::new() }
    }

    fn name(&self, submission: &Submission<'_>, limits: &Limits) -> Name {
        [&self.hashes[0], &self.hashes[1]].map(|keys| {
            let mut text = Hashed(keys.build_hasher());
            // Everything the three hold is in their debug form, and a hasher takes any text.
            let _ = write!(text, "{submission:?} {limits:?}");
            text.0.finish()
        })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // A panic leaves the memory whole: it is changed in single steps.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered; else the caller is the one to find out.
    fn recall(&self, name: Name) -> Result<Report, Claim<'_, J>> {
        let mut memory = self.memory();
        loop {
            match memory.reports.get(&name) {
                Some(Some(report)) => return Ok(report.clone()),
                Some(None) => {
                    memory = self.settled.wait(memory).unwrap_or_else(PoisonError::into_inner);
                }
                None => {
                    memory.reports.insert(name, None);
                    return Err(Claim { of: self, name, report: None });
                }
            }
        }
    }
}

/// A submission that this thread is at. Given up without a report, also by a panic, it is another's.
struct Claim<'d, J: Judge> {
    of: &'d Deduplicated<J>,
    name: Name,
    report: Option<Report>,
}

impl<J: Judge> Drop for Claim<'_, J> {
    fn drop(&mut self) {
        let mut memory = self.of.memory();
        match self.report.take() {
            None => drop(memory.reports.remove(&self.name)),
            Some(report) => {
                memory.reports.insert(self.name, Some(report));
                memory.order.push_back(self.name);
                while memory.order.len() > self.of.capacity {
                    let oldest = memory.order.pop_front();
                    oldest.and_then(|oldest| memory.reports.remove(&oldest));
                }
            }
        }
        self.of.settled.notify_all();
    }
}

impl<J: Judge> Judge for Deduplicated<J> {
    fn judge(&self, submission: &Submission<'_>, limits: &Limits) -> Result<Report, JudgeError> {
        let mut claim = match self.recall(self.name(submission, limits)) {
            Ok(report) => return Ok(report),
            Err(claim) => claim,
        };
        let report = self.judge.judge(submission, limits)?;
        claim.report = Some(report.clone());
        Ok(report)
    }

    fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        limits: &Limits,
    ) -> Result<Vec<Observation>, JudgeError> {
        self.judge.observe(program, probes, limits)
    }

    /// Those of the judge within.
    fn settings(&self) -> Settings {
        self.judge.settings()
    }

    fn workers(&self) -> usize {
        self.judge.workers()
    }
}

/// A hasher as something to write text to.
struct Hashed<H>(H);

impl<H: Hasher> fmt::Write for Hashed<H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeMap;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::thread;
    use std::time::Duration;

    use infer_code_cad_sandbox::{Tests, Verdict};

    use super::*;

    /// Counts what it is asked; a program `error` or `panic` is no verdict.
    #[derive(Debug, Default)]
    struct Counting(Mutex<BTreeMap<String, usize>>);

    impl Judge for Counting {
        fn judge(&self, of: &Submission<'_>, limits: &Limits) -> Result<Report, JudgeError> {
            let key = format!("{} {} {}", of.program, of.tests.asserts, limits.processes);
            *self.0.lock().unwrap().entry(key.clone()).or_default() += 1;
            thread::sleep(Duration::from_millis(2));
            match of.program {
                "error" => Err(JudgeError::other("no verdict")),
                "panic" => panic!("no verdict"),
                _ => Ok(Report::new(Verdict::Failed, key)),
            }
        }
        fn settings(&self) -> Settings {
            Settings::new("counting")
        }
        fn workers(&self) -> usize {
            3
        }
    }

    fn counted(judge: &Deduplicated<Counting>) -> Vec<usize> {
        judge.judge.0.lock().unwrap().values().copied().collect()
    }

    /// Knuth's generator.
    fn random(state: &mut u64, below: u64) -> u64 {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    #[test]
    fn each_submission_is_judged_once_and_answered_as_without_memory() {
        let answer = |judge: &dyn Judge, [program, test, processes]: [u64; 3]| {
            let tests = Tests::new(test.to_string());
            let limits = Limits { processes: 1 + processes as u32, ..Limits::default() };
            judge.judge(&Submission::new(&program.to_string(), &tests), &limits).unwrap()
        };
        let mut state = 1;
        for _case in 0..24 {
            let judge = Deduplicated::new(Counting::default());
            let asked: Vec<[u64; 3]> =
                (0..24).map(|_| [4, 2, 2].map(|below| random(&mut state, below))).collect();
            let (left, right) = asked.split_at(random(&mut state, 24) as usize);
            thread::scope(|scope| {
                for half in [left, right, left] {
                    let judge = &judge;
                    scope.spawn(move || {
                        for one in half {
                            assert_eq!(answer(judge, *one), answer(&Counting::default(), *one));
                        }
                    });
                }
            });
            assert!(counted(&judge).iter().all(|count| *count == 1), "{asked:?}");
        }
    }

    #[test]
    fn who_comes_second_waits_and_finds_out_himself_after_an_error() {
        for program in ["error", "panic"] {
            let judge = Deduplicated::new(Counting::default());
            let (tests, limits, start) = (Tests::default(), Limits::default(), Barrier::new(3));
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        start.wait();
                        let ask = || judge.judge(&Submission::new(program, &tests), &limits);
                        assert!(
                            catch_unwind(AssertUnwindSafe(ask)).is_err_and(|_| program == "panic")
                                || program == "error"
                        );
                    });
                }
            });
            assert_eq!(counted(&judge), [3]);
            assert!(judge.memory().reports.is_empty());
        }
    }

    #[test]
    fn the_oldest_report_is_forgotten() {
        let judge = Deduplicated::with_capacity(Counting::default(), 2);
        let (tests, limits) = (Tests::default(), Limits::default());
        for program in ["a", "b", "a", "c", "b", "a"] {
            judge.judge(&Submission::new(program, &tests), &limits).unwrap();
            assert!(judge.memory().reports.len() <= 2);
        }
        assert_eq!(counted(&judge), [2, 1, 1], "a was forgotten when c came");
        assert_eq!((judge.workers(), judge.settings().name.as_str()), (3, "counting"));
    }
}
