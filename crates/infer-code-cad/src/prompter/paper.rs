use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use infer_code_cad_checkpoint::Message;
use infer_code_cad_decode::Settings;
use infer_code_cad_retrieval::{Hit, Query, RetrievalError, Retriever};
use infer_code_cad_tasks::{Problem, prompts};

use super::{PassageGate, Question, Wording};
use crate::{PromptError, Prompted, Prompter, Shown, Stream, Writer};

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
    /// Which of these are kept.
    pub gate: PassageGate,
    /// What the stream of the question says, in the layout that has one.
    pub question: Question,
    /// How the stream of the context is worded, in the layouts that have one.
    pub wording: Wording,
}

/// What the streams of a [`PaperPrompter`] say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// One stream: instruction, signature and docstring.
    Plain,
    /// Two streams: everything with the docstring as context, and the [`Question`].
    ContextAndQuestion,
    /// One stream: the context of the layout above, for a control without contrast.
    Context,
    /// One stream that asks for an outline before the code.
    ThinkFirst,
}

/// Passages looked at and left out: so that a reader sees by how much those shown were better.
const LEFT_OUT: usize = 2;

impl PaperPrompter {
    /// Prompts without a passage.
    pub fn new(layout: Layout) -> Self {
        let (question, wording) = Default::default();
        Self { layout, retriever: None, passages: 1, gate: PassageGate::Open, question, wording }
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
        let shown = self.shown(problem, &hits, writer)?;
        let kept: Vec<_> = shown.iter().filter(|one| one.kept).collect();
        let passages: Vec<_> = kept.iter().map(|one| one.passage.content()).collect();
        let passage = (!passages.is_empty()).then(|| passages.join("\n\n"));
        let write = |text: String| writer.chat(&[Message::user(text)], "");
        let context = write(self.context(problem, passage.as_deref()))?;
        let mut streams = vec![context];
        if self.layout == Layout::ContextAndQuestion {
            streams.push(match self.question {
                Question::Signature => write(prompts::question(problem))?,
                Question::Headless => headless(&streams[0]),
                Question::Raw => writer.raw(&prompts::question(problem))?,
                Question::Instruction => write(prompts::instructed_question(problem))?,
                Question::Masked => write(prompts::masked_context(problem))?,
                Question::MaskedSentences => {
                    write(self.context(&with_mask(problem, writer), None))?
                }
                Question::MaskedTokens => {
                    let masked = self.context(&with_mask(problem, writer), passage.as_deref());
                    masked_alike(&streams[0], &write(masked)?, writer)?
                }
                Question::NoExamples => write(prompts::context_without_examples(problem))?,
            });
        }
        let mut prompted = Prompted::new(streams);
        prompted.shown = shown;
        Ok(prompted)
    }

    /// What was found, with what becomes of it.
    fn shown(
        &self,
        problem: &Problem,
        hits: &[Hit],
        writer: &dyn Writer,
    ) -> Result<Vec<Shown>, PromptError> {
        let shown = |(place, hit): (usize, &Hit)| {
            let why = format!("number {} for the docstring", place + 1);
            if place >= self.passages {
                let limit = match self.passages {
                    1 => "one is".to_owned(),
                    passages => format!("{passages} are"),
                };
                return Ok(Shown::left_out(hit, format!("{why}; {limit} shown")));
            }
            let why = if place == 0 { "the best for the docstring".to_owned() } else { why };
            self.through_gate(problem, hit, why, writer)
        };
        hits.iter().enumerate().map(shown).collect()
    }

