//! What tests of selectors need: drafts, a problem, and a writer without a model.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::Range;

use infer_code_cad_checkpoint::Message;
use infer_code_cad_engine::FinishReason;
use infer_code_cad_sandbox::Judge;
use infer_code_cad_tasks::{Extraction, Problem};

use crate::{
    Bench, Draft, DraftRequest, KnownDraft, PromptError, Selection, Selector, Stream, Writer,
};

/// Tokens are bytes; nothing is known of them.
#[derive(Debug)]
pub(super) struct Bytes;

impl Writer for Bytes {
    fn chat(&self, messages: &[Message], answer: &str) -> Result<Stream, PromptError> {
        self.raw(&format!("<user>{}</user>{answer}", messages[0].content))
    }

    fn raw(&self, text: &str) -> Result<Stream, PromptError> {
        Ok(Stream { text: text.to_owned(), tokens: text.bytes().map(u32::from).collect() })
    }

    fn spans(&self, _: &Stream, _: &[Range<usize>]) -> Result<Vec<Range<usize>>, PromptError> {
        unreachable!("no selector here asks for spans")
    }

    fn score(&self, _: &Stream, _: usize) -> Result<f64, PromptError> {
        unreachable!("no selector here asks for a score")
    }
}

/// A problem about `f` with these visible tests.
pub(super) fn problem(visible_tests: &[&str]) -> Problem {
    let mut problem = Problem::from_prompt("p", "def f(x):\n    \"\"\"Do it.\"\"\"\n").unwrap();
    problem.visible_tests = visible_tests.iter().map(ToString::to_string).collect();
    problem
}

/// A draft whose text is its program, of one token.
pub(super) fn draft(program: &str, log_prob: f64) -> Draft {
    let known = KnownDraft::new(program, vec![1], FinishReason::Eos);
    let mut draft = Draft::new(&problem(&[]), Extraction::Plain, 0, 0, String::new(), known);
    draft.program = program.to_owned();
    draft.log_prob = Some(log_prob);
    draft
}

/// What a selector did with a sample.
pub(super) struct Outcome {
    pub(super) asked: Vec<DraftRequest>,
    pub(super) draft: usize,
    pub(super) why: String,
}

/// Shows a selector the drafts, one more each time; `later` are what it asks for.
pub(super) fn select(
    selector: &dyn Selector,
    problem: &Problem,
    drafts: &[Draft],
    later: &[Draft],
    judge: &dyn Judge,
) -> Outcome {
    assert_eq!(selector.first_drafts(), drafts.len());
    let mut selecting = selector.begin(problem, 0).unwrap();
    let (all, mut asked) = ([drafts, later].concat(), Vec::new());
    for shown in 1..=all.len() {
        match selecting.next(&all[..shown], &Bench::new(judge, &Bytes)).unwrap() {
            Selection::Wait => {}
            Selection::More(more) => asked.extend(more),
            Selection::Answer { draft, program, why } => {
                assert_eq!((shown, program), (all.len(), None), "{why}");
                return Outcome { asked, draft, why };
            }
        }
    }
    panic!("no answer to {} drafts", all.len())
}
