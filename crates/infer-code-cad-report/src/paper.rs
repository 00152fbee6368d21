use crate::PaperFigures;

/// A row of the paper's tables.
///
/// He et al., *Inference-Time Techniques for Efficient Code Generation*, Tables 1 and 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaperRow {
    /// The technique, by our names.
    pub technique: &'static str,
    /// The model, by our names.
    pub model: &'static str,
    /// pass@1, pass@5 and pass@10.
    pub pass_at: [f64; 3],
    /// Tokens per second.
    pub tokens_per_second: f64,
    /// Memory left over after a generation, in megabytes.
    pub memory_overhead_mb: f64,
}

/// Table 1: HumanEval, 164 problems.
pub const TABLE_1: [PaperRow; 8] = [
    row("vanilla", LLAMA, [0.13, 0.26, 0.30], 110.0, 0.01),
    row("cad", LLAMA, [0.17, 0.31, 0.39], 58.0, 0.01),
    row("rag", LLAMA, [0.14, 0.29, 0.30], 110.0, 0.02),
    row("rag+cad", LLAMA, [0.17, 0.32, 0.39], 56.0, 0.02),
    row("sc", LLAMA, [0.12, 0.28, 0.34], 22.0, 0.01),
    row("cot", LLAMA, [0.12, 0.29, 0.37], 110.0, 0.01),
    row("vanilla", GEMMA, [0.20, 0.34, 0.41], 22.0, 0.04),
    row("vanilla", STARCODER, [0.16, 0.26, 0.29], 100.0, 0.01),
];

/// Table 2: MBPP, 90 problems.
pub const TABLE_2: [PaperRow; 8] = [
    row("vanilla", LLAMA, [0.20, 0.35, 0.40], 70.0, 0.08),
    row("cad", LLAMA, [0.23, 0.46, 0.50], 39.0, 0.08),
    row("rag", LLAMA, [0.17, 0.38, 0.42], 71.0, 0.09),
    row("rag+cad", LLAMA, [0.24, 0.47, 0.48], 38.0, 0.09),
    row("sc", LLAMA, [0.19, 0.38, 0.40], 14.0, 0.08),
    row("cot", LLAMA, [0.21, 0.38, 0.41], 72.0, 0.08),
    row("vanilla", GEMMA, [0.19, 0.48, 0.50], 37.0, 0.14),
    row("vanilla", STARCODER, [0.19, 0.36, 0.43], 69.0, 0.08),
];

const LLAMA: &str = "llama-3.2-1b";
const GEMMA: &str = "gemma-2-2b";
const STARCODER: &str = "starcoder-1b";

const fn row(
    technique: &'static str,
    model: &'static str,
    pass_at: [f64; 3],
    tokens_per_second: f64,
    memory_overhead_mb: f64,
) -> PaperRow {
    PaperRow { technique, model, pass_at, tokens_per_second, memory_overhead_mb }
}

impl PaperRow {
    /// The row as the figures of an arm.
    ///
    /// # Examples
    /// ```
    /// let cad = infer_code_cad_report::TABLE_1[1].figures();
    /// assert_eq!(cad.pass_at(10), Some(0.39));
    /// ```
    pub fn figures(&self) -> PaperFigures {
        PaperFigures {
            pass_at: [1, 5, 10].into_iter().zip(self.pass_at).collect(),
            tokens_per_second: Some(self.tokens_per_second),
            memory_overhead_mb: Some(self.memory_overhead_mb),
        }
    }
}