    fn through_gate(
        &self,
        problem: &Problem,
        hit: &Hit,
        why: String,
        writer: &dyn Writer,
    ) -> Result<Shown, PromptError> {
        if self.gate == PassageGate::Open {
            return Ok(Shown::kept(hit, why));
        }
        let with = self.context(problem, Some(&hit.passage.content()));
        let without = self.context(problem, None);
        let gain = PassageGate::gain(&with, &without, writer)?;
        let why = format!("{why}; the problem is {gain:+.2} nats more probable with it");
        Ok(if gain > 0.0 { Shown::kept(hit, why) } else { Shown::left_out(hit, why) })
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
        let mut settings = Settings::new("table4").with("layout", self.layout);
        if self.question != Question::Signature && self.layout == Layout::ContextAndQuestion {
            settings = settings.with("question", self.question);
        }
        let has_context = matches!(self.layout, Layout::ContextAndQuestion | Layout::Context);
        if self.wording != Wording::Table4 && has_context {
            settings = settings.with("wording", self.wording);
        }
        let Some(retriever) = &self.retriever else { return settings };
        let mut settings = settings.with("retriever", retriever.settings());
        if self.passages != 1 {
            settings = settings.with("passages", self.passages);
        }
        if self.gate != PassageGate::Open {
            settings = settings.with("gate", self.gate);
        }
        settings
    }
}

impl PaperPrompter {
    /// The text of stream 0.
    fn context(&self, problem: &Problem, passage: Option<&str>) -> String {
        match (self.layout, passage) {
            (Layout::Plain, None) => prompts::vanilla(problem),
            (Layout::Plain, Some(passage)) => prompts::retrieved(problem, passage),
            (Layout::ThinkFirst, None) => prompts::chain_of_thought(problem),
            (Layout::ThinkFirst, Some(passage)) => outlined(problem, passage),
            (Layout::ContextAndQuestion | Layout::Context, passage) => {
                let text = match passage {
                    None => prompts::cad_context(problem),
                    Some(passage) => prompts::retrieved_cad_context(problem, passage),
                };
                match self.wording {
                    Wording::Table4 => text,
                    Wording::PublicCode => prompts::worded_as_in_public_code(problem, &text),
                }
            }
        }
    }
}

/// The problem with a mask in place of its docstring's sentences.
fn with_mask(problem: &Problem, writer: &dyn Writer) -> Problem {
    let mut masked = problem.clone();
    masked.docstring = prompts::masked_sentences(problem, writer.mask());
    masked
}

/// The context with the mask of `masked` in place of each token that shares a character with what it stands for there.
fn masked_alike(
    context: &Stream,
    masked: &Stream,
    writer: &dyn Writer,
) -> Result<Stream, PromptError> {
    let pairs = context.text.bytes().zip(masked.text.bytes());
    let same = pairs.take_while(|(one, other)| one == other).count();
    let places = masked.text.match_indices(writer.mask());
    let places = places.map(|(at, mask)| at..at + mask.len());
    let is_it = |mask: &Range<usize>| (mask.start..=mask.end).contains(&same);
    let Some(mask) = places.filter(is_it).last() else {
        return Ok(context.clone());
    };
    let anchor = mask.start..context.text.len() - (masked.text.len() - mask.end);
    let tokens_of = |stream: &Stream, bytes| writer.spans(stream, std::slice::from_ref(bytes));
    let mut tokens = context.tokens.clone();
    let (anchors, masks) = (tokens_of(context, &anchor)?, tokens_of(masked, &mask)?);
    if let ([anchor], [mask]) = (&anchors[..], &masks[..]) {
        let masks = masked.tokens[mask.clone()].iter().cycle();
        tokens[anchor.clone()].iter_mut().zip(masks).for_each(|(token, mask)| *token = *mask);
    }
    Ok(Stream { text: context.text.clone(), tokens })
}

/// A stream without its first token.
fn headless(stream: &Stream) -> Stream {
    let tokens = stream.tokens.get(1..).unwrap_or_default().to_vec();
    Stream { text: stream.text.clone(), tokens }
}

