//! A completion beside the program that was cut out of it.

use serde::Serialize;

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
    let same = |(a, b): &(&&str, &&str)| a == b;
    let start = old.iter().zip(&new).take_while(same).count();
    let rest = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = rest.take_while(same).count();
    let mut lines: Vec<CutLine> = old[..start].iter().map(|text| line(Cut::Kept, text)).collect();
    middle(&old[start..old.len() - end], &new[start..new.len() - end], &mut lines);
    lines.extend(old[old.len() - end..].iter().map(|text| line(Cut::Kept, text)));
    lines
}

/// The longest common subsequence, by the lengths that those of the ends of both texts have.
fn middle(old: &[&str], new: &[&str], lines: &mut Vec<CutLine>) {
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width]; // (old, new)
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let (below, right) = (longest[(i + 1) * width + j], longest[i * width + j + 1]);
            let diagonal = longest[(i + 1) * width + j + 1] + 1;
            longest[i * width + j] = if a == b { diagonal } else { below.max(right) };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(line(Cut::Kept, old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            lines.push(line(Cut::Removed, old[i]));
            i += 1;
        } else {
            lines.push(line(Cut::Added, new[j]));
            j += 1;
        }
    }
}

fn line(cut: Cut, text: &str) -> CutLine {
    CutLine { cut, text: text.to_owned() }
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
