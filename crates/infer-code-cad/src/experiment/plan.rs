use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use infer_code_cad_metrics::{PairedDesign, Spread};
use infer_code_cad_report::{Role, StudyArm, TABLE_1, TABLE_2};
use serde::{Deserialize, Deserializer};

use super::ExperimentError;
use crate::{Preset, Recipe, SolveConfig};

/// What is to be run, written down before: arms, benchmarks, seeds, and which differences are to be tested.
///
/// # Examples
/// ```
/// use infer_code_cad::Plan;
///
/// let plan: Plan = r#"
///     title = "Is it the contrast?"
///     benchmarks = ["humaneval"]
///     samples = 10
///     [[arm]]
///     name = "control"
///     technique = "control"
///     [[arm]]
///     name = "cad"
///     technique = "cad(alpha=0.2)"
///     confirms_against = "control"
/// "#.parse()?;
/// assert_eq!((plan.arms.len(), plan.seeds.as_slice()), (2, [0].as_slice()));
/// let error = "title = 'x'\nbenchmarks = []\nsamples = 1".parse::<Plan>().unwrap_err();
/// assert!(error.to_string().contains("missing field `arm`"));
/// # Ok::<(), infer_code_cad::ExperimentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The headline.
    pub title: String,
    /// Paragraphs below it: what is asked, and what limits the answer.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What all arms have in common.
    #[serde(default, deserialize_with = "preset")]
    pub preset: Preset,
    /// Longest completion in tokens; without it the preset's.
    pub max_new_tokens: Option<usize>,
    /// What problems there are, such as `humaneval` or `mbpp test`.
    pub benchmarks: Vec<String>,
    /// The name of all benchmarks as one set of problems; without it each is a table of its own.
    pub pooled: Option<String>,
    /// Only so many problems of each benchmark, the first.
    pub problems: Option<usize>,
    /// Samples of each problem, arm and seed.
    pub samples: usize,
    /// The seeds; samples of all of them are counted together.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// The k of pass@k; tests are of the first.
    #[serde(default = "ks")]
    pub k: Vec<u64>,
    /// What is expected of a difference in pass@1 on one problem, to tell beforehand what can be found.
    #[serde(default, deserialize_with = "spread")]
    pub spread: Option<Spread>,
    /// The arms, in the order of tables.
    #[serde(rename = "arm")]
    pub arms: Vec<PlannedArm>,
}

/// An arm of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedArm {
    /// Its name in tables.
    pub name: String,
    /// Its technique, as a [`Recipe`] is written.
    pub technique: String,
    /// A preset of its own, which the comparison is then about.
    #[serde(default, deserialize_with = "own_preset")]
    pub preset: Option<Preset>,
    /// Samples of each problem and seed, where they are not the plan's: one of an arm that chooses among as many drafts
    /// as others have samples.
    pub samples: Option<usize>,
    /// The arm that it is set beside, with an interval and a p that is not corrected.
    pub against: Option<String>,
    /// The arm that it is tested against, corrected over all such contrasts of the plan.
    pub confirms_against: Option<String>,
}

/// Benchmarks that are one table.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) benchmarks: Range<usize>,
}

