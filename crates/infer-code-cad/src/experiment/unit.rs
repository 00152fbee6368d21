use std::path::{Path, PathBuf};

use super::{ExperimentError, Plan};
use crate::results::appended;
use crate::{JournalDrafts, KnownDraft, KnownDrafts};

/// What is run by itself and has a journal: an arm on a benchmark with a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The index of the arm.
    pub arm: usize,
    /// The index of the benchmark.
    pub benchmark: usize,
    /// The seed.
    pub seed: u64,
    /// Its files without folder and ending, as `smollm2/default-256/mbpp-test/cad.n5.seed0`: plans that have
    /// the same unit share them.
    stem: PathBuf,
}

impl Unit {
    /// The journal below a folder.
    pub fn journal(&self, folder: &Path) -> PathBuf {
        appended(&folder.join(&self.stem), ".jsonl")
    }

    /// The archive below a folder.
    pub fn archive(&self, folder: &Path) -> PathBuf {
        appended(&folder.join(&self.stem), ".csv.gz")
    }
}

impl Plan {
    /// Everything that is to be run with a model, in the order of running: whole seeds first.
    ///
    /// # Errors
    /// [`ExperimentError::Run`] for a technique that is none.
    pub fn units(&self, model: &str) -> Result<Vec<Unit>, ExperimentError> {
        let mut units = vec![];
        for &seed in &self.seeds {
            for (benchmark, name) in self.benchmarks.iter().enumerate() {
                for (arm, planned) in self.arms.iter().enumerate() {
                    let recipe = self.recipe(planned)?;
                    let longest = self.config(planned, &recipe, seed).max_new_tokens;
                    let stem = PathBuf::from(slug(model))
                        .join(slug(&format!("{}-{longest}", planned.preset(self))))
                        .join(match self.problems {
                            Some(problems) => format!("{}-first-{problems}", slug(name)),
                            None => slug(name),
                        })
                        .join(format!(
                            "{}.n{}.seed{seed}",
                            slug(&recipe.to_string()),
                            planned.samples(self)
                        ));
                    units.push(Unit { arm, benchmark, seed, stem });
                }
            }
        }
        Ok(units)
    }
}

/// A name for files: what shells and file systems make of other characters differs.
fn slug(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "=.+_".contains(c) { c } else { '-' };
    let slug: String = name.chars().filter(|c| *c != ')').map(kept).collect();
    slug.trim_matches(['-', '.']).to_owned()
}

/// The drafts of all other journals of a unit's seed in its folder; those of other seeds are other drafts.
#[derive(Debug)]
pub(super) struct Siblings(Vec<JournalDrafts>);

impl Siblings {
    pub(super) fn of(unit: &Unit, journal: &Path) -> Result<Self, ExperimentError> {
        let folder = journal.parent().unwrap_or(Path::new("."));
        let io = |source| ExperimentError::Io { path: folder.to_owned(), source };
        let mut paths = std::fs::read_dir(folder)
            .map_err(io)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(io)?;
        paths.sort();
        let end = format!(".seed{}.jsonl", unit.seed);
        let is_other = |path: &PathBuf| path != journal && path.to_string_lossy().ends_with(&end);
        // A neighbour that cannot be read has nothing to give; its own run will say why.
        let known = paths.iter().filter(|path| is_other(path));
        Ok(Self(known.filter_map(|path| JournalDrafts::read(path).ok()).collect()))
    }
}

impl KnownDrafts for Siblings {
    fn draft(&self, address: &str) -> Option<KnownDraft> {
        self.0.iter().find_map(|drafts| drafts.draft(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain() {
        for (name, expected) in [
            ("cad(alpha=0.2,plausibility=0.1)+rag", "cad-alpha=0.2-plausibility=0.1+rag"),
            ("mbpp test", "mbpp-test"),
            ("../..", ""),
            ("org/name@rev", "org-name-rev"),
        ] {
            assert_eq!(slug(name), expected);
        }
    }
}
