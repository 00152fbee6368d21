//! What drafts show of inputs, with a process per program and run.

use std::collections::BTreeMap;

use infer_code_cad_sandbox::{Judge, Observation, Probe};

use super::ballot::Row;
use super::inputs::Input;
use super::rounded::rounded;
use crate::selection::observation::observed;
use crate::{Draft, SelectError};

/// What drafts showed, ready to be counted.
pub(super) struct Matrix {
    /// Of each draft. An unsteady input has no value of any.
    pub(super) rows: Vec<Row>,
    /// Inputs of which some draft showed two things.
    pub(super) unsteady: usize,
}

/// What a program shows of an input.
#[derive(Clone, PartialEq)]
enum Shown {
    Value(String),
    Nothing,
    /// It went beyond a limit, and is not asked again.
    Limit,
    /// It shows another thing each time.
    Unsteady,
}

impl From<Observation> for Shown {
    fn from(observation: Observation) -> Self {
        match observation {
            Observation::Value(text) => Self::Value(rounded(&text)),
            Observation::Limit(_) => Self::Limit,
            _ => Self::Nothing,
        }
    }
}

impl Matrix {
    /// Equal programs are looked at once.
    pub(super) fn observe(
        drafts: &[Draft],
        inputs: &[Input],
        twice: bool,
        judge: &dyn Judge,
    ) -> Result<Self, SelectError> {
        let mut shown: BTreeMap<&str, Vec<Shown>> = BTreeMap::new();
        for draft in drafts {
            let program = draft.program.as_str();
            if !shown.contains_key(program) {
                shown.insert(program, look(program, inputs, twice, judge)?);
            }
        }
        let is_unsteady = |input: &usize| shown.values().any(|one| one[*input] == Shown::Unsteady);
        let unsteady: Vec<usize> = (0..inputs.len()).filter(is_unsteady).collect();
        let mut numbers = BTreeMap::new();
        let mut number = |text: String| {
            let next = numbers.len();
            *numbers.entry(text).or_insert(next)
        };
        let mut row = |draft: &Draft| -> Row {
            let of = |(input, shown): (usize, &Shown)| match shown {
                Shown::Value(text) if !unsteady.contains(&input) => Some(number(text.clone())),
                _ => None,
            };
            shown[draft.program.as_str()].iter().enumerate().map(of).collect()
        };
        Ok(Self { rows: drafts.iter().map(&mut row).collect(), unsteady: unsteady.len() })
    }
}

fn look(
    program: &str,
    inputs: &[Input],
    twice: bool,
    judge: &dyn Judge,
) -> Result<Vec<Shown>, SelectError> {
    let probes: Vec<Probe<'_>> = inputs.iter().map(|input| Probe::Value(&input.call)).collect();
    let first = observed(judge, program, &probes)?;
    let mut shown: Vec<Shown> = first.into_iter().map(Shown::from).collect();
    if !twice {
        return Ok(shown);
    }
    let again: Vec<usize> = (0..probes.len()).filter(|&at| shown[at] != Shown::Limit).collect();
    let probes: Vec<Probe<'_>> = again.iter().map(|&at| probes[at]).collect();
    for (at, second) in again.into_iter().zip(observed(judge, program, &probes)?) {
        if Shown::from(second) != shown[at] {
            shown[at] = Shown::Unsteady;
        }
    }
    Ok(shown)
}
