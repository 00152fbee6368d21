use std::fmt;
use std::str::FromStr;

use super::PresetError;

/// Something that the paper's public code does and its text does not say, or that makes a comparison unfair.
///
/// Each can be turned on alone, to measure what it is worth. What follows from none of them: the code keeps no
/// keys and values for context-aware decoding, counts the tokens of prompts as generated for all but that, and
/// takes leftover allocations for memory; it changes no answer, and is not reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Defect {
    /// `raw-prompt`: prompts are raw text, also for a model that was trained to chat.
    RawPrompt,
    /// `as-is`: nothing is cut off; the completion runs behind its prompt, whatever stands in it.
    AsIs,
    /// `leading-space`: see [`TextDefects::leading_space`](infer_code_cad_tasks::TextDefects::leading_space).
    /// Context-aware decoding is spared.
    LeadingSpace,
    /// `clean-up`: see [`TextDefects::clean_up`](infer_code_cad_tasks::TextDefects::clean_up).
    CleanUp,
    /// `cad-stop`: context-aware decoding, and nothing else, ends at the tokens `"\n\n"` and `"print"`.
    CadStop,
    /// `cad-sampler`: context-aware decoding draws at temperature 0.8 without top-p, the others at temperature 1
    /// with top-p 0.9.
    CadSampler,
    /// `cad-length`: context-aware decoding may write 512 tokens, the others as many as fill 512 with their
    /// prompt; with a passage 2,048.
    CadLength,
    /// `headless-question`: the question stream of context-aware decoding is the context without its first
    /// token, so that no context is contrasted but a BOS.
    HeadlessQuestion,
    /// `code-wording`: the context of context-aware decoding reads `Context: {docstring}\n{signature}` where
    /// Table 4 has `Context {docstring} \n {signature}`.
    CodeWording,
    /// `first-quotes`: for context-aware decoding the prompt is split at its first quotes; see
    /// [`Problem::split_at_first_quotes`](infer_code_cad_tasks::Problem::split_at_first_quotes).
    FirstQuotes,
    /// `first-def`: a whole module as reference solution (MBPP) gives the signature by its first `def`; see
    /// [`Task::with_first_def`](infer_code_cad_tasks::Task::with_first_def).
    FirstDef,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::RawPrompt,
        Self::AsIs,
        Self::LeadingSpace,
        Self::CleanUp,
        Self::CadStop,
        Self::CadSampler,
        Self::CadLength,
        Self::HeadlessQuestion,
        Self::CodeWording,
        Self::FirstQuotes,
        Self::FirstDef,
    ];
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::RawPrompt => "raw-prompt",
            Self::AsIs => "as-is",
            Self::LeadingSpace => "leading-space",
            Self::CleanUp => "clean-up",
            Self::CadStop => "cad-stop",
            Self::CadSampler => "cad-sampler",
            Self::CadLength => "cad-length",
            Self::HeadlessQuestion => "headless-question",
            Self::CodeWording => "code-wording",
            Self::FirstQuotes => "first-quotes",
            Self::FirstDef => "first-def",
        })
    }
}

impl FromStr for Defect {
    type Err = PresetError;

    fn from_str(name: &str) -> Result<Self, PresetError> {
        let known = Self::ALL.into_iter().find(|defect| defect.to_string() == name);
        known.ok_or_else(|| PresetError::UnknownDefect {
            name: name.to_owned(),
            choices: Self::ALL.map(|defect| defect.to_string()).join(", "),
        })
    }
}
