mod ballot;
mod inputs;
mod matrix;
mod mutation;
mod rounded;
mod sketch;

use std::fmt;
use std::str::FromStr;

use infer_code_cad_decode::Settings;
use infer_code_cad_sandbox::Judge;
use infer_code_cad_tasks::Problem;

use self::ballot::Tally;
use self::matrix::Matrix;
use super::likelihood::{mean, total};
use crate::{Bench, Draft, SelectError, Selecting, Selection, Selector, TechniqueError};

pub(super) use self::inputs::{Input, calls_of, inputs};

/// The draft whose values on many inputs are those of most others.
///
/// Inputs are the calls that the prompt's examples make, then variants of their literal arguments,
/// and with `sketch` arguments that the model lists in one completion more. All drafts are called
/// with all inputs. A draft's score is, by the [`VoteRule`], the number of drafts that show what it
/// shows; of equal scores the highest mean log-probability, then the first. An exception or a limit
/// is no vote. Floats are compared to 9 significant digits; what a call that gives `None` leaves
/// its arguments as is its value, where the judge says so, as [`Sandbox`](crate::sandbox::Sandbox)
/// does.
///
/// What weighs nothing: an input of which most drafts show no value, of those that show any value
/// at all; and an input of which some draft shows another value when it is run again. So arguments
/// that a sketch has of a wrong type, which every draft refuses, weigh nothing. Where no input is
/// left, or no two drafts agree, the most probable of the drafts that show a value is chosen, and
/// the reason says so.
///
/// [Semantic Voting](https://arxiv.org/abs/2605.08680); Shi et al.,
/// [Natural Language to Code Translation with Execution](https://arxiv.org/abs/2204.11454).
///
/// # Examples
/// ```
/// use infer_code_cad::{FunctionalVote, Selector};
///
/// let vote = FunctionalVote::default();
/// let settings = "functional_vote(drafts=10,rule=soft,inputs=12,sketch=off)";
/// assert_eq!(vote.settings().to_string(), settings);
/// let settings = FunctionalVote::mbr_exec(5).settings().to_string();
/// assert_eq!(settings, "functional_vote(drafts=5,rule=mbr-exec)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionalVote {
    /// Drafts per sample.
    pub drafts: usize,
    /// The most inputs, at least 1.
    pub inputs: usize,
    /// What a score is.
    pub rule: VoteRule,
    /// Whether the model lists arguments itself, for one completion of role 1.
    pub sketch: bool,
}

/// What a draft's score is in a [`FunctionalVote`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum VoteRule {
    /// `soft`: over all inputs `x` the sum of `|{j : out_j(x) = out_i(x)}|`.
    #[default]
    Soft,
    /// `hard`: the number of drafts that show the same of every input.
    Hard,
    /// `mbr-exec`: as the code of Shi et al. has it. The one input is the first call that the
    /// prompt shows, it weighs whatever drafts raise, drafts run once, and the sum of
    /// log-probabilities breaks ties. Neither [`FunctionalVote::inputs`] nor
    /// [`FunctionalVote::sketch`] has an effect.
    MbrExec,
}

impl FunctionalVote {
    /// The rule of MBR-exec among so many drafts.
    pub fn mbr_exec(drafts: usize) -> Self {
        Self { drafts, inputs: 1, rule: VoteRule::MbrExec, sketch: false }
    }

    pub(crate) fn asks_for_sketch(&self) -> bool {
        self.sketch && self.rule != VoteRule::MbrExec
    }
}

impl Default for FunctionalVote {
    /// Ten drafts, softly, on twelve inputs, without a sketch.
    fn default() -> Self {
        Self { drafts: 10, inputs: 12, rule: VoteRule::Soft, sketch: false }
    }
}

impl Selector for FunctionalVote {
    fn most_drafts(&self) -> usize {
        self.drafts
    }

    fn begin(&self, problem: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        at_least_one("vote", "inputs", self.inputs)?;
        Ok(Box::new(Voting { vote: self.clone(), problem: problem.clone() }))
    }

    fn settings(&self) -> Settings {
        let settings =
            Settings::new("functional_vote").with("drafts", self.drafts).with("rule", self.rule);
        if self.rule == VoteRule::MbrExec {
            return settings;
        }
        let sketch = if self.sketch { "on" } else { "off" };
        settings.with("inputs", self.inputs).with("sketch", sketch)
    }
}

