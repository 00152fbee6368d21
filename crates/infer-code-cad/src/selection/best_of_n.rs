use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use infer_code_cad_decode::Settings;
use infer_code_cad_sandbox::Limits;
use infer_code_cad_tasks::Problem;

use super::checks::Checks;
use super::likelihood::mean;
use super::repair::Repairing;
use crate::{
    Bench, Draft, DraftRequest, Repair, SelectError, Selecting, Selection, Selector, Stopping,
};

/// The draft that does best on the examples of its prompt, of up to `drafts` in waves.
///
/// Each program is run on [`Problem::visible_tests`], equal ones once. The best passes the most tests, then loads, then is
/// the most probable per token (see [`Tie`]), then comes first. Under [`Stopping::First`] the first draft that passes all
/// tests is the answer at once, so the size of a wave changes what is drawn side by side and never the answer. For
/// [`Stopping::Doubling`] and [`Stopping::Beta`] drafts are of one class that pass the same tests; one that passes none
/// has no vote.
///
/// What is chosen is run twice, and passes what it passes both times. Tests that fail by themselves are dropped; where
/// no test is left the most probable draft is chosen. The reason of each choice says so.
///
/// Chen et al., [CodeT](https://arxiv.org/abs/2207.10397), and Li et al., [AlphaCode](https://arxiv.org/abs/2203.07814), section
/// 4.5, filter drafts so.
///
/// # Examples
/// ```
/// use infer_code_cad::{BestOfN, Selector, Stopping};
///
/// let selector = BestOfN { drafts: 20, stop: Stopping::All, ..BestOfN::default() };
/// assert_eq!((selector.most_drafts(), selector.first_drafts()), (20, 4));
/// let settings = selector.settings().to_string();
/// assert!(settings.starts_with("visible_tests(drafts=20,wave=4,stop=all,tie=log_prob,"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BestOfN {
    /// Drafts per sample, at most; repairs are among them.
    pub drafts: usize,
    /// Drafts that are asked for at a time, at least 1.
    pub wave: usize,
    /// When there are enough.
    pub stop: Stopping,
    /// Which of two drafts is taken that pass as many tests.
    pub tie: Tie,
    /// Whether, and how, the model is shown what its drafts do.
    pub repair: Option<Repair>,
    /// What a program may use for each test.
    pub limits: Limits,
}

impl Default for BestOfN {
    /// Ten drafts in waves of four, up to the first that passes all; no repair; a second of processor time per test.
    fn default() -> Self {
        let (cpu_time, wall_time) = (Duration::from_secs(1), Duration::from_secs(10));
        let limits = Limits { cpu_time, wall_time, ..Limits::default() };
        let (stop, tie) = Default::default();
        Self { drafts: 10, wave: 4, stop, tie, repair: None, limits }
    }
}

/// Which of two drafts a [`BestOfN`] takes that pass as many tests and both load or both do not.
///
/// By name they are `log_prob` and `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Tie {
    /// The one that the model finds more probable per token; of equal ones the first.
    #[default]
    LogProb,
    /// The first. Where no test is visible that is the first draft of all.
    First,
}

impl fmt::Display for Tie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::LogProb => "log_prob",
            Self::First => "first",
        })
    }
}

impl FromStr for Tie {
    type Err = SelectError;

    fn from_str(name: &str) -> Result<Self, SelectError> {
        let known = [Self::LogProb, Self::First].into_iter().find(|tie| tie.to_string() == name);
        let (value, expected) = (format!("{name:?}"), "log_prob or first");
        known.ok_or(SelectError::Parameter { part: "selector", name: "tie", value, expected })
    }
}

impl BestOfN {
    /// Whether there is a draft left for repairs behind two waves, or none is asked for.
    pub(crate) fn has_repairs(&self) -> bool {
        self.repair.is_none() || self.drafts > self.wave.saturating_mul(2)
    }
}

impl Selector for BestOfN {
    fn most_drafts(&self) -> usize {
        self.drafts
    }

    fn first_drafts(&self) -> usize {
        self.wave.min(self.drafts)
    }

    fn begin(&self, problem: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        self.stop.check()?;
        self.repair.iter().try_for_each(Repair::check)?;
        if !self.has_repairs() {
            let value = format!("{} with waves of {}", self.drafts, self.wave);
            let (name, expected) = ("drafts", "more than two waves, behind which repairs begin");
            return Err(SelectError::Parameter { part: "selector", name, value, expected });
        }
        Ok(Box::new(Choosing {
            config: self.clone(),
            problem: problem.clone(),
            checks: None,
            waves: vec![self.first_drafts()],
            plain: self.first_drafts(),
            repairing: Repairing::default(),
        }))
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new("visible_tests")
            .with("drafts", self.drafts)
            .with("wave", self.wave)
            .with("stop", self.stop)
            .with("tie", self.tie)
            .with("limits", self.limits.settings());
        match &self.repair {
            Some(repair) => settings.with("repair", repair.settings()),
            None => settings,
        }
    }
}

struct Choosing {
    config: BestOfN,
    problem: Problem,
    /// From the first draft on.
    checks: Option<Checks>,
    /// How many drafts were asked for with each wave and those before.
    waves: Vec<usize>,
    /// Drafts that were asked for of the technique's own prompt.
    plain: usize,
    repairing: Repairing,
}

