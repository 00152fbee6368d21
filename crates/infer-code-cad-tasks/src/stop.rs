use crate::{TaskError, choice};
use std::fmt;
use std::str::FromStr;

/// Named sets of stop strings: generation ends where one of them appears.
///
/// Match them on the decoded text, never on token ids. Apart from [`StopPreset::None`] they assume
/// that the completion is a function *body*: text that repeats the signature after an import, or
/// that starts with prose or a fence, is cut too early by them.
///
/// By name they are `none`, `bigcode`, `lm-eval`, `evalplus` and `paper-code`.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::StopPreset;
///
/// let preset: StopPreset = "lm-eval".parse()?;
/// assert_eq!((preset, preset.to_string().as_str()), (StopPreset::LmEval, "lm-eval"));
/// assert!(preset.strings().contains(&"\ndef"));
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
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
    /// The paper's public code, which stops CAD (only CAD) at these texts where they are *tokens* of their own.
    ///
    /// An empty line or the word `print` ends a correct body early: 34 of HumanEval's canonical solutions fail for
    /// that alone. As tokens, which the facade's preset of this name takes, it is 22: many empty lines share a
    /// token with what precedes them.
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

const NAMES: &[(&str, StopPreset)] = &[
    ("none", StopPreset::None),
    ("bigcode", StopPreset::BigCode),
    ("lm-eval", StopPreset::LmEval),
    ("evalplus", StopPreset::EvalPlus),
    ("paper-code", StopPreset::PaperCode),
];

impl FromStr for StopPreset {
    type Err = TaskError;

    fn from_str(name: &str) -> Result<Self, TaskError> {
        choice::parse("stop preset", NAMES, name)
    }
}

impl fmt::Display for StopPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(choice::name(NAMES, self))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
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

    #[test]
    fn presets_are_read_back_by_name_and_others_are_refused_with_the_choices() {
        use StopPreset::*;
        for preset in [None, BigCode, LmEval, EvalPlus, PaperCode] {
            assert_eq!(preset.to_string().parse::<StopPreset>().unwrap(), preset);
        }
        assert_eq!(format!("{LmEval:>8}|"), " lm-eval|");
        let message = "BigCode".parse::<StopPreset>().unwrap_err().to_string();
        let expected = "stop preset \"BigCode\" is unknown; \
             choose one of: none, bigcode, lm-eval, evalplus, paper-code";
        assert_eq!(message, expected);
    }
}
