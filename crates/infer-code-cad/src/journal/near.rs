use std::path::Path;

use super::JournalError;

/// Names that a message offers.
const OFFERED: usize = 3;

/// The error of a task that a run does not have.
pub(super) fn unknown(path: &Path, task_id: &str, tasks: &[String]) -> JournalError {
    let near = near(task_id, tasks);
    JournalError::UnknownTask { path: path.to_owned(), task_id: task_id.to_owned(), near }
}

/// The names most like one, in their order where they are equally so.
fn near(name: &str, names: &[String]) -> Vec<String> {
    let mut near: Vec<&String> = names.iter().collect();
    near.sort_by_cached_key(|other| distance(&name.to_lowercase(), &other.to_lowercase()));
    near.into_iter().take(OFFERED).cloned().collect()
}

/// Characters to put in, leave out or change.
///
/// Levenshtein, Binary codes capable of correcting deletions, insertions, and reversals (1966).
fn distance(one: &str, two: &str) -> usize {
    let mut row: Vec<usize> = (0..=two.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut above_left = row[0];
        row[0] = i + 1;
        for (j, b) in two.chars().enumerate() {
            let changed = above_left + usize::from(a != b);
            above_left = row[j + 1];
            row[j + 1] = changed.min(above_left + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_come_first() {
        let tasks: Vec<String> = (0..20).map(|number| format!("HumanEval/{number}")).collect();
        assert_eq!(near("humaneval/13", &tasks)[0], "HumanEval/13");
        assert_eq!(near("7", &tasks)[0], "HumanEval/7");
        assert_eq!(near("HumanEval/2O", &tasks), ["HumanEval/2", "HumanEval/0", "HumanEval/1"]);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
