use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Memory, PaperFigures, Speed, StudyProblem};

/// One technique with one model on one benchmark.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyArm {
    /// The technique, such as `rag+cad`; unique for a model and a benchmark.
    pub name: String,
    /// The model.
    pub model: String,
    /// Benchmark and split.
    pub benchmark: String,
    /// What it is there for.
    #[serde(default)]
    pub role: Role,
    /// What this arm's results depend on beyond the study's settings: its decoder, its prompts.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Its problems: those of every other judged arm of the benchmark, in any order. None: the arm was not
    /// judged, as with random weights.
    #[serde(default)]
    pub problems: Vec<StudyProblem>,
    /// Samples without a verdict, which are in no figure.
    #[serde(default)]
    pub unjudged_samples: u64,
    /// How fast it was.
    #[serde(default)]
    pub speed: Speed,
    /// What memory it took.
    #[serde(default)]
    pub memory: Memory,
    /// What somebody else measured of it, to be shown beside.
    #[serde(default)]
    pub paper: Option<PaperFigures>,
}

impl StudyArm {
    /// An exploratory arm of which nothing is known yet.
    pub fn new(
        name: impl Into<String>,
        model: impl Into<String>,
        benchmark: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            model: model.into(),
            benchmark: benchmark.into(),
            ..Self::default()
        }
    }

    /// Name, model and benchmark in words.
    pub(crate) fn in_words(&self) -> String {
        format!("{} of {} on {}", self.name, self.model, self.benchmark)
    }
}

/// What an arm is there for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Role {
    /// A contrast named before the run: tested against its control, with a correction over all of them.
    Confirmatory {
        /// The name of another arm of the same model and benchmark.
        control: String,
    },
    /// What others are compared with.
    Control,
    /// All else: intervals, and a p that is not corrected.
    Exploratory {
        /// The name of another arm of the same model and benchmark to compare with, if any.
        control: Option<String>,
    },
}

impl Role {
    /// The arm it is compared with.
    pub fn control(&self) -> Option<&str> {
        match self {
            Self::Confirmatory { control } => Some(control),
            Self::Control => None,
            Self::Exploratory { control } => control.as_deref(),
        }
    }
}

impl Default for Role {
    /// Exploratory, compared with nothing.
    fn default() -> Self {
        Self::Exploratory { control: None }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Confirmatory { .. } => "confirmatory",
            Self::Control => "control",
            Self::Exploratory { .. } => "exploratory",
        })
    }
}
