use crate::{Problem, python};

/// A problem and what judges its answers.
///
/// The two halves are apart so that whatever writes or selects an answer is given the
/// [`Problem`] alone.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Hidden, Problem, Task};
///
/// let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
/// let asserts = "assert f(2) == 4\n".to_owned();
/// let hidden = Hidden { asserts, reference: Some("    return 2 * x\n".to_owned()), ..Hidden::default() };
/// let task = Task::new(problem, hidden);
/// let program = task.canonical_program();
/// assert_eq!(program.as_deref(), Some("def f(x):\n    \"\"\"Double x.\"\"\"\n    return 2 * x\n"));
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// What a model and a selection may see.
    pub problem: Problem,
    /// What only a judge may see.
    pub hidden: Hidden,
}

/// The half of a task that no prompt, no selection and no extraction may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hidden {
    /// Trusted code for the tests to use, out of the program's reach; often `""`. HumanEval: what the
    /// prompt defines before the entry point, such as `poly` or `encode_cyclic`. MBPP: `test_imports`.
    pub helpers: String,
    /// Code to run behind the program and before the tests (MBPP's `test_setup_code` and
    /// `test_imports`), else `""`.
    pub setup: String,
    /// Runnable tests: HumanEval's `test` followed by the call of `check`; MBPP's asserts, one per line.
    pub asserts: String,
    /// Reference solution: a body for HumanEval and the embedded set, a whole module for MBPP.
    /// See [`Task::canonical_program`].
    pub reference: Option<String>,
}

impl Task {
    /// A task of its two halves.
    pub fn new(problem: Problem, hidden: Hidden) -> Self {
        Self { problem, hidden }
    }

    /// The reference solution as a whole module, or `None` when the set has no reference.
    ///
    /// A reference that defines the entry point at the top level is a module already (MBPP);
    /// any other is a body and continues the prompt (HumanEval, the embedded set).
    pub fn canonical_program(&self) -> Option<String> {
        let solution = self.hidden.reference.as_ref()?;
        if python::defines(solution, &self.problem.entry_point) {
            return Some(solution.clone());
        }
        Some(format!("{}{solution}", self.problem.prompt))
    }
}