/// Refuses a parameter that is zero.
pub(super) fn at_least_one(part: &str, key: &str, value: usize) -> Result<(), SelectError> {
    if value > 0 {
        return Ok(());
    }
    let (part, key, value) = (part.to_owned(), key.to_owned(), value.to_string());
    let expected = "a whole number of at least 1";
    Err(SelectError::Other(TechniqueError::Value { part, key, value, expected }.into()))
}

struct Voting {
    vote: FunctionalVote,
    problem: Problem,
}

impl Selecting for Voting {
    fn next(&mut self, drafts: &[Draft], bench: &Bench<'_>) -> Result<Selection, SelectError> {
        let FunctionalVote { drafts: count, rule, .. } = self.vote;
        let asks = self.vote.asks_for_sketch();
        if asks && drafts.len() == 1 {
            return Ok(Selection::More(vec![sketch::request(&self.problem, bench.writer)?]));
        }
        if drafts.len() < count + usize::from(asks) {
            return Ok(Selection::Wait);
        }
        let most = if rule == VoteRule::MbrExec { 1 } else { self.vote.inputs };
        let written = drafts.get(count).map(|sketch| sketch.text.as_str());
        let inputs = inputs(&self.problem, written, most);
        let (draft, why) = vote(&drafts[..count], &inputs, rule, bench.judge)?;
        Ok(Selection::answer(draft, why))
    }
}

/// The chosen draft, and how it was chosen.
pub(super) fn vote(
    drafts: &[Draft],
    inputs: &[Input],
    rule: VoteRule,
    judge: &dyn Judge,
) -> Result<(usize, String), SelectError> {
    let seen = Matrix::observe(drafts, inputs, rule != VoteRule::MbrExec, judge)?;
    let tally = Tally::new(&seen.rows, rule);
    let chosen = tally.chosen(|draft| match rule {
        VoteRule::MbrExec => total(&drafts[draft]),
        VoteRule::Soft | VoteRule::Hard => mean(&drafts[draft]),
    });
    Ok((chosen, why(&tally, &seen, inputs, rule, chosen)))
}

fn why(tally: &Tally, seen: &Matrix, inputs: &[Input], rule: VoteRule, chosen: usize) -> String {
    let measure = if rule == VoteRule::MbrExec { "summed" } else { "mean" };
    let drafts = tally.scores.len();
    let decided = match (inputs.is_empty(), tally.voters.len(), tally.agreed) {
        (true, ..) => format!("no input is known: highest {measure} log-probability of {drafts}"),
        (_, 0, _) => format!(
            "no draft gives a value that counts: highest {measure} log-probability of {drafts}"
        ),
        (_, 1, _) => "one draft alone gives a value".to_owned(),
        (_, voters, false) => {
            format!("no two of {voters} drafts agree: highest {measure} log-probability of these")
        }
        (_, voters, true) => {
            let score = tally.scores[chosen];
            format!(
                "score {score}; classes {} of {voters} drafts with values",
                joined(&tally.classes)
            )
        }
    };
    format!("{rule} vote of {drafts}: {decided}{}", of_inputs(tally, seen, inputs))
}

/// What became of the inputs.
fn of_inputs(tally: &Tally, seen: &Matrix, inputs: &[Input]) -> String {
    if inputs.is_empty() {
        return String::new();
    }
    let mut origins: Vec<_> = inputs.iter().map(|input| input.origin).collect();
    origins.sort_unstable();
    let groups = origins.chunk_by(|a, b| a == b);
    let groups: Vec<_> = groups.map(|group| format!("{} {}", group.len(), group[0])).collect();
    let (counted, all) = (tally.counted.len(), inputs.len());
    let mut text = format!("; {counted} of {all} inputs count ({})", groups.join(", "));
    let raised = all - counted - seen.unsteady;
    if raised > 0 {
        text += &format!(", {raised} without a value of most drafts");
    }
    if seen.unsteady > 0 {
        text += &format!(", {} of which a draft gives two values", seen.unsteady);
    }
    text
}

fn joined(sizes: &[usize]) -> String {
    sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

impl VoteRule {
    const ALL: [Self; 3] = [Self::Soft, Self::Hard, Self::MbrExec];
}

impl fmt::Display for VoteRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
            Self::MbrExec => "mbr-exec",
        })
    }
}

impl FromStr for VoteRule {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.to_string() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests;
