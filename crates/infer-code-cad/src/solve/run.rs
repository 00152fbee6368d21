use std::ops::Range;
use std::sync::Arc;

use infer_code_cad_decode::TokenId;
use infer_code_cad_engine::{EngineError, LogProbs, NGrams, Request};
use infer_code_cad_tasks::Problem;

use super::Prepared;
use crate::technique::DraftCounts;
use crate::{
    DraftRequest, Error, KnownDraft, LanguageModel, ModelWriter, Prompted, SolveConfig, Solver,
    Technique,
};

/// What is the same from the beginning of a run to its end.
pub(super) struct Run<'a> {
    pub(super) technique: &'a Technique,
    pub(super) problems: &'a [Problem],
    pub(super) prepared: &'a Prepared,
    pub(super) solver: &'a Solver,
    pub(super) config: &'a SolveConfig,
    pub(super) counts: DraftCounts,
    /// For selections that write prompts.
    pub(super) writer: ModelWriter,
    /// The model's fingerprint.
    pub(super) model: String,
    /// What ends a completion: the model's own ends, and the stop tokens.
    eos: Vec<TokenId>,
    /// By problem: its drafts are guessed from one another.
    guesses: Option<Vec<Arc<NGrams>>>,
}

/// Why a run ends early.
pub(super) enum Halt {
    Cancelled,
    Failed(EngineError),
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        technique: &'a Technique,
        problems: &'a [Problem],
        prepared: &'a Prepared,
        solver: &'a Solver,
        config: &'a SolveConfig,
        counts: DraftCounts,
    ) -> Result<Self, Error> {
        assert!(prepared.prompts.len() >= problems.len(), "every problem has a prompt or an error");
        let writer = config.prompt_format.writer(solver)?;
        let model = solver.model.fingerprint();
        let eos = ends(&solver.model, &config.stop_tokens)?;
        let of_problems =
            |known: &NGrams| problems.iter().map(|_| Arc::new(known.for_task())).collect();
        let exact = solver.model.causal_lm.is_batch_invariant();
        let guesses = solver.guesses.as_ref().filter(|_| exact).map(of_problems);
        Ok(Self {
            technique,
            problems,
            prepared,
            solver,
            config,
            counts,
            writer,
            model,
            eos,
            guesses,
        })
    }

    /// One request per problem that has a prompt, for the memory plan.
    pub(super) fn requests(&self) -> Vec<Request> {
        let own = DraftRequest::new(0, 0..1);
        let prompts = self.prepared.prompts.iter().zip(0..self.problems.len());
        let prompts =
            prompts.filter_map(|(prompt, problem)| Some((problem, prompt.as_ref().ok()?)));
        prompts.map(|(problem, prompted)| self.request(problem, prompted, &own)).collect()
    }

    /// The request for drafts of a problem; what the selection does not set is the technique's and the run's.
    pub(super) fn request(
        &self,
        problem: usize,
        prompted: &Prompted,
        asked: &DraftRequest,
    ) -> Request {
        let prompted = asked.prompt.as_ref().unwrap_or(prompted);
        let streams = prompted.streams.iter().map(|stream| stream.tokens.clone()).collect();
        let decoder = asked.decoder.as_ref().unwrap_or(&self.technique.decoder).clone();
        let mut request = Request::new(self.problems[problem].task_id.clone(), streams, decoder);
        request.role = asked.role;
        request.samples = asked.drafts.clone();
        request.written = prompted.written.clone();
        let own = asked.max_new_tokens.or(prompted.max_new_tokens);
        request.max_new_tokens = own.unwrap_or(self.config.max_new_tokens);
        if let Some(max_length) = self.config.max_length {
            let read = prompted.streams.first().map_or(0, |stream| stream.tokens.len());
            let room = max_length.saturating_sub(read).max(1);
            request.max_new_tokens = request.max_new_tokens.min(room);
        }
        request.stop = asked.stop.as_ref().unwrap_or(&self.config.stop).clone();
        request.eos = self.eos.clone();
        request.seed = self.config.seed;
        request.log_probs = self.config.log_probs;
        request.speculation =
            self.guesses.as_ref().map(|guesses| Arc::clone(&guesses[problem]) as _);
        request
    }

    /// The program in a draft's text.
    pub(super) fn program(&self, problem: usize, text: &str) -> String {
        let SolveConfig { extraction, text_defects, .. } = self.config;
        text_defects.program(*extraction, &self.problems[problem], text)
    }

    /// The drafts that a sample owns, of each role.
    pub(super) fn own(&self, sample: usize) -> Range<usize> {
        sample * self.counts.most..(sample + 1) * self.counts.most
    }

    /// A draft of an earlier run, if it has all that this run keeps.
    pub(super) fn known(&self, address: &str) -> Option<KnownDraft> {
        let known = self.solver.known.as_ref()?.draft(address)?;
        let told = known.log_probs.len() == known.tokens.len();
        let suffices = match self.config.log_probs {
            LogProbs::Off => true,
            LogProbs::Chosen => told,
            LogProbs::Top(n) => {
                let n = n.min(self.solver.model.causal_lm.vocab_size());
                told && known.log_probs.iter().all(|token| token.top.len() >= n)
            }
        };
        suffices.then_some(known)
    }
}

/// The ends of a model's texts, and the tokens of these texts.
fn ends(model: &LanguageModel, stop_tokens: &[String]) -> Result<Vec<TokenId>, Error> {
    let mut ends = model.eos.clone();
    for text in stop_tokens {
        let [token] = model.tokenizer.encode_plain(text)?[..] else {
            return Err(Error::StopToken { model: model.name.clone(), text: text.clone() });
        };
        if !ends.contains(&token) {
            ends.push(token);
        }
    }
    Ok(ends)
}
