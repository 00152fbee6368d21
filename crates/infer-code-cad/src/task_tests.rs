use infer_code_cad_sandbox::Tests;
use infer_code_cad_tasks::Task;

/// What the programs for a task are judged by: its hidden half in the form of a judge.
///
/// # Examples
/// ```
/// use infer_code_cad::task_tests;
/// use infer_code_cad::tasks::{Hidden, Problem, Task};
///
/// let problem = Problem::from_prompt("mine", "def sum(xs):\n    \"\"\"Add them up.\"\"\"\n")?;
/// let hidden = Hidden { asserts: "assert sum([1, 2]) == 3\n".to_owned(), ..Hidden::default() };
/// let tests = task_tests(&Task::new(problem, hidden));
/// assert_eq!(tests.entry_point.as_deref(), Some("sum")); // the program's, not Python's
/// # Ok::<(), infer_code_cad::tasks::TaskError>(())
/// ```
pub fn task_tests(task: &Task) -> Tests {
    let hidden = &task.hidden;
    let tests = Tests::new(&hidden.asserts)
        .with_helpers(&hidden.helpers)
        .with_setup(&hidden.setup)
        .with_entry_point(&task.problem.entry_point);
    match task.canonical_program() {
        None => tests,
        Some(reference) => tests.with_reference(reference),
    }
}
