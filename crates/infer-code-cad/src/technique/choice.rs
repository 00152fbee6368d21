use std::fmt;
use std::sync::Arc;

use infer_code_cad_decode::Settings;

use super::part::Part;
use crate::{
    BestOfN, CodeT, First, FunctionalVote, MeanLogProb, MostConsistent, Repair, Selector, Stopping,
    Supplies, TechniqueError, VoteRule,
};

/// Which draft of a [`Recipe`](crate::Recipe) is the answer: what stands behind `|` in its name.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Choice {
    /// `first`: there is one draft.
    #[default]
    First,
    /// `medoid`, or `sc` among the parts: the one most like the others.
    Medoid {
        /// How many drafts there are.
        drafts: usize,
    },
    /// `visible-tests`: the one that passes most of what the prompt shows.
    VisibleTests(BestOfN),
    /// `log-prob`: the most probable one per token.
    LogProb(MeanLogProb),
    /// `vote` and `mbr-exec`: the one that does what most others do.
    Vote(FunctionalVote),
    /// `codet`: the one that agrees with the model's own tests.
    CodeT(CodeT),
}

/// What stands behind `|`.
const NAMES: [&str; 7] =
    ["first", "medoid", "visible-tests", "log-prob", "vote", "mbr-exec", "codet"];

impl Choice {
    /// Drafts of self-consistency in the paper.
    pub(super) const MEDOID: usize = 5;

    pub(super) fn read(mut part: Part) -> Result<Self, TechniqueError> {
        let (choice, keys) = Self::of(&mut part)?;
        part.finish(keys)?;
        Ok(choice)
    }

