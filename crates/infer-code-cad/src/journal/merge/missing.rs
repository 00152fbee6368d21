use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::journal::StoredRun;
use crate::{RunHeader, Shard};

/// Samples that have neither a verdict nor a failure in any journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// The journal in which their problems were begun; `None` where no journal knows of them.
    pub journal: Option<PathBuf>,
    /// The shards that they are, where they are whole shards.
    pub shards: Vec<Shard>,
    /// By problem and number.
    pub samples: Vec<(String, usize)>,
}

/// Samples that a message names.
const NAMED: usize = 3;

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |(task_id, sample): &(String, usize)| format!("{task_id} sample {sample}");
        let names: Vec<String> = self.samples.iter().take(NAMED).map(name).collect();
        let mut samples = names.join(", ");
        if let Some(more) = self.samples.len().checked_sub(NAMED).filter(|more| *more > 0) {
            samples += &format!(" and {more} more");
        }
        match (&self.journal, &self.shards[..]) {
            (Some(journal), _) => {
                let journal = journal.display();
                write!(f, "{journal} lacks {samples}: run its shard again, which goes on in it")
            }
            (None, []) => write!(f, "no journal has {samples}: name the one that has"),
            (None, shards) => {
                let shards: Vec<String> = shards.iter().map(Shard::to_string).collect();
                let shards = shards.join(", ");
                write!(f, "no journal has shard {shards} ({samples}): run it, or name its journal")
            }
        }
    }
}

/// What none of the journals has.
pub(super) fn find(runs: &[StoredRun], header: &RunHeader) -> Vec<Missing> {
    // A session stores all its prompts before it draws.
    let is_begun =
        |run: &StoredRun, id: &str| run.index.task(id).is_some_and(|task| task.prompt.is_some());
    let mut by_run: BTreeMap<Option<usize>, Vec<(String, usize)>> = BTreeMap::new();
    let mut absent = vec![];
    for (problem, id) in header.tasks.iter().enumerate() {
        let is_missing = |sample: &usize| !runs.iter().any(|run| run.is_done(id, *sample));
        let samples: Vec<usize> = (0..header.n_samples).filter(is_missing).collect();
        if samples.is_empty() {
            continue;
        }
        let begun = runs.iter().position(|run| is_begun(run, id));
        if begun.is_none() {
            absent.push(problem);
        }
        let samples = samples.into_iter().map(|sample| (id.clone(), sample));
        by_run.entry(begun).or_default().extend(samples);
    }
    let is_present = |run: &&StoredRun| header.tasks.iter().any(|id| is_begun(run, id));
    let present = runs.iter().filter(is_present).count();
    let missing = |(run, samples): (Option<usize>, _)| match run {
        Some(run) => {
            let journal = Some(runs[run].file.path().to_owned());
            Missing { journal, shards: vec![], samples }
        }
        None => {
            let shards = whole_shards(&absent, header.tasks.len(), present);
            Missing { journal: None, shards, samples }
        }
    };
    by_run.into_iter().map(missing).collect()
}

/// The shards that have exactly the `absent` ones of some problems, which are sorted, where `present` others have
/// the rest.
fn whole_shards(absent: &[usize], problems: usize, present: usize) -> Vec<Shard> {
    let of = |count| {
        let is_absent = |shard: &Shard| {
            shard.part(0..problems).any(|problem| absent.binary_search(&problem).is_ok())
        };
        let shards = (1..=count).filter_map(|index| Shard::new(index, count).ok());
        let shards: Vec<Shard> = shards.filter(is_absent).collect();
        let have: usize = shards.iter().map(|shard| shard.part(0..problems).count()).sum();
        (have == absent.len() && shards.len() + present == count).then_some(shards)
    };
    (present + 1..=problems).find_map(of).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_shards_are_named_as_they_were_numbered() {
        let named = |absent: &[usize], problems, present| {
            let shards = whole_shards(absent, problems, present);
            shards.iter().map(Shard::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(named(&[1, 4, 7], 9, 2), "2/3");
        assert_eq!(named(&[1, 3, 5, 7], 8, 1), "2/2");
        assert_eq!(named(&[1, 3, 5, 7], 8, 2), "2/4 4/4");
        assert_eq!(named(&[0, 1, 2], 3, 0), "1/1");
        assert_eq!(named(&[1, 2], 9, 2), "", "a part of a shard");
    }
}
