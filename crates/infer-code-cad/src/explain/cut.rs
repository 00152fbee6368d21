//! A completion beside the program that was cut out of it.

use serde::Serialize;
use similar::{Change, ChangeTag, TextDiff};

/// What extraction did with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// It is in the program as it was.
    Kept,
    /// It is not in the program, or not as it was.
    Removed,
    /// The program has it from the problem, or has it otherwise than the completion.
    Added,
}

/// A line of the completion or of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CutLine {
    /// What was done with it.
    pub cut: Cut,
    /// The line.
    pub text: String,
}

/// Both texts as one list of lines: what is kept and removed is the completion, what is kept and added the program.
pub(super) fn lines(completion: &str, program: &str) -> Vec<CutLine> {
    let old: Vec<&str> = completion.lines().map(str::trim_end).collect();
    let new: Vec<&str> = program.lines().map(str::trim_end).collect();
    let line = |change: Change<&str>| {
        let cut = match change.tag() {
            ChangeTag::Equal => Cut::Kept,
            ChangeTag::Delete => Cut::Removed,
            ChangeTag::Insert => Cut::Added,
        };
        CutLine { cut, text: change.value().to_owned() }
    };
    TextDiff::from_slices(&old, &new).iter_all_changes().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(completion: &str, program: &str) -> Vec<String> {
        let mark = |line: CutLine| match line.cut {
            Cut::Kept => format!(" {}", line.text),
            Cut::Removed => format!("-{}", line.text),
            Cut::Added => format!("+{}", line.text),
        };
        lines(completion, program).into_iter().map(mark).collect()
    }

    #[test]
    fn what_was_removed_and_added_is_marked() {
        let completion = "Sure!\n```python\ndef f(x):\n    return x\n\nprint(f(1))\n```";
        let program = "import math\n\ndef f(x):\n    return x\n";
        let expected = [
            "-Sure!",
            "-```python",
            "+import math",
            "+",
            " def f(x):",
            "     return x",
            "-",
            "-print(f(1))",
            "-```",
        ];
        assert_eq!(marked(completion, program), expected);
        assert_eq!(marked("a\nb\r\nc\n", "a\nb\nc"), [" a", " b", " c"]);
        assert_eq!(marked("", "x"), ["+x"]);
    }
}
