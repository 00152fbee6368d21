use crate::EngineError;

/// What an engine may take. None of it changes a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineConfig {
    /// The most streams that generate in one pass: at least arity times branches of any decoder.
    pub max_rows: usize,
    /// The tokens of one pass, at least 1. Rows that generate come first, whatever their number, and pieces of
    /// prompts fill the rest; an eighth is theirs at any rate, on top if need be. Fewer make shorter gaps between the tokens of a running
    /// sequence while a long prompt arrives, and more passes.
    pub tokens_per_pass: usize,
    /// Memory for the streams that generate, in bytes; `None` trusts `max_rows`.
    pub cache_bytes: Option<u64>,
    /// Memory for beginnings of prompts that later ones may share, in bytes; 0 keeps none.
    pub prefix_bytes: u64,
}

impl Default for EngineConfig {
    /// 64 rows, 512 tokens per pass, memory as rows need it and 256 MiB for beginnings.
    fn default() -> Self {
        Self { max_rows: 64, tokens_per_pass: 512, cache_bytes: None, prefix_bytes: 256 << 20 }
    }
}

impl EngineConfig {
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.tokens_per_pass == 0 {
            return Err(EngineError::EmptyPass);
        }
        if self.max_rows == 0 {
            return Err(EngineError::NoRows);
        }
        Ok(())
    }
}