    fn of(part: &mut Part) -> Result<(Self, &'static [&'static str]), TechniqueError> {
        let name = NAMES.into_iter().find(|known| *known == part.name());
        Ok(match name {
            Some("first") => (Self::First, &[]),
            Some("medoid") => {
                let mut drafts = Self::MEDOID;
                part.count("n", &mut drafts)?;
                (Self::Medoid { drafts }, &["n"])
            }
            Some("visible-tests") => {
                let mut best = BestOfN::default();
                part.count("n", &mut best.drafts)?;
                part.count("wave", &mut best.wave)?;
                part.set("stop", Stopping::NAMES, &mut best.stop)?;
                part.set("tie", "log_prob or first", &mut best.tie)?;
                if part.take("repair", "on or off", switch)? == Some(true) {
                    best.repair = Some(Repair::default());
                }
                (Self::VisibleTests(best), &["n", "wave", "stop", "tie", "repair"])
            }
            Some("log-prob") => {
                let mut log_prob = MeanLogProb::default();
                part.count("n", &mut log_prob.drafts)?;
                (Self::LogProb(log_prob), &["n"])
            }
            Some("vote") => {
                let mut vote = FunctionalVote::default();
                part.count("n", &mut vote.drafts)?;
                part.count("inputs", &mut vote.inputs)?;
                let rule = |text: &str| text.parse().ok().filter(|rule| *rule != VoteRule::MbrExec);
                vote.rule = part.take("rule", "soft or hard", rule)?.unwrap_or_default();
                vote.sketch = part.take("sketch", "on or off", switch)?.unwrap_or(false);
                (Self::Vote(vote), &["n", "inputs", "rule", "sketch"])
            }
            Some("mbr-exec") => {
                let mut vote = FunctionalVote::mbr_exec(FunctionalVote::default().drafts);
                part.count("n", &mut vote.drafts)?;
                (Self::Vote(vote), &["n"])
            }
            Some(_) => {
                let mut codet = CodeT::default();
                part.count("n", &mut codet.drafts)?;
                part.count("tests", &mut codet.tests)?;
                part.set("weights", "count or aces", &mut codet.weights)?;
                (Self::CodeT(codet), &["n", "tests", "weights"])
            }
            None => {
                let (name, choices) = (part.name().to_owned(), NAMES.join(", "));
                return Err(TechniqueError::UnknownChoice { name, choices });
            }
        })
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Medoid { .. } => "sc",
            Self::VisibleTests(_) => "visible-tests",
            Self::LogProb(_) => "log-prob",
            Self::Vote(vote) if vote.rule == VoteRule::MbrExec => "mbr-exec",
            Self::Vote(_) => "vote",
            Self::CodeT(_) => "codet",
        }
    }

    /// How many drafts of the technique's own prompt it chooses from, at most.
    pub fn drafts(&self) -> usize {
        match self {
            Self::First => 1,
            Self::Medoid { drafts } => *drafts,
            Self::VisibleTests(best) => best.drafts,
            Self::LogProb(log_prob) => log_prob.drafts,
            Self::Vote(vote) => vote.drafts,
            Self::CodeT(codet) => codet.drafts,
        }
    }

    /// How many other completions it asks for with each sample: tests, or arguments. Repairs take the place of drafts.
    pub fn completions(&self) -> usize {
        match self {
            Self::Vote(vote) => usize::from(vote.asks_for_sketch()),
            Self::CodeT(codet) => codet.tests,
            _ => 0,
        }
    }

    /// Whether it looks at what drafts do, and so needs a [`Solver::judge`](crate::Solver::judge).
    pub fn runs_programs(&self) -> bool {
        matches!(self, Self::VisibleTests(_) | Self::Vote(_) | Self::CodeT(_))
    }

    pub(super) fn selector(&self, supplies: &Supplies) -> Arc<dyn Selector> {
        match self {
            Self::First => Arc::new(First),
            Self::Medoid { drafts } => {
                let similarity = supplies.similarity.clone();
                Arc::new(MostConsistent { drafts: *drafts, similarity })
            }
            Self::VisibleTests(best) => Arc::new(best.clone()),
            Self::LogProb(log_prob) => Arc::new(*log_prob),
            Self::Vote(vote) => Arc::new(vote.clone()),
            Self::CodeT(codet) => Arc::new(codet.clone()),
        }
    }

    /// Its name with what is not the default.
    fn settings(&self) -> Settings {
        let mut settings = Settings::new(self.name());
        let mut add = |key: &str, value: String, default: String| {
            if value != default {
                settings.values.push((key.to_owned(), value));
            }
        };
        match self {
            Self::First => {}
            Self::Medoid { drafts } => add("n", drafts.to_string(), Self::MEDOID.to_string()),
            Self::VisibleTests(best) => {
                let default = BestOfN::default();
                add("n", best.drafts.to_string(), default.drafts.to_string());
                add("wave", best.wave.to_string(), default.wave.to_string());
                add("stop", best.stop.to_string(), default.stop.to_string());
                add("tie", best.tie.to_string(), default.tie.to_string());
                add("repair", on(best.repair.is_some()), on(false));
            }
            Self::LogProb(MeanLogProb { drafts }) => {
                add("n", drafts.to_string(), MeanLogProb::default().drafts.to_string());
            }
            Self::Vote(vote) => {
                let default = FunctionalVote::default();
                add("n", vote.drafts.to_string(), default.drafts.to_string());
                if vote.rule != VoteRule::MbrExec {
                    add("inputs", vote.inputs.to_string(), default.inputs.to_string());
                    add("rule", vote.rule.to_string(), default.rule.to_string());
                    add("sketch", on(vote.sketch), on(false));
                }
            }
            Self::CodeT(codet) => {
                let default = CodeT::default();
                add("n", codet.drafts.to_string(), default.drafts.to_string());
                add("tests", codet.tests.to_string(), default.tests.to_string());
                add("weights", codet.weights.to_string(), default.weights.to_string());
            }
        }
        settings
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings().fmt(f)
    }
}

/// What a key that is on or off says.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn on(is_on: bool) -> String {
    if is_on { "on".to_owned() } else { "off".to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_at_least_one() {
        for (name, key) in [
            ("medoid", "n"),
            ("visible-tests", "n"),
            ("visible-tests", "wave"),
            ("log-prob", "n"),
            ("vote", "n"),
            ("vote", "inputs"),
            ("mbr-exec", "n"),
            ("codet", "n"),
            ("codet", "tests"),
        ] {
            let read = |count| Choice::read(format!("{name}({key}={count})").parse().unwrap());
            let error = read(0).unwrap_err().to_string();
            let expected = "is \"0\", expected a whole number of at least 1 and at most 100000";
            assert_eq!(error, format!("{key} of {name} {expected}"));
            assert!(read(1).is_ok());
        }
    }
}