impl Plan {
    /// Reads a plan from a TOML file.
    ///
    /// # Errors
    /// [`ExperimentError::Io`], [`ExperimentError::Plan`].
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let io = |source| ExperimentError::Io { path: path.to_owned(), source };
        std::fs::read_to_string(path).map_err(io)?.parse()
    }

    /// The technique of an arm under the preset.
    pub(super) fn recipe(&self, arm: &PlannedArm) -> Result<Recipe, ExperimentError> {
        let recipe = Recipe::under(arm.preset(self), &arm.technique, &[]);
        Ok(recipe.map_err(crate::Error::from)?)
    }

    /// What is the same for all samples of an arm.
    pub(super) fn config(&self, arm: &PlannedArm, recipe: &Recipe, seed: u64) -> SolveConfig {
        let preset = arm.preset(self);
        let mut config =
            SolveConfig { n_samples: arm.samples(self), seed, ..preset.config(recipe) };
        if let Some(max_new_tokens) = self.max_new_tokens {
            (config.max_new_tokens, config.max_length) = (max_new_tokens, None);
        }
        config
    }

    pub(super) fn tables(&self) -> Vec<Table> {
        if let Some(name) = &self.pooled {
            return vec![Table { name: name.clone(), benchmarks: 0..self.benchmarks.len() }];
        }
        let table = |(index, name): (usize, &String)| Table {
            name: name.clone(),
            benchmarks: index..index + 1,
        };
        self.benchmarks.iter().enumerate().map(table).collect()
    }

    /// The contrasts that are corrected together, over all tables.
    fn contrasts(&self) -> usize {
        let confirmatory = self.arms.iter().filter(|arm| arm.confirms_against.is_some()).count();
        confirmatory * self.tables().len()
    }

    /// What a contrast will find, table by table, by name: the smallest difference in pass@1 that is found with a
    /// chance of .8; the sizes are those of the benchmarks, in problems. Nothing where the plan expects no
    /// [`spread`](Self::spread) or has no contrast.
    ///
    /// # Errors
    /// [`ExperimentError::Run`] for a spread below 0.
    pub fn smallest_detectable(
        &self,
        sizes: &[usize],
    ) -> Result<Vec<(String, f64)>, ExperimentError> {
        let (Some(spread), contrasts @ 1..) = (&self.spread, self.contrasts() as u64) else {
            return Ok(vec![]);
        };
        let samples = (self.samples * self.seeds.len()) as u64;
        let smallest = |table: Table| {
            let problems = sizes[table.benchmarks].iter().sum::<usize>() as u64;
            let design = PairedDesign { contrasts, ..PairedDesign::new(problems, samples) };
            let smallest = design.smallest_detectable(spread).map_err(crate::Error::from)?;
            Ok((table.name, smallest))
        };
        self.tables().into_iter().map(smallest).collect()
    }

    /// Keeps some arms. What was set beside an arm that goes is set beside nothing.
    pub fn keep(&mut self, keeps: impl Fn(&PlannedArm) -> bool) {
        self.arms.retain(|arm| keeps(arm));
        let names: BTreeSet<String> = self.arms.iter().map(|arm| arm.name.clone()).collect();
        for arm in &mut self.arms {
            for control in [&mut arm.against, &mut arm.confirms_against] {
                *control = control.take().filter(|control| names.contains(control));
            }
        }
    }

    /// Refuses what cannot be run or compared. What was read from a text has passed it.
    ///
    /// # Errors
    /// [`ExperimentError::Plan`]; [`ExperimentError::Run`] for a technique that is none.
    pub fn check(&self) -> Result<(), ExperimentError> {
        let refuse = |reason: String| Err(ExperimentError::Plan { reason });
        for (what, is_empty) in [
            ("benchmarks", self.benchmarks.is_empty()),
            ("seeds", self.seeds.is_empty()),
            ("k", self.k.is_empty() || self.k.contains(&0)),
            ("arm", self.arms.is_empty()),
            ("samples", self.samples == 0 || self.arms.iter().any(|arm| arm.samples == Some(0))),
            ("problems", self.problems == Some(0)),
        ] {
            if is_empty {
                return refuse(format!("{what}: there must be at least one"));
            }
        }
        let names: BTreeSet<&str> = self.arms.iter().map(|arm| arm.name.as_str()).collect();
        let seeds: BTreeSet<u64> = self.seeds.iter().copied().collect();
        let benchmarks: BTreeSet<&String> = self.benchmarks.iter().collect();
        for (what, is_twice) in [
            ("an arm", names.len() < self.arms.len()),
            ("a seed", seeds.len() < self.seeds.len()),
            ("a benchmark", benchmarks.len() < self.benchmarks.len()),
        ] {
            if is_twice {
                return refuse(format!("{what} is there twice"));
            }
        }
        let mut techniques = BTreeSet::new();
        for arm in &self.arms {
            let technique = self.recipe(arm)?.to_string();
            if !techniques.insert((arm.preset(self).to_string(), technique.clone())) {
                return refuse(format!("two arms have the technique {technique}"));
            }
            if arm.against.is_some() && arm.confirms_against.is_some() {
                return refuse(format!(
                    "{}: against and confirms_against exclude each other",
                    arm.name
                ));
            }
            let controls = arm.against.iter().chain(&arm.confirms_against);
            if let Some(control) = controls
                .into_iter()
                .find(|control| !names.contains(control.as_str()) || control.as_str() == arm.name)
            {
                return refuse(format!("{}: {control:?} is no other arm", arm.name));
            }
        }
        Ok(())
    }
}

impl PlannedArm {
    pub(super) fn preset<'a>(&'a self, plan: &'a Plan) -> &'a Preset {
        self.preset.as_ref().unwrap_or(&plan.preset)
    }

    pub(super) fn samples(&self, plan: &Plan) -> usize {
        self.samples.unwrap_or(plan.samples)
    }

    fn role(&self) -> Role {
        match &self.confirms_against {
            Some(control) => Role::Confirmatory { control: control.clone() },
            None => Role::Exploratory { control: self.against.clone() },
        }
    }

    /// What was measured, under the plan's names and beside what the paper has of it. The paper's figures of another
    /// model are those of its main one.
    pub(super) fn labelled(&self, arm: StudyArm, model: &str, benchmark: &str) -> StudyArm {
        let table = match benchmark {
            "humaneval" => &TABLE_1[..],
            "mbpp validation" => &TABLE_2[..],
            _ => &[],
        };
        let technique = self.technique.parse::<Recipe>().ok();
        let rows = || table.iter().filter(|row| row.technique.parse::<Recipe>().ok() == technique);
        let row = rows().find(|row| row.model == model).or_else(|| rows().next());
        StudyArm {
            name: self.name.clone(),
            model: model.to_owned(),
            benchmark: benchmark.to_owned(),
            role: self.role(),
            paper: row.map(|row| row.figures()),
            ..arm
        }
    }
}

impl FromStr for Plan {
    type Err = ExperimentError;

    /// Reads TOML.
    fn from_str(text: &str) -> Result<Self, ExperimentError> {
        let plan: Self = toml::from_str(text)
            .map_err(|error| ExperimentError::Plan { reason: error.to_string() })?;
        plan.check()?;
        Ok(plan)
    }
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

fn ks() -> Vec<u64> {
    vec![1, 5, 10]
}

fn preset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Preset, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|error: crate::PresetError| serde::de::Error::custom(error))
}

fn own_preset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Preset>, D::Error> {
    preset(deserializer).map(Some)
}

fn spread<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spread>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Fields {
        between: f64,
        within: f64,
    }
    let Fields { between, within } = Fields::deserialize(deserializer)?;
    Ok(Some(Spread { between, within }))
}
