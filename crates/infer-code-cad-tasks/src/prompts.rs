//! The prompts of the paper's Table 4, byte for byte; each function returns the text of one stream.
//!
//! Where the table writes `{function_signature}`, a problem with a preamble (imports, helper
//! functions) shows `preamble + signature`: otherwise HumanEval 10, 32, 38, 50 and 64 would ask for
//! code that calls functions the model has never seen. Problems of MBPP and the embedded set have none.
//!
//! The paper runs these without a chat template. Self-consistency uses [`vanilla`].
//!
//! # Examples
//! ```
//! use infer_code_cad_tasks::{Problem, prompts};
//!
//! let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
//! let layouts = [prompts::vanilla, prompts::cad_context, prompts::chain_of_thought];
//! assert!(layouts.iter().all(|layout| layout(&problem).contains("Double x.")));
//! assert_eq!(prompts::question(&problem), "def f(x):");
//! for layout in [prompts::retrieved, prompts::retrieved_cad_context] {
//!     assert!(layout(&problem, "To double is to add a thing to itself.").contains("To double is"));
//! }
//! # Ok::<(), infer_code_cad_tasks::TaskError>(())
//! ```

use crate::Problem;

const INSTRUCTION: &str = "Your task is to complete a Python programming problem, given its \
    function signature and docstring. Return only code for the completed function, with no \
    additional explanation, print statements, or unit tests.";

const CHAIN_OF_THOUGHT: &str = "Your task is to accurately complete a Python programming problem, \
    given a function description. Before completing the function, think step by step about the \
    solution. First, outline the approach based on the function signature and docstring. Break \
    down the problem, identify edge cases, and describe the logic needed. Then, implement the \
    function accordingly. Return only code for the completed function, with no additional \
    explanation, print statements, or unit tests.";

/// Instruction, then the prompt (row "Vanilla, SC").
pub fn vanilla(problem: &Problem) -> String {
    format!("{INSTRUCTION} \n\n {}", problem.prompt)
}

/// Instruction, docstring, signature: the context stream of context-aware decoding (row "CAD").
pub fn cad_context(problem: &Problem) -> String {
    format!("{INSTRUCTION} \n\n {}", docstring_first(problem))
}

/// Preamble and signature alone: the question stream of context-aware decoding.
pub fn question(problem: &Problem) -> String {
    format!("{}{}", problem.preamble, problem.signature)
}

/// Instruction and signature: [`cad_context`] without the docstring.
pub fn instructed_question(problem: &Problem) -> String {
    format!("{INSTRUCTION} \n\n {}", question(problem))
}

/// What stands for masked words where a tokenizer has no token for them, as in the code of selective prompt anchoring
/// (arXiv 2408.09121).
pub const MASK: &str = "MASKTOKEN";

/// [`cad_context`] with one [`MASK`] in place of the docstring: neighbouring masks are one.
pub fn masked_context(problem: &Problem) -> String {
    format!("{INSTRUCTION} \n\n {}", context(problem, MASK))
}

/// The docstring with one `mask` in place of its sentences; its [examples](context_without_examples) stay.
///
/// These are the anchors, and neighbouring masks one, of Tian and Zhang,
/// [Selective Prompt Anchoring](https://arxiv.org/abs/2408.09121), by the authors' code. A docstring that begins with an
/// example has no anchor and stays as it is.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Problem, prompts};
///
/// let prompt = "def f(x):\n    \"\"\"Double x.\n    Or more.\n\n    >>> f(2)\n    4\n    \"\"\"\n";
/// let problem = Problem::from_prompt("mine", prompt)?;
/// assert_eq!(prompts::masked_sentences(&problem, prompts::MASK), "MASKTOKEN\n\n>>> f(2)\n4");
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
pub fn masked_sentences(problem: &Problem, mask: &str) -> String {
    let (sentences, examples) = at_first_example(problem);
    match sentences.trim() {
        "" => problem.docstring.clone(),
        anchor => sentences.replacen(anchor, mask, 1) + examples,
    }
}

/// [`cad_context`] without the examples: the docstring ends before the first line that calls the entry point, begins
/// with `>>>`, or announces examples.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Problem, prompts};
///
/// let prompt = "def f(x):\n    \"\"\"Double x.\n    For example:\n    f(2) == 4\n    \"\"\"\n";
/// let problem = Problem::from_prompt("mine", prompt)?;
/// assert!(prompts::context_without_examples(&problem).ends_with("Context Double x. \n def f(x):"));
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
pub fn context_without_examples(problem: &Problem) -> String {
    format!("{INSTRUCTION} \n\n {}", context(problem, &docstring_without_examples(problem)))
}

