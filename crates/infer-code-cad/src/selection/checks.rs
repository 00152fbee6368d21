use std::collections::{BTreeMap, BTreeSet};

use infer_code_cad_sandbox::{Judge, Limits, Observation, Probe};
use infer_code_cad_tasks::Problem;

use crate::SelectError;

/// Holds of every program that loads.
const LOADS: &str = "pass";

/// What programs do on the visible tests of a problem. Equal programs are run once.
#[derive(Debug)]
pub(super) struct Checks {
    limits: Limits,
    tests: Vec<Test>,
    seen: BTreeMap<String, Seen>,
    /// Programs that were run twice.
    confirmed: BTreeSet<String>,
}

#[derive(Debug)]
struct Test {
    text: String,
    /// It raises whatever the program does, so it does not count.
    is_broken: bool,
    /// A program passed it in one of two runs.
    is_unstable: bool,
}

#[derive(Debug, PartialEq)]
struct Seen {
    load: Observation,
    /// One for each test, dropped ones included.
    tests: Vec<Observation>,
}

impl Checks {
    /// The tests of a problem but those that fail by themselves: that are no Python, or use a name that nobody defines, with
    /// a function that does nothing in place of an answer.
    pub(super) fn begin(
        problem: &Problem,
        limits: &Limits,
        judge: &dyn Judge,
    ) -> Result<Self, SelectError> {
        let tests = problem.visible_tests.iter();
        let test =
            |text: &String| Test { text: text.clone(), is_broken: false, is_unstable: false };
        let tests = tests.map(test).collect();
        let (seen, confirmed) = Default::default();
        let mut checks = Self { limits: limits.clone(), tests, seen, confirmed };
        if !checks.tests.is_empty() {
            let alone = checks.run(&stand_in(problem), judge)?;
            let is_broken = |seen: &Observation| matches!(seen, Observation::Raised { kind, .. } if OF_THE_TEST.contains(&kind.as_str()));
            for (test, seen) in checks.tests.iter_mut().zip(&alone.tests) {
                test.is_broken = alone.load == Observation::Held && is_broken(seen);
            }
        }
        Ok(checks)
    }

    /// Looks at a program, unless that was done.
    pub(super) fn look(&mut self, program: &str, judge: &dyn Judge) -> Result<(), SelectError> {
        if !self.seen.contains_key(program) {
            let seen = self.run(program, judge)?;
            self.seen.insert(program.to_owned(), seen);
        }
        Ok(())
    }

    /// Looks at a program once more. It passes what it passes both times. Whether that is what it passed before.
    pub(super) fn confirm(
        &mut self,
        program: &str,
        judge: &dyn Judge,
    ) -> Result<bool, SelectError> {
        if !self.confirmed.insert(program.to_owned()) {
            return Ok(true);
        }
        let again = self.run(program, judge)?;
        let Some(seen) = self.seen.get_mut(program) else { return Ok(true) };
        let mut all_same = holds_as_before(&mut seen.load, again.load);
        for ((test, once), twice) in self.tests.iter_mut().zip(&mut seen.tests).zip(again.tests) {
            test.is_unstable |= (*once == Observation::Held) != (twice == Observation::Held);
            all_same &= holds_as_before(once, twice);
        }
        Ok(all_same)
    }

    /// How many tests count.
    pub(super) fn count(&self) -> usize {
        self.tests.iter().filter(|test| !test.is_broken).count()
    }

    /// Test by test whether a program passes it.
    pub(super) fn passes(&self, program: &str) -> Vec<bool> {
        self.counted(program).map(|(_, seen)| *seen == Observation::Held).collect()
    }

    pub(super) fn passed(&self, program: &str) -> usize {
        self.passes(program).into_iter().filter(|passes| *passes).count()
    }

    pub(super) fn loads(&self, program: &str) -> bool {
        self.load(program) == Some(&Observation::Held)
    }

    /// What came of loading a program that was looked at.
    pub(super) fn load(&self, program: &str) -> Option<&Observation> {
        self.seen.get(program).map(|seen| &seen.load)
    }

    /// The tests that a program does not pass, and what they showed.
    pub(super) fn failures(&self, program: &str) -> impl Iterator<Item = (&str, &Observation)> {
        self.counted(program).filter(|(_, seen)| **seen != Observation::Held)
    }

    /// What a program's expression gives.
    pub(super) fn value(
        &self,
        program: &str,
        expression: &str,
        judge: &dyn Judge,
    ) -> Result<Option<Observation>, SelectError> {
        let probes = [Probe::Value(expression)];
        Ok(judge.observe(program, &probes, &self.limits)?.into_iter().next())
    }

    /// What is wrong with tests; empty where nothing is.
    pub(super) fn remarks(&self) -> impl Iterator<Item = String> {
        let broken = self.tests.iter().filter(|test| test.is_broken).count();
        let unstable = self.tests.iter().filter(|test| !test.is_broken && test.is_unstable).count();
        let remarks = [
            (broken, "dropped, which fail by themselves"),
            (unstable, "not passed by a draft of which two runs differ in them"),
        ];
        remarks
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} of {} tests {words}", self.tests.len()))
    }

    fn counted(&self, program: &str) -> impl Iterator<Item = (&str, &Observation)> {
        let seen = self.seen.get(program).map_or(&[][..], |seen| &seen.tests);
        let tests = self.tests.iter().zip(seen);
        tests.filter(|(test, _)| !test.is_broken).map(|(test, seen)| (test.text.as_str(), seen))
    }

    fn run(&self, program: &str, judge: &dyn Judge) -> Result<Seen, SelectError> {
        let texts = self.tests.iter().map(|test| test.text.as_str());
        let probes: Vec<_> = [LOADS].into_iter().chain(texts).map(Probe::Check).collect();
        let mut seen = judge.observe(program, &probes, &self.limits)?;
        if seen.len() != probes.len() {
            let counts = format!("{} probes and {} observations", probes.len(), seen.len());
            return Err(SelectError::Other(counts.into()));
        }
        Ok(Seen { load: seen.remove(0), tests: seen })
    }
}

/// Whether what held once holds again; else it fails from now on.
fn holds_as_before(once: &mut Observation, again: Observation) -> bool {
    let fails = *once == Observation::Held && again != Observation::Held;
    if fails {
        *once = again;
    }
    !fails
}

/// Exceptions that a test raises of its own where the function does nothing.
const OF_THE_TEST: &[&str] = &[
    "SyntaxError",
    "IndentationError",
    "TabError",
    "NameError",
    "ImportError",
    "ModuleNotFoundError",
];

/// A program with the function of a problem, which does nothing.
pub(super) fn stand_in(problem: &Problem) -> String {
    format!("{}def {}(*_, **__):\n    return None\n", problem.preamble, problem.entry_point)
}
