use crate::python;

/// One function to write, with everything that prompts and judging need.
///
/// The parts obey: `preamble` is empty or ends with a newline, so `preamble + signature` is what a
/// prompt shows before the docstring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Identifier, unique in its set: `HumanEval/0`, `MBPP/11`, ...
    pub task_id: String,
    /// Signature and docstring as the model sees them: HumanEval's prompt verbatim; for MBPP
    /// `{signature}\n    """{text}"""\n`.
    pub prompt: String,
    /// Imports and helper functions that the prompt defines before the docstring of the entry
    /// point, ending with a newline; `""` when there are none.
    pub preamble: String,
    /// `def f(..):` of the entry point, without trailing whitespace or comment.
    pub signature: String,
    /// Text inside the docstring's quotes, common indentation removed, trimmed; escapes stay as written.
    pub docstring: String,
    /// Name of the function to write.
    pub entry_point: String,
    /// Code to run before the tests (MBPP's `test_setup_code`), else `""`.
    pub setup: String,
    /// Runnable tests: HumanEval's `test` followed by the call of `check`; MBPP's asserts, one per line.
    pub tests: String,
    /// Reference solution: a body for HumanEval and the embedded set, a whole module for MBPP.
    /// See [`Problem::canonical_program`].
    pub canonical_solution: Option<String>,
    /// Facts about problems of the embedded set; `None` for the public benchmarks.
    pub embedded: Option<Embedded>,
}

/// What is known about a problem of the embedded set beyond HumanEval's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// Family of generated problems that it belongs to.
    pub family: String,
    /// Difficulty, from 1.
    pub level: u32,
    /// Invented word that only a passage explains.
    pub term: Option<String>,
    /// Passage that explains `term`.
    pub passage_id: Option<String>,
}

impl Problem {
    /// The invented word that only a passage explains, in problems of the embedded set that have one.
    pub fn term(&self) -> Option<&str> {
        self.embedded.as_ref()?.term.as_deref()
    }

    /// The reference solution as a whole module, or `None` when the set has no reference.
    ///
    /// A reference that defines the entry point at the top level is a module already (MBPP);
    /// any other is a body and continues the prompt (HumanEval, the embedded set).
    pub fn canonical_program(&self) -> Option<String> {
        let solution = self.canonical_solution.as_ref()?;
        if python::defines(solution, &self.entry_point) {
            return Some(solution.clone());
        }
        Some(format!("{}{solution}", self.prompt))
    }
}
