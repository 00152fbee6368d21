use std::error::Error;
use std::ops::Range;

use infer_code_cad_sandbox::JudgeError;

use crate::PromptError;

/// Why a sample has no answer. It ends nothing but that sample.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// The judge failed, or cannot observe.
    #[error("the selection's judge failed: {0}")]
    Judge(#[from] JudgeError),
    /// A prompt of the selection's own could not be written.
    #[error("the selection's prompt could not be written: {0}")]
    Prompt(#[from] PromptError),
    /// A parameter is out of its range.
    #[error("{name} of {part} is {value}, expected {expected}")]
    Parameter {
        /// What it is a parameter of.
        part: &'static str,
        /// Which one.
        name: &'static str,
        /// What was given.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A similarity gave no square of numbers.
    #[error("the similarity of {texts} texts has {values} values; it must have {texts} x {texts}")]
    MatrixShape {
        /// Texts compared.
        texts: usize,
        /// Values given.
        values: usize,
    },
    /// A similarity is no number.
    #[error("the similarity of drafts {first} and {second} is {value}; it must be finite")]
    NotFinite {
        /// A draft.
        first: usize,
        /// The other.
        second: usize,
        /// What was given.
        value: f32,
    },
    /// Drafts were asked for that the sample does not own.
    #[error(
        "drafts {} to {} were asked for and a sample owns {most}; raise Selector::most_drafts",
        asked.start, asked.end
    )]
    DraftRange {
        /// The drafts.
        asked: Range<usize>,
        /// What [`Selector::most_drafts`](crate::Selector::most_drafts) says.
        most: usize,
    },
    /// One draft was asked for twice, which would be the same draft.
    #[error("draft {draft} of role {role} was asked for twice; take the next one or another role")]
    Repeated {
        /// Whose prompt.
        role: u32,
        /// Which draft, counted in the sample.
        draft: usize,
    },
    /// The selection waits and nothing is being written.
    #[error("the selection waits with all {drafts} drafts at hand; answer, or ask for more")]
    WaitsForever {
        /// Drafts shown.
        drafts: usize,
    },
    /// The answer is no draft.
    #[error("draft {draft} was chosen of {drafts}; count from 0 in the drafts shown")]
    NoSuchDraft {
        /// The answer.
        draft: usize,
        /// Drafts shown.
        drafts: usize,
    },
    /// What went wrong in a selector or similarity of one's own.
    #[error(transparent)]
    Other(#[from] Box<dyn Error + Send + Sync>),
}