/// The prompt to think first with a passage at the end of its instruction, where the row "RAG" has it: the
/// table has no row for both.
fn outlined(problem: &Problem, passage: &str) -> String {
    let plain = prompts::chain_of_thought(problem);
    let rest = format!("\n{}\n\n", problem.prompt);
    let instruction = plain.strip_suffix(&rest).unwrap_or(&plain);
    format!("{instruction} Here is some context that may be helpful: {passage}{rest}")
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plain => "plain",
            Self::ContextAndQuestion => "context_and_question",
            Self::Context => "context",
            Self::ThinkFirst => "think_first",
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use infer_code_cad_retrieval::Passage;

    use super::*;

    /// A model to which what follows the word "double" is likelier, and tokens are bytes.
    #[derive(Debug)]
    struct Doubler;

    impl Writer for Doubler {
        fn chat(&self, messages: &[Message], answer: &str) -> Result<Stream, PromptError> {
            self.raw(&format!("<user>{}</user>{answer}", messages[0].content.trim()))
        }

        fn raw(&self, text: &str) -> Result<Stream, PromptError> {
            Ok(Stream { text: text.to_owned(), tokens: text.bytes().map(u32::from).collect() })
        }

        fn spans(
            &self,
            _: &Stream,
            bytes: &[Range<usize>],
        ) -> Result<Vec<Range<usize>>, PromptError> {
            Ok(bytes.to_vec())
        }

        fn score(&self, stream: &Stream, from: usize) -> Result<f64, PromptError> {
            let (before, after) = stream.text.split_at(from);
            assert!(after.contains("def f(x)") && !after.contains("helpful"), "{after}");
            assert!(after.ends_with("</user>"), "{after}");
            Ok(before.matches("double").count() as f64 - 10.0)
        }

        fn mask(&self) -> &'static str {
            "<mask>"
        }
    }

    #[derive(Debug)]
    struct Both;

    impl Retriever for Both {
        fn search(&self, queries: &[Query<'_>], _: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
            let hit = |text: &str| Hit::new(Arc::new(Passage::new(text, "t", text)), 1.0);
            queries.iter().map(|_| Ok(vec![hit("noise"), hit("double")])).collect()
        }

        fn settings(&self) -> Settings {
            Settings::new("both")
        }
    }

    #[test]
    fn the_perplexity_gate_keeps_what_makes_the_problem_likelier() {
        let problem = Problem::from_prompt("f", "def f(x):\n    \"\"\"Two x.\"\"\"\n").unwrap();
        for layout in [Layout::Plain, Layout::ContextAndQuestion, Layout::ThinkFirst] {
            let mut prompter = PaperPrompter::with_retriever(layout, Arc::new(Both));
            (prompter.passages, prompter.gate) = (2, PassageGate::Perplexity);
            let problems = std::slice::from_ref(&problem);
            let prompted = prompter.prompts(problems, &Doubler).remove(0).unwrap();
            let kept: Vec<_> =
                prompted.shown.iter().map(|one| (one.kept, one.why.as_str())).collect();
            let [first, second] = kept[..] else { panic!("{kept:?}") };
            assert_eq!(
                first,
                (
                    false,
                    "the best for the docstring; the problem is +0.00 nats more probable with it"
                )
            );
            assert_eq!(
                second,
                (
                    true,
                    "number 2 for the docstring; the problem is +1.00 nats more probable with it"
                )
            );
            let text = &prompted.streams[0].text;
            assert!(text.contains("t\ndouble") && !text.contains("noise"), "{text}");
            let settings = prompter.settings().to_string();
            assert!(
                settings.ends_with(",retriever=both,passages=2,gate=perplexity)"),
                "{settings}"
            );
        }
    }

    #[test]
    fn a_question_is_what_its_name_says() {
        let prompt = "def f(x):\n    \"\"\"Double x.\n    >>> f(1)\n    2\n    \"\"\"\n";
        let problem = Problem::from_prompt("f", prompt).unwrap();
        let mut prompter = PaperPrompter::new(Layout::ContextAndQuestion);
        let mut texts = |question| {
            prompter.question = question;
            let problems = std::slice::from_ref(&problem);
            let streams = prompter.prompts(problems, &Doubler).remove(0).unwrap().streams;
            (streams[0].text.clone(), streams[1].text.clone())
        };
        let (context, signature) = texts(Question::Signature);
        assert_eq!(signature, "<user>def f(x):</user>");
        assert_eq!(texts(Question::Raw), (context.clone(), "def f(x):".to_owned()));
        let docstring = "Double x.\n>>> f(1)\n2";
        for (question, expected) in [
            (Question::Masked, context.replace(docstring, "MASKTOKEN")),
            (Question::MaskedSentences, context.replace("Double x.", "<mask>")),
            (Question::NoExamples, context.replace(docstring, "Double x.")),
            (Question::Instruction, context.replace("Context Double x.\n>>> f(1)\n2 \n ", "")),
        ] {
            assert_ne!(expected, context);
            assert_eq!(texts(question), (context.clone(), expected), "{question}");
        }
    }

    #[test]
    fn masked_sentences_change_nothing_else_of_the_context() {
        let layout = Layout::ContextAndQuestion;
        let mut prompter = PaperPrompter::with_retriever(layout, Arc::new(Both));
        prompter.question = Question::MaskedSentences;
        let mut streams = |docstring: &str, wording| {
            prompter.wording = wording;
            let prompt = format!("def f(x):\n    \"\"\"{docstring}\n    \"\"\"\n");
            let problem = Problem::from_prompt("f", &prompt).unwrap();
            let prompted = prompter.prompts(&[problem], &Doubler).remove(0).unwrap();
            let [context, masked] = prompted.streams.try_into().unwrap();
            let passage = " Here is some context that may be helpful: t\nnoise";
            assert!(context.text.contains(passage) && !masked.text.contains(passage));
            (context.text.replace(passage, ""), masked.text)
        };
        for wording in [Wording::Table4, Wording::PublicCode] {
            let (context, masked) =
                streams("Double x.\n\n    Or so.\n    >>> f(1)\n    2", wording);
            assert_eq!(masked, context.replace("Double x.\n\nOr so.", "<mask>"));
            assert!(masked.contains("<mask>\n>>> f(1)\n2"), "{masked}");
            // Without a sentence there is no anchor.
            let (context, masked) = streams(">>> f(1)\n    2", wording);
            assert_eq!(masked, context);
        }
    }

    #[test]
    fn masked_tokens_leave_all_else_at_its_place() {
        for (docstring, anchor, masks) in [
            ("Double x.\n    >>> f(1)\n    2", "Double x.", "<mask><ma"),
            ("<Make x.", "<Make x.", "<mask><m"),
            (">>> f(1)\n    2", "", ""),
        ] {
            let prompt = format!("def f(x):\n    \"\"\"{docstring}\n    \"\"\"\n");
            let problem = Problem::from_prompt("f", &prompt).unwrap();
            let layout = Layout::ContextAndQuestion;
            let mut prompter = PaperPrompter::with_retriever(layout, Arc::new(Both));
            prompter.question = Question::MaskedTokens;
            let problems = std::slice::from_ref(&problem);
            let streams = prompter.prompts(problems, &Doubler).remove(0).unwrap().streams;
            let [context, masked] = &streams[..] else { panic!("{streams:?}") };
            let bytes: Vec<u8> = masked.tokens.iter().map(|token| *token as u8).collect();
            assert_eq!(String::from_utf8(bytes).unwrap(), context.text.replace(anchor, masks));
            assert!(context.text.contains("noise") && masked.text == context.text);
        }
    }

    #[test]
    fn a_passage_stands_at_the_end_of_the_instruction_to_think() {
        let prompt = "def f(x):\n    \"\"\"Double x.\"\"\"\n";
        let problem = Problem::from_prompt("f", prompt).unwrap();
        let prompter = PaperPrompter::new(Layout::ThinkFirst);
        let with = prompter.context(&problem, Some("P"));
        let without = prompter.context(&problem, None);
        assert_eq!(with.replace(" Here is some context that may be helpful: P", ""), without);
        assert!(with.ends_with(&format!("helpful: P\n{prompt}\n\n")), "{with}");
    }
}
