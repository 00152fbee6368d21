/// One function to write: all that a model and a selection may see of it.
///
/// It has no tests, no setup and no solution: those are the [`Hidden`](crate::Hidden) half of a
/// [`Task`](crate::Task), so a prompt, a selection or an extraction cannot reach them by mistake.
///
/// The parts obey: `preamble` is empty or ends with a newline, so `preamble + signature` is what a
/// prompt shows before the docstring. [`Problem::from_prompt`] makes one of your own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
    /// The examples of the docstring as Python, one `assert f(1) == 2` each.
    ///
    /// An example is a line `>>> f(1)` with its result on the lines up to the next `>>>` or empty
    /// line, or one that is stated: `f(1) == 2` (also with `=`, `=>`, `->`, `➞`, `returns`, `should
    /// return`), `For x = 1 the output should be 2`, or `Input: x = 1` and `Output: 2`. It counts where both
    /// sides are single expressions without comparison, comprehension or `lambda`, and the first calls the
    /// entry point and else only built-in functions and names of the preamble. Other examples are left out,
    /// so this may be empty: 155 of HumanEval's 164 problems have one. MBPP's have none, unless
    /// [`Task::with_tests_shown`](crate::Task::with_tests_shown) says so.
    pub visible_tests: Vec<String>,
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
}
