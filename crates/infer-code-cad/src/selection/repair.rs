use std::collections::BTreeSet;
use std::sync::Arc;

use infer_code_cad_checkpoint::Message;
use infer_code_cad_decode::{Nucleus, Settings};
use infer_code_cad_sandbox::Observation;
use infer_code_cad_tasks::{Problem, sides};

use super::checks::Checks;
use crate::{Bench, Draft, DraftRequest, Prompted, SelectError};

/// Facts that a prompt states, and characters of each of their values.
const MOST_FACTS: usize = 3;
const MOST_CHARACTERS: usize = 200;

/// Drafts that are shown to the model with what they do, as an arm of [`BestOfN`](crate::BestOfN): where no draft of the
/// first two waves passes, half of the drafts that are left are repairs.
///
/// A prompt is one turn of a chat: the problem, a draft, and up to three facts that were seen by running it, each a call, what
/// it should give, and what it gave or raised. Only drafts that pass the most tests are shown, one for each
/// kind of exception. A draft and its repair compete as any two drafts.
///
/// Leave it off below 3 billion parameters, where it is no better than as many plain drafts.
/// Chen et al., [Teaching Large Language Models to Self-Debug](https://arxiv.org/abs/2304.05128).
#[derive(Debug, Clone, PartialEq)]
pub struct Repair {
    /// How often repairs are asked for, at least 1; those of a later round may repair those of an earlier one.
    pub rounds: usize,
    /// How their tokens are chosen. It reads one stream, whatever the technique's decoder reads.
    pub sampler: Nucleus,
}

impl Default for Repair {
    /// Two rounds, with a temperature of 0.8 and a top-p of 0.95.
    fn default() -> Self {
        let sampler = Nucleus { temperature: 0.8, top_p: 0.95, ..Nucleus::default() };
        Self { rounds: 2, sampler }
    }
}

impl Repair {
    /// What it is, as a part of its selector's settings.
    pub fn settings(&self) -> Settings {
        use infer_code_cad_decode::Decoder as _;
        Settings::new("repair").with("rounds", self.rounds).with("sampler", self.sampler.settings())
    }

    /// # Errors
    /// [`SelectError::Parameter`] where it would ask for nothing.
    pub(super) fn check(&self) -> Result<(), SelectError> {
        if self.rounds > 0 {
            return Ok(());
        }
        let (value, expected) = (self.rounds.to_string(), "at least 1; leave repair off instead");
        Err(SelectError::Parameter { part: "repair", name: "rounds", value, expected })
    }
}

/// The repairs of one sample.
#[derive(Debug, Default)]
pub(super) struct Repairing {
    /// Rounds that were asked for.
    rounds: usize,
    /// Drafts that may yet be repairs; known from the first round on.
    left: Option<usize>,
    /// Roles that were given away, the technique's own left out.
    roles: u32,
    /// The program that a role repairs, from role 1 on.
    origins: Vec<String>,
}

impl Repairing {
    /// Whether a draft is a repair that says what it was to repair.
    pub(super) fn repeats(&self, draft: &Draft) -> bool {
        let role = (draft.role as usize).checked_sub(1);
        role.and_then(|role| self.origins.get(role)).is_some_and(|origin| *origin == draft.program)
    }

    /// The repairs to ask for now, of `left` drafts that are left in all; none where all rounds are over.
    pub(super) fn ask(
        &mut self,
        config: &Repair,
        problem: &Problem,
        drafts: &[Draft],
        checks: &Checks,
        left: usize,
        bench: &Bench<'_>,
    ) -> Result<Vec<DraftRequest>, SelectError> {
        let arm = *self.left.get_or_insert(left.div_ceil(2));
        let Some(rounds) = config.rounds.checked_sub(self.rounds).filter(|rounds| *rounds > 0)
        else {
            return Ok(vec![]);
        };
        let share = arm.div_ceil(rounds);
        let origins: Vec<&Draft> = origins(drafts, checks).into_iter().take(share).collect();
        (self.rounds, self.left) = (self.rounds + 1, Some(arm - share));
        let mut requests = Vec::new();
        for (place, origin) in origins.iter().enumerate() {
            // As evenly as they go, the first ones more.
            let drafts = (share - place).div_ceil(origins.len());
            let said = prompt(problem, origin, &facts(origin, checks, bench)?);
            self.roles += 1;
            self.origins.push(origin.program.clone());
            let mut request = DraftRequest::new(self.roles, 0..drafts);
            let stream = bench.writer.chat(&[Message::user(said)], "")?;
            request.prompt = Some(Prompted::new(vec![stream]));
            request.decoder = Some(Arc::new(config.sampler.clone()));
            // Those of the technique may end a text at the first line of a whole function.
            request.stop = Some(vec![]);
            requests.push(request);
        }
        Ok(requests)
    }
}

/// The drafts that pass the most tests, one of each program and kind of failure.
fn origins<'d>(drafts: &'d [Draft], checks: &Checks) -> Vec<&'d Draft> {
    let most = drafts.iter().map(|draft| checks.passed(&draft.program)).max();
    let mut kinds = BTreeSet::new();
    let best = drafts.iter().filter(|draft| Some(checks.passed(&draft.program)) == most);
    best.filter(|draft| kinds.insert(kind(&draft.program, checks))).collect()
}

/// What goes wrong first.
fn kind<'c>(program: &str, checks: &'c Checks) -> &'c str {
    match checks.failures(program).next() {
        Some((_, Observation::Raised { kind, .. })) => kind,
        Some((_, Observation::Limit(_))) => "limit",
        _ => "",
    }
}

/// What was seen of a draft's failures.
fn facts(draft: &Draft, checks: &Checks, bench: &Bench<'_>) -> Result<Vec<String>, SelectError> {
    let program = draft.program.as_str();
    if let Some(fault) = checks.load(program).filter(|load| **load != Observation::Held) {
        return Ok(vec![format!("The module does not load: {}.", outcome(fault))]);
    }
    let mut facts = Vec::new();
    for (test, seen) in checks.failures(program).take(MOST_FACTS) {
        let Some((call, expected)) = sides(test) else {
            facts.push(format!("`{}`: {}.", cut(test), outcome(seen)));
            continue;
        };
        let is_wrong = matches!(seen, Observation::Raised { kind, .. } if kind == "AssertionError");
        let value = if is_wrong { checks.value(program, call, bench.judge)? } else { None };
        let outcome = outcome(value.as_ref().unwrap_or(seen));
        facts.push(format!("`{}` should give {}: {outcome}.", cut(call), cut(expected)));
    }
    Ok(facts)
}

fn outcome(seen: &Observation) -> String {
    match seen {
        Observation::Value(value) => format!("it gives {}", cut(value)),
        Observation::Raised { kind, message } if message.is_empty() => format!("it raises {kind}"),
        Observation::Raised { kind, message } => format!("it raises {kind}: {}", cut(message)),
        Observation::Limit(limit) => format!("it was ended, {}", cut(limit)),
        _ => "it ends".to_owned(),
    }
}

/// The beginning of a text, on one line.
fn cut(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn prompt(problem: &Problem, draft: &Draft, facts: &[String]) -> String {
    let (task, program) = (problem.prompt.trim(), draft.program.trim());
    let facts: String = facts.iter().map(|fact| format!("- {fact}\n")).collect();
    format!(
        "This is a Python programming problem:\n```python\n{task}\n```\n\n\
         This answer to it is wrong:\n```python\n{program}\n```\n\n\
         When it is run:\n{facts}\n\
         Correct it. Return only the code of the whole function."
    )
}

#[cfg(test)]
mod tests;
