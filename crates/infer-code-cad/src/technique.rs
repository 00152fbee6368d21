use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use infer_code_cad_decode::{ContextAware, Decoder, Nucleus};
use infer_code_cad_retrieval::{Passage, Retriever};
use infer_code_cad_tasks::{Problem, prompts};

use crate::{Error, Jaccard, Selector, Similarity};

/// An inference-time technique: which streams a problem becomes, how their logits become tokens,
/// and which draft is the answer.
///
/// Techniques are data. The six of the paper come from [`PaperTechnique::build`]; any other
/// combination is written as a struct.
#[derive(Debug)]
pub struct Technique {
    /// Shown in reports and result files.
    pub name: String,
    /// Problem to prompt streams.
    pub prompter: Prompter,
    /// Logits to tokens; reads as many streams as the prompter makes.
    pub decoder: Box<dyn Decoder>,
    /// Drafts to answer.
    pub selector: Selector,
}

/// Turns a problem into the texts of its streams, row 0 first. Wordings are those of Table 4.
#[derive(Debug, Clone)]
pub enum Prompter {
    /// One stream: instruction, signature and docstring.
    Plain,
    /// Two streams: everything with the docstring as context, and the signature alone.
    ContextAndQuestion,
    /// One stream that asks for an outline before the code.
    ThinkFirst,
    /// [`Prompter::Plain`] with the best passage for the docstring before the problem.
    Retrieved(Arc<dyn Retriever>),
    /// [`Prompter::ContextAndQuestion`] with the best passage in the context stream only.
    RetrievedContextAndQuestion(Arc<dyn Retriever>),
}

/// The streams of one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompted {
    /// One text per stream.
    pub streams: Vec<String>,
    /// Identifiers of the passages in the streams.
    pub passages: Vec<String>,
}

impl Prompter {
    /// Writes the streams of `problem`.
    ///
    /// A retriever that knows no word of the docstring leaves the prompt without a passage.
    ///
    /// # Errors
    /// [`Error::Retrieval`] when the retriever fails.
    pub fn streams(&self, problem: &Problem) -> Result<Prompted, Error> {
        let unassisted = |streams| Ok(Prompted { streams, passages: vec![] });
        match self {
            Self::Plain => unassisted(vec![prompts::vanilla(problem)]),
            Self::ThinkFirst => unassisted(vec![prompts::chain_of_thought(problem)]),
            Self::ContextAndQuestion => {
                unassisted(vec![prompts::cad_context(problem), prompts::question(problem)])
            }
            Self::Retrieved(retriever) => match best_passage(retriever.as_ref(), problem)? {
                None => Self::Plain.streams(problem),
                Some(passage) => Ok(Prompted {
                    streams: vec![prompts::retrieved(problem, &passage.content())],
                    passages: vec![passage.id],
                }),
            },
            Self::RetrievedContextAndQuestion(retriever) => {
                match best_passage(retriever.as_ref(), problem)? {
                    None => Self::ContextAndQuestion.streams(problem),
                    Some(passage) => Ok(Prompted {
                        streams: vec![
                            prompts::retrieved_cad_context(problem, &passage.content()),
                            prompts::question(problem),
                        ],
                        passages: vec![passage.id],
                    }),
                }
            }
        }
    }
}

fn best_passage(retriever: &dyn Retriever, problem: &Problem) -> Result<Option<Passage>, Error> {
    Ok(retriever.search(&problem.docstring, 1)?.first().map(|hit| hit.passage.clone()))
}

/// The techniques that the paper compares (Table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaperTechnique {
    /// The prompt as it is.
    Vanilla,
    /// Context-aware decoding, equation 2.
    Cad,
    /// Retrieval-augmented generation.
    Rag,
    /// Both stacked.
    CadRag,
    /// Self-consistency: five drafts, the most consistent one counts.
    SelfConsistency,
    /// Chain of thought.
    ChainOfThought,
}

/// What the paper's techniques share; the defaults are the paper's (appendix A).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Temperature 0.8 and top-p 0.9.
    pub sampler: Nucleus,
    /// Strength of the contrast in CAD, 0.5.
    pub alpha: f32,
    /// Where RAG finds its passages.
    pub retriever: Option<Arc<dyn Retriever>>,
    /// Drafts of self-consistency, 5.
    pub drafts: usize,
    /// How self-consistency compares drafts.
    pub similarity: Arc<dyn Similarity>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sampler: Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() },
            alpha: 0.5,
            retriever: None,
            drafts: 5,
            similarity: Arc::new(Jaccard),
        }
    }
}

impl PaperTechnique {
    /// In the order of the paper's tables.
    pub const ALL: [Self; 6] = [
        Self::Vanilla,
        Self::Cad,
        Self::Rag,
        Self::CadRag,
        Self::SelfConsistency,
        Self::ChainOfThought,
    ];

    /// Assembles the technique.
    ///
    /// # Errors
    /// [`Error::NoRetriever`] and [`Error::NoDrafts`] when the settings lack what it needs.
    pub fn build(self, settings: &Settings) -> Result<Technique, Error> {
        let technique = self.to_string();
        let retriever = || {
            let missing = || Error::NoRetriever { technique: technique.clone() };
            settings.retriever.clone().ok_or_else(missing)
        };
        let prompter = match self {
            Self::Vanilla | Self::SelfConsistency => Prompter::Plain,
            Self::Cad => Prompter::ContextAndQuestion,
            Self::Rag => Prompter::Retrieved(retriever()?),
            Self::CadRag => Prompter::RetrievedContextAndQuestion(retriever()?),
            Self::ChainOfThought => Prompter::ThinkFirst,
        };
        let sampler = settings.sampler.clone();
        let decoder: Box<dyn Decoder> = match self {
            Self::Cad | Self::CadRag => Box::new(ContextAware::new(settings.alpha, sampler)),
            _ => Box::new(sampler),
        };
        let (drafts, similarity) = (settings.drafts, settings.similarity.clone());
        let selector = match self {
            Self::SelfConsistency if drafts == 0 => return Err(Error::NoDrafts { technique }),
            Self::SelfConsistency => Selector::MostConsistent { drafts, similarity },
            _ => Selector::First,
        };
        Ok(Technique { name: technique, prompter, decoder, selector })
    }

    /// What it does, in one line.
    pub fn description(self) -> &'static str {
        match self {
            Self::Vanilla => "samples from the plain prompt",
            Self::Cad => "contrasts the prompt with the bare signature at every token",
            Self::Rag => "puts the best passage for the docstring before the problem",
            Self::CadRag => "retrieves, then contrasts the full prompt with the bare signature",
            Self::SelfConsistency => "writes several drafts and keeps the one most like the others",
            Self::ChainOfThought => "asks for an outline before the code",
        }
    }
}

impl fmt::Display for PaperTechnique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vanilla => "vanilla",
            Self::Cad => "cad",
            Self::Rag => "rag",
            Self::CadRag => "cad+rag",
            Self::SelfConsistency => "sc",
            Self::ChainOfThought => "cot",
        })
    }
}

impl FromStr for PaperTechnique {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|t| t.to_string() == name);
        known.ok_or_else(|| Error::UnknownTechnique { name: name.to_owned() })
    }
}
