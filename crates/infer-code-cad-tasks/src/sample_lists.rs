use crate::jsonl::Rows;
use crate::sample_dir::solution_object;
use crate::{Answer, SampleLine, Task, TaskError};
use std::collections::VecDeque;
use std::vec;

/// The programs of a list of lists, as bigcode-evaluation-harness writes its `generations.json`: one list for each
/// task, in the order of the tasks.
#[derive(Debug)]
pub(crate) struct SampleLists {
    lists: vec::IntoIter<(String, Result<Vec<String>, TaskError>)>,
    /// What is left of the list that is read.
    ready: VecDeque<SampleLine>,
    read: usize,
}

impl SampleLists {
    /// The order is all that tells which list is whose, so there must be as many as tasks.
    pub(crate) fn new(rows: Rows, tasks: &[Task]) -> Result<Self, TaskError> {
        let file = rows.file().to_owned();
        let lists = rows.lists()?;
        if lists.len() != tasks.len() {
            return Err(TaskError::ListCount { file, lists: lists.len(), tasks: tasks.len() });
        }
        let ids = tasks.iter().map(|task| task.problem.task_id.clone());
        let lists: Vec<_> = ids.zip(lists).collect();
        Ok(Self { lists: lists.into_iter(), ready: VecDeque::new(), read: 0 })
    }
}

impl Iterator for SampleLists {
    type Item = Result<SampleLine, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            let (task_id, programs) = self.lists.next()?;
            let programs = match programs {
                Ok(programs) => programs,
                Err(error) => return Some(Err(error)),
            };
            for program in programs {
                self.read += 1;
                self.ready.push_back(SampleLine {
                    line: self.read,
                    task_id: task_id.clone(),
                    object: solution_object(&task_id, &program),
                    answer: Answer::Solution(program),
                });
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::{Hidden, Problem, SampleReader};

    fn tasks(count: usize) -> Vec<Task> {
        let problem = |number| {
            Problem::from_prompt(&format!("t/{number}"), "def f(x):\n    \"\"\"Give x.\"\"\"\n")
        };
        (0..count).map(|number| Task::new(problem(number).unwrap(), Hidden::default())).collect()
    }

    #[test]
    fn lists_are_those_of_the_tasks_in_their_order() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[[\"a = '\\ud83d'\", \"b\"],\n [], [\"c\"]]").unwrap();
        let lines = SampleReader::open_for(file.path(), &tasks(3)).unwrap();
        let lines: Vec<SampleLine> = lines.map(Result::unwrap).collect();
        let ids: Vec<_> = lines.iter().map(|line| (line.line, line.task_id.as_str())).collect();
        assert_eq!(ids, [(1, "t/0"), (2, "t/0"), (3, "t/2")]);
        assert_eq!(lines[0].answer, Answer::Solution("a = '\u{fffd}'".to_owned()));
        assert_eq!(lines[2].object, r#"{"task_id": "t/2", "solution": "c"}"#);
    }

    #[test]
    fn what_is_no_list_of_lists_for_these_tasks_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = |text: &str, count| {
            std::fs::write(file.path(), text).unwrap();
            SampleReader::open_for(file.path(), &tasks(count))
        };
        let error = open("[[\"a\"], [\"b\"]]", 3).unwrap_err().to_string();
        assert!(error.contains("2 lists of programs for 3 problems"), "{error}");
        let error = open("[[\"a\"], [\"b\"", 2).unwrap_err().to_string();
        assert!(error.contains("has no `]`"), "{error}");
        let mut lines =
            open("[[\"a\"],\n{\"task_id\": \"t/1\", \"solution\": \"b\"},\n[1]]", 3).unwrap();
        assert!(lines.next().unwrap().is_ok());
        let errors: Vec<String> = lines.map(|line| line.unwrap_err().to_string()).collect();
        assert!(
            errors[0].contains("line 2: expected a list of programs, found an object"),
            "{errors:?}"
        );
        assert!(errors[1].contains("line 3: expected a list of programs, found a list of others"));
        let error = SampleReader::open(file.path()).unwrap_err().to_string();
        assert!(error.contains("without task ids"), "{error}");
    }
}
