use std::str::FromStr;

use crate::TaskError;

/// Named sets of stop strings: generation ends where one of them appears.
///
/// Match them on the decoded text, never on token ids. Apart from [`StopPreset::None`] they assume
/// that the completion is a function *body*: text that repeats the signature after an import, or
/// that starts with prose or a fence, is cut too early by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StopPreset {
    /// No stop string: generate up to the token limit and let `extract_program` cut.
    #[default]
    None,
    /// bigcode-evaluation-harness, HumanEval.
    BigCode,
    /// lm-evaluation-harness, HumanEval.
    LmEval,
    /// EvalPlus: its general list and the one for direct completion of HumanEval prompts.
    EvalPlus,
    /// The paper's public code, which stops CAD (only CAD) at these *tokens*.
    ///
    /// Kept to reproduce its numbers: an empty line or the word `print` ends a correct body early
    /// (22 of HumanEval's canonical solutions fail for that alone).
    PaperCode,
}

impl StopPreset {
    /// The strings, in the order of their source.
    pub fn strings(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::BigCode => &["\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif", "\n```"],
            Self::LmEval => &["\nclass", "\ndef", "\n#", "\nif", "\nprint"],
            Self::EvalPlus => &[
                "<|endoftext|>",
                "<|endofmask|>",
                "</s>",
                "\nif __name__",
                "\ndef main(",
                "\nprint(",
                "\ndef ",
                "\nclass ",
                "\nimport ",
                "\nfrom ",
                "\nassert ",
            ],
            Self::PaperCode => &["\n\n", "print"],
        }
    }
}

impl FromStr for StopPreset {
    type Err = TaskError;

    fn from_str(name: &str) -> Result<Self, TaskError> {
        match name {
            "none" => Ok(Self::None),
            "bigcode" => Ok(Self::BigCode),
            "lm-eval" => Ok(Self::LmEval),
            "evalplus" => Ok(Self::EvalPlus),
            "paper-code" => Ok(Self::PaperCode),
            _ => Err(TaskError::UnknownPreset { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_string_is_never_empty_and_none_has_none() {
        use StopPreset::*;
        assert!(StopPreset::default().strings().is_empty());
        for preset in [BigCode, LmEval, EvalPlus, PaperCode] {
            assert!(preset.strings().len() >= 2, "{preset:?}");
            assert!(preset.strings().iter().all(|s| !s.is_empty()), "{preset:?}");
        }
    }
}
