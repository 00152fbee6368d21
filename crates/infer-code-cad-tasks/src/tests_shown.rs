use crate::Task;
use crate::python::logical_lines;

impl Task {
    /// The same task with its asserts in the docstring and among [`Problem::visible_tests`](crate::Problem::visible_tests):
    /// MBPP as its authors put it to a model, whose prompt shows the three asserts of a task.
    ///
    /// No loader does this by itself. What is shown then also scores, so say so beside a result, or score on other tests:
    /// `Task::new(shown.problem, plus.hidden)` takes those of MBPP+. Only whole asserts that call the entry point are
    /// shown; tests that are a function `check` or inputs to compare stay hidden.
    ///
    /// Austin et al., [Program Synthesis with Large Language Models](https://arxiv.org/abs/2108.07732), section 3.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_tasks::{Hidden, Problem, Task};
    ///
    /// let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
    /// let hidden = Hidden { asserts: "assert f(2) == 4\n".to_owned(), ..Hidden::default() };
    /// let task = Task::new(problem, hidden).with_tests_shown();
    /// assert_eq!(task.problem.visible_tests, ["assert f(2) == 4"]);
    /// assert_eq!(
    ///     task.problem.prompt,
    ///     "def f(x):\n    \"\"\"Double x.\n    assert f(2) == 4\n    \"\"\"\n"
    /// );
    /// # Ok::<(), infer_code_cad_tasks::TaskError>(())
    /// ```
    #[must_use]
    pub fn with_tests_shown(mut self) -> Self {
        let asserts = logical_lines(&self.hidden.asserts);
        let called = format!("{}(", self.problem.entry_point);
        let is_shown = |text: &&str| {
            text.starts_with("assert ") && text.contains(&called) && !text.contains("\"\"\"")
        };
        let asserts = asserts.iter().filter(|line| line.indent == 0).map(|line| line.code().trim());
        let shown: Vec<String> = asserts.filter(is_shown).map(str::to_owned).collect();
        let problem = &mut self.problem;
        let end = problem.prompt.trim_end().strip_suffix("\"\"\"").map(str::len);
        if let (Some(end), false) = (end, shown.is_empty()) {
            let lines: String = shown.iter().map(|test| format!("\n    {test}")).collect();
            let written = problem.prompt[..end].trim_end().len();
            problem.prompt.replace_range(written.., &format!("{lines}\n    \"\"\"\n"));
            problem.docstring = format!("{}\n{}", problem.docstring, shown.join("\n"));
            problem.visible_tests.extend(shown);
        }
        self
    }
}