impl Selecting for Choosing {
    fn next(&mut self, drafts: &[Draft], bench: &Bench<'_>) -> Result<Selection, SelectError> {
        let Some(last) = drafts.last() else { return Ok(Selection::Wait) };
        let mut checks = match self.checks.take() {
            Some(checks) => checks,
            None => Checks::begin(&self.problem, &self.config.limits, bench.judge)?,
        };
        checks.look(&last.program, bench.judge)?;
        let mut chosen = None;
        // A test that two runs differ in may change everything.
        while chosen.is_none() && self.is_enough(drafts, &checks) {
            let best = self.best(drafts, &checks);
            if checks.count() == 0 || checks.confirm(&drafts[best].program, bench.judge)? {
                chosen = Some(Selection::answer(best, self.why(drafts, best, &checks)));
            }
        }
        let selection = match chosen {
            Some(answer) => answer,
            None if self.waves.last() == Some(&drafts.len()) => {
                Selection::More(self.wave(drafts, &checks, bench)?)
            }
            None => Selection::Wait,
        };
        self.checks = Some(checks);
        Ok(selection)
    }
}

impl Choosing {
    fn is_enough(&self, drafts: &[Draft], checks: &Checks) -> bool {
        let tests = checks.count();
        if drafts.len() == self.config.drafts || (tests == 0 && self.config.tie == Tie::First) {
            return true;
        }
        let mut classes: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        for draft in drafts.iter().filter(|draft| !self.repairing.repeats(draft)) {
            *classes.entry(checks.passes(&draft.program)).or_default() += 1;
        }
        classes.retain(|passes, _| passes.contains(&true));
        let passers = classes.get(&vec![true; tests]).copied().unwrap_or(0);
        let classes: Vec<usize> = classes.into_values().collect();
        self.config.stop.is_reached(drafts.len(), passers, &classes)
    }

    fn best(&self, drafts: &[Draft], checks: &Checks) -> usize {
        let rank = |place: usize| {
            let draft = &drafts[place];
            let log_prob = match self.config.tie {
                Tie::LogProb => mean(draft),
                Tie::First => 0.0,
            };
            (checks.passed(&draft.program), checks.loads(&draft.program), log_prob)
        };
        let better = |best, place| if rank(place) > rank(best) { place } else { best };
        let by_choice = (0..drafts.len()).reduce(better).unwrap_or(0);
        if checks.count() == 0 && self.config.tie == Tie::First { 0 } else { by_choice }
    }

    /// What to ask for next.
    fn wave(
        &mut self,
        drafts: &[Draft],
        checks: &Checks,
        bench: &Bench<'_>,
    ) -> Result<Vec<DraftRequest>, SelectError> {
        let left = self.config.drafts - drafts.len();
        let is_passed = |draft: &Draft| checks.passed(&draft.program) == checks.count();
        let mut requests = match &self.config.repair {
            Some(repair) if self.waves.len() >= 2 && !drafts.iter().any(is_passed) => {
                self.repairing.ask(repair, &self.problem, drafts, checks, left, bench)?
            }
            _ => vec![],
        };
        if requests.is_empty() {
            let end = self.plain + self.config.wave.min(left);
            requests.push(DraftRequest::new(0, self.plain..end));
            self.plain = end;
        }
        let asked: usize = requests.iter().map(|request| request.drafts.len()).sum();
        self.waves.push(drafts.len() + asked);
        Ok(requests)
    }

    fn why(&self, drafts: &[Draft], best: usize, checks: &Checks) -> String {
        let (passed, tests) = (checks.passed(&drafts[best].program), checks.count());
        let by = match self.config.tie {
            Tie::LogProb => "the highest mean log-probability",
            Tie::First => "the first",
        };
        let mut why = match tests {
            0 => format!("no visible test: {by}"),
            _ if passed == tests => format!("passes {passed} of {tests} visible tests"),
            _ => format!("no draft passes: {passed} of {tests} visible tests, then {by}"),
        };
        let wave = 1 + self.waves.partition_point(|end| *end <= best);
        let (draft, of) = (best + 1, drafts.len());
        why += &format!("; stop={}, draft {draft} of {of}, wave {wave}", self.config.stop);
        checks.remarks().chain(self.remarks(drafts)).for_each(|remark| {
            why += "; ";
            why += &remark;
        });
        why
    }

    /// What else there is to know of a choice.
    fn remarks(&self, drafts: &[Draft]) -> impl Iterator<Item = String> {
        let are_equal =
            drafts.len() > 1 && drafts.windows(2).all(|two| two[0].program == two[1].program);
        let unknown = drafts.iter().filter(|draft| !mean(draft).is_finite()).count();
        let unknown = if self.config.tie == Tie::LogProb { unknown } else { 0 };
        let repeats = drafts.iter().filter(|draft| self.repairing.repeats(draft)).count();
        let remarks = [
            are_equal.then(|| "all drafts are equal".to_owned()),
            (unknown > 0).then(|| format!("{unknown} drafts without a log-probability")),
            (repeats > 0).then(|| format!("{repeats} repairs repeat their draft")),
        ];
        remarks.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
