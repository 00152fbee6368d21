use std::fmt;
use std::str::FromStr;

/// What stream 1 of context-aware decoding says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Question {
    /// `signature`: the signature alone (equation 2 and appendix A.2 of the paper).
    #[default]
    Signature,
    /// `headless`: the context without its first token, as in the paper's public code. The text of that stream is
    /// the context's, and its tokens lack the first.
    Headless,
    /// `raw`: the signature alone, outside of the chat.
    Raw,
    /// `instruction`: the instruction and the signature, so that the docstring alone is contrasted.
    Instruction,
    /// `masked`: the context with one word in place of the docstring, as in selective prompt anchoring (SPA,
    /// arXiv 2408.09121), whose literal mask this is.
    Masked,
    /// `masked-sentences`: the context with [one mask](crate::Writer::mask) in place of the docstring's sentences; its
    /// examples stay, as in SPA's own experiments. It lacks what was retrieved.
    MaskedSentences,
    /// `masked-tokens`: the context itself, each token that shares a character with the docstring's sentences replaced by
    /// one of [the mask](crate::Writer::mask): as long, and all else at its place. The text of that stream is the context's.
    MaskedTokens,
    /// `no-examples`: the context without the docstring's examples.
    NoExamples,
}

impl Question {
    const ALL: [Self; 8] = [
        Self::Signature,
        Self::Headless,
        Self::Raw,
        Self::Instruction,
        Self::Masked,
        Self::MaskedSentences,
        Self::MaskedTokens,
        Self::NoExamples,
    ];
}

/// How stream 0 of context-aware decoding is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Wording {
    /// `table4`: as the paper's Table 4 has it.
    #[default]
    Table4,
    /// `public-code`: as the paper's public code has it.
    PublicCode,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Signature => "signature",
            Self::Headless => "headless",
            Self::Raw => "raw",
            Self::Instruction => "instruction",
            Self::Masked => "masked",
            Self::MaskedSentences => "masked-sentences",
            Self::MaskedTokens => "masked-tokens",
            Self::NoExamples => "no-examples",
        })
    }
}

impl FromStr for Question {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.to_string() == name).ok_or(())
    }
}

impl fmt::Display for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Table4 => "table4",
            Self::PublicCode => "public-code",
        })
    }
}

impl FromStr for Wording {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Table4, Self::PublicCode].into_iter().find(|one| one.to_string() == name).ok_or(())
    }
}