/// A stub of the function without its examples and the beginning of an assert about it: what CodeT has tests written
/// for, raw and not as a chat.
///
/// The model goes on behind `assert`, with a blank of its own, as tokenizers join it to the next word.
/// Chen et al., [CodeT](https://arxiv.org/abs/2207.10397), section 2.2.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Problem, prompts};
///
/// let prompt = "def f(x):\n    \"\"\"Double x.\n    >>> f(2)\n    4\n    \"\"\"\n";
/// let problem = Problem::from_prompt("mine", prompt)?;
/// assert_eq!(
///     prompts::test_writing(&problem),
///     "def f(x):\n    \"\"\"Double x.\"\"\"\n    pass\n\n# check the correctness of f\nassert",
/// );
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
pub fn test_writing(problem: &Problem) -> String {
    let docstring = docstring_without_examples(problem).replace('\n', "\n    ");
    let (stub, name) = (question(problem), &problem.entry_point);
    format!(
        "{stub}\n    \"\"\"{docstring}\"\"\"\n    pass\n\n# check the correctness of {name}\nassert"
    )
}

/// The docstring up to its first example.
fn docstring_without_examples(problem: &Problem) -> String {
    let kept: Vec<&str> = at_first_example(problem).0.lines().collect();
    kept.join("\n").trim_end().to_owned()
}

/// The docstring cut before the line of its first example.
fn at_first_example(problem: &Problem) -> (&str, &str) {
    let call = format!("{}(", problem.entry_point);
    let is_sentence = |line: &&str| {
        let line = line.trim().to_lowercase();
        let begins_example =
            [">>>", "example", "for example"].iter().any(|start| line.starts_with(start));
        !begins_example && !line.contains(&call.to_lowercase())
    };
    let lines = problem.docstring.split_inclusive('\n').take_while(is_sentence);
    problem.docstring.split_at(lines.map(str::len).sum())
}

/// Instruction, retrieved passage, then the prompt (row "RAG").
pub fn retrieved(problem: &Problem, passage: &str) -> String {
    format!("{} \n\n {}", with_passage(passage), problem.prompt)
}

/// Instruction, retrieved passage, docstring, signature: CAD+RAG, where the passage enters the
/// context stream only.
///
/// The table has no row for it: this joins its rows "RAG" and "CAD".
pub fn retrieved_cad_context(problem: &Problem, passage: &str) -> String {
    format!("{} \n\n {}", with_passage(passage), docstring_first(problem))
}

/// Instruction to outline first, then the prompt and an empty line (row "CoT").
pub fn chain_of_thought(problem: &Problem) -> String {
    format!("{CHAIN_OF_THOUGHT}\n{}\n\n", problem.prompt)
}

/// The text of [`cad_context`] or [`retrieved_cad_context`] as the paper's public code words it: a colon behind
/// "Context", and one line break before the signature.
pub fn worded_as_in_public_code(problem: &Problem, context: &str) -> String {
    let signature = question(problem);
    let code = format!("Context: {}\n{signature}", problem.docstring);
    let before = context.strip_suffix(&docstring_first(problem));
    before.map_or_else(|| context.to_owned(), |before| format!("{before}{code}"))
}

fn with_passage(passage: &str) -> String {
    format!("{INSTRUCTION} Here is some context that may be helpful: {passage}")
}

fn docstring_first(problem: &Problem) -> String {
    context(problem, &problem.docstring)
}

fn context(problem: &Problem, docstring: &str) -> String {
    format!("Context {docstring} \n {}", question(problem))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::humaneval::tests::row;

    // Typed from the paper's Table 4 in one piece, so that the line joins above are checked.
    const TABLE: &str = "Your task is to complete a Python programming problem, given its function signature and docstring. Return only code for the completed function, with no additional explanation, print statements, or unit tests.";
    const COT: &str = "Your task is to accurately complete a Python programming problem, given a function description. Before completing the function, think step by step about the solution. First, outline the approach based on the function signature and docstring. Break down the problem, identify edge cases, and describe the logic needed. Then, implement the function accordingly. Return only code for the completed function, with no additional explanation, print statements, or unit tests.\n";

    #[test]
    fn layouts_equal_table_4() {
        let p = &crate::parse_tiny(&row()).unwrap()[0].problem;
        let prompt = "def f(x):\n    \"\"\"Double x.\"\"\"\n";
        assert_eq!(vanilla(p), format!("{TABLE} \n\n {prompt}"));
        assert_eq!(cad_context(p), format!("{TABLE} \n\n Context Double x. \n def f(x):"));
        assert_eq!(question(p), "def f(x):");
        let lead = format!("{TABLE} Here is some context that may be helpful: T\nt");
        assert_eq!(retrieved(p, "T\nt"), format!("{lead} \n\n {prompt}"));
        assert_eq!(
            retrieved_cad_context(p, "T\nt"),
            format!("{lead} \n\n Context Double x. \n def f(x):")
        );
        assert_eq!(chain_of_thought(p), format!("{COT}{prompt}\n\n"));
    }

    #[test]
    fn helpers_are_visible_in_every_layout() {
        let mut p = crate::parse_tiny(&row()).unwrap().remove(0).problem;
        p.preamble = "import math\n\n\n".to_owned();
        assert_eq!(question(&p), "import math\n\n\ndef f(x):");
        assert!(cad_context(&p).ends_with(" \n import math\n\n\ndef f(x):"));
    }
}
