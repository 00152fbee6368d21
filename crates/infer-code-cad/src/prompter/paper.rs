use std::fmt;
use std::sync::Arc;

use infer_code_cad_checkpoint::Message;
use infer_code_cad_decode::Settings;
use infer_code_cad_retrieval::{Hit, Query, RetrievalError, Retriever};
use infer_code_cad_tasks::{Problem, prompts};

use crate::{PromptError, Prompted, Prompter, Shown, Writer};

/// The prompts of the paper (Table 4), with a passage from a retriever or without.
///
/// The passage is the best one for the docstring; the next two are looked at and left out. It enters
/// stream 0 only, which is the context of context-aware decoding. Where nothing fits the docstring, the
/// prompt is the one without a passage. Several passages stand where the one would, the best first, with an
/// empty line between them.
#[derive(Debug, Clone)]
pub struct PaperPrompter {
    /// What the streams say.
    pub layout: Layout,
    /// Where the passage comes from; `None` for a prompt without.
    pub retriever: Option<Arc<dyn Retriever>>,
    /// How many passages are shown, where that many fit the docstring; the paper shows 1.
    pub passages: usize,
}

/// What the streams of a [`PaperPrompter`] say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// One stream: instruction, signature and docstring.
    Plain,
    /// Two streams: everything with the docstring as context, and the signature alone.
    ContextAndQuestion,
    /// One stream that asks for an outline before the code.
    ThinkFirst,
}

/// Passages looked at and left out: so that a reader sees by how much those shown were better.
const LEFT_OUT: usize = 2;

impl PaperPrompter {
    /// Prompts without a passage.
    pub fn new(layout: Layout) -> Self {
        Self { layout, retriever: None, passages: 1 }
    }

    /// Prompts with the best passage of a retriever.
    pub fn with_retriever(layout: Layout, retriever: Arc<dyn Retriever>) -> Self {
        Self { retriever: Some(retriever), ..Self::new(layout) }
    }

    fn prompt(
        &self,
        problem: &Problem,
        found: Result<Vec<Hit>, RetrievalError>,
        writer: &dyn Writer,
    ) -> Result<Prompted, PromptError> {
        let hits = found?;
        let passages: Vec<_> =
            hits.iter().take(self.passages).map(|hit| hit.passage.content()).collect();
        let passage = (!passages.is_empty()).then(|| passages.join("\n\n"));
        let texts = self.layout.texts(problem, passage.as_deref());
        let write = |text: String| writer.chat(&[Message::user(text)], "");
        let mut prompted = Prompted::new(texts.into_iter().map(write).collect::<Result<_, _>>()?);
        prompted.shown = shown(&hits, self.passages);
        Ok(prompted)
    }
}

impl Prompter for PaperPrompter {
    fn prompts(
        &self,
        problems: &[Problem],
        writer: &dyn Writer,
    ) -> Vec<Result<Prompted, PromptError>> {
        let Some(retriever) = &self.retriever else {
            let prompt = |problem| self.prompt(problem, Ok(vec![]), writer);
            return problems.iter().map(prompt).collect();
        };
        let queries: Vec<_> =
            problems.iter().map(|problem| Query::new(&problem.docstring)).collect();
        let found = retriever.search(&queries, self.passages.saturating_add(LEFT_OUT));
        let answers = found.len();
        let mut found = found.into_iter();
        let prompt = |problem| match found.next() {
            Some(found) => self.prompt(problem, found, writer),
            None => Err(PromptError::NoAnswer { answers, queries: queries.len() }),
        };
        problems.iter().map(prompt).collect()
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new("table4").with("layout", self.layout);
        match &self.retriever {
            None => settings,
            Some(retriever) if self.passages == 1 => {
                settings.with("retriever", retriever.settings())
            }
            Some(retriever) => {
                settings.with("retriever", retriever.settings()).with("passages", self.passages)
            }
        }
    }
}

impl Layout {
    /// The texts of the streams, row 0 first.
    fn texts(self, problem: &Problem, passage: Option<&str>) -> Vec<String> {
        match (self, passage) {
            (Self::Plain, None) => vec![prompts::vanilla(problem)],
            (Self::Plain, Some(passage)) => vec![prompts::retrieved(problem, passage)],
            (Self::ContextAndQuestion, None) => {
                vec![prompts::cad_context(problem), prompts::question(problem)]
            }
            (Self::ContextAndQuestion, Some(passage)) => {
                vec![prompts::retrieved_cad_context(problem, passage), prompts::question(problem)]
            }
            (Self::ThinkFirst, None) => vec![prompts::chain_of_thought(problem)],
            (Self::ThinkFirst, Some(passage)) => vec![outlined(problem, passage)],
        }
    }
}

/// The prompt to think first with a passage at the end of its instruction, where the row "RAG" has it: the
/// table has no row for both.
fn outlined(problem: &Problem, passage: &str) -> String {
    let plain = prompts::chain_of_thought(problem);
    let rest = format!("\n{}\n\n", problem.prompt);
    let instruction = plain.strip_suffix(&rest).unwrap_or(&plain);
    format!("{instruction} Here is some context that may be helpful: {passage}{rest}")
}

fn shown(hits: &[Hit], passages: usize) -> Vec<Shown> {
    let limit = if passages == 1 { "one is".to_owned() } else { format!("{passages} are") };
    let shown = |(place, hit): (usize, &Hit)| match place + 1 {
        1 if passages > 0 => Shown::kept(hit, "the best for the docstring"),
        number if number <= passages => {
            Shown::kept(hit, format!("number {number} for the docstring"))
        }
        number => Shown::left_out(hit, format!("number {number} for the docstring; {limit} shown")),
    };
    hits.iter().enumerate().map(shown).collect()
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plain => "plain",
            Self::ContextAndQuestion => "context_and_question",
            Self::ThinkFirst => "think_first",
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_passage_stands_at_the_end_of_the_instruction_to_think() {
        let prompt = "def f(x):\n    \"\"\"Double x.\"\"\"\n";
        let problem = Problem::from_prompt("f", prompt).unwrap();
        let with = Layout::ThinkFirst.texts(&problem, Some("P")).remove(0);
        let without = Layout::ThinkFirst.texts(&problem, None).remove(0);
        assert_eq!(with.replace(" Here is some context that may be helpful: P", ""), without);
        assert!(with.ends_with(&format!("helpful: P\n{prompt}\n\n")), "{with}");
    }
}
