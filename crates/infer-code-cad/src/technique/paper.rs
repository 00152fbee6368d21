use std::fmt;
use std::str::FromStr;

use super::choice::Choice;
use crate::{Recipe, Supplies, Technique, TechniqueError};

/// The techniques that the paper compares (Table 3), with its parameters (appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PaperTechnique {
    /// The prompt as it is.
    Vanilla,
    /// Context-aware decoding, equation 2.
    Cad,
    /// Retrieval-augmented generation.
    Rag,
    /// Both stacked.
    CadRag,
    /// Self-consistency: five drafts, the most consistent one counts.
    SelfConsistency,
    /// Chain of thought.
    ChainOfThought,
}

impl PaperTechnique {
    /// In the order of the paper's tables.
    pub const ALL: [Self; 6] = [
        Self::Vanilla,
        Self::Cad,
        Self::Rag,
        Self::CadRag,
        Self::SelfConsistency,
        Self::ChainOfThought,
    ];

    /// The same as parts, to be changed.
    pub fn recipe(self) -> Recipe {
        let plain = Recipe::default();
        let contrast = Some(Recipe::contrast());
        let choice = Choice::Medoid { drafts: Choice::MEDOID };
        let passages = Some(Recipe::PASSAGES);
        match self {
            Self::Vanilla => plain,
            Self::Cad => Recipe { contrast, ..plain },
            Self::Rag => Recipe { passages, ..plain },
            Self::CadRag => Recipe { contrast, passages, ..plain },
            Self::SelfConsistency => Recipe { choice, ..plain },
            Self::ChainOfThought => Recipe { thinks_first: true, ..plain },
        }
    }

    /// Assembles the technique.
    ///
    /// # Errors
    /// [`TechniqueError::NoRetriever`] when the supplies lack what it needs.
    pub fn build(self, supplies: &Supplies) -> Result<Technique, TechniqueError> {
        self.recipe().build(supplies)
    }

    /// What it does, in one line.
    pub fn description(self) -> &'static str {
        match self {
            Self::Vanilla => "samples from the plain prompt",
            Self::Cad => "contrasts the prompt with the bare signature at every token",
            Self::Rag => "puts the best passage for the docstring before the problem",
            Self::CadRag => "retrieves, then contrasts the full prompt with the bare signature",
            Self::SelfConsistency => "writes several drafts and keeps the one most like the others",
            Self::ChainOfThought => "asks for an outline before the code",
        }
    }
}

impl fmt::Display for PaperTechnique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vanilla => "vanilla",
            Self::Cad => "cad",
            Self::Rag => "rag",
            Self::CadRag => "cad+rag",
            Self::SelfConsistency => "sc",
            Self::ChainOfThought => "cot",
        })
    }
}

impl FromStr for PaperTechnique {
    type Err = TechniqueError;

    fn from_str(name: &str) -> Result<Self, TechniqueError> {
        let known = Self::ALL.into_iter().find(|technique| technique.to_string() == name);
        known.ok_or_else(|| TechniqueError::UnknownPart {
            name: name.to_owned(),
            choices: Self::ALL.map(|technique| technique.to_string()).join(", "),
        })
    }
}
