use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use infer_code_cad_decode::Settings;
use infer_code_cad_engine::{
    Engine, EngineConfig, EngineError, EngineHandle, MemoryPlan, NGrams, Request,
};
use infer_code_cad_metrics::available_bytes;
use infer_code_cad_sandbox::{Judge, JudgeError, Limits, Report, Submission};

use crate::{KnownDrafts, LanguageModel};

/// What solves: a model on an engine, with what selections may use. Cloning shares all of it, and clones
/// solve side by side on the one engine.
///
/// # Examples
/// ```
/// use infer_code_cad::{Solver, embedded, engine::EngineConfig};
///
/// let config = EngineConfig { max_rows: 16, ..EngineConfig::default() };
/// let solver = Solver::new(&embedded::model()?, &config);
/// let shared = Solver::on(&solver.model, solver.engine()?);
/// assert_eq!(shared.engine()?.config().max_rows, 16);
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Solver {
    /// Writes.
    pub model: LanguageModel,
    /// Runs programs for selections that look at what they do; without one it says that it cannot.
    pub judge: Arc<dyn Judge>,
    /// Drafts that need not be drawn again.
    pub known: Option<Arc<dyn KnownDrafts>>,
    /// Guesses tokens where few rows generate: the same tokens, sooner. It does so from the start, and only with a model whose
    /// results guesses do not touch ([`CausalLm::is_batch_invariant`](infer_code_cad_engine::CausalLm::is_batch_invariant)).
    pub guesses: Option<NGrams>,
    engine: Arc<Mutex<OwnOrShared>>,
}

/// An engine that is spawned when it is needed, and by then knows what for.
enum OwnOrShared {
    ToSpawn(EngineConfig),
    Running(EngineHandle),
}

/// Rows that do not fit into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lowered {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) stream_bytes: u64,
    pub(crate) available_bytes: u64,
}

impl Solver {
    /// A solver with an engine of its own, which is spawned when it is first needed. Its rows are lowered
    /// to what fits into memory, see [`SolveEvent::RowsLowered`](crate::SolveEvent::RowsLowered):
    /// into [`EngineConfig::cache_bytes`], or else into what the machine has left then.
    pub fn new(model: &LanguageModel, config: &EngineConfig) -> Self {
        Self::with(model, OwnOrShared::ToSpawn(*config))
    }

    /// A solver on an engine that runs, which others may use too. It must be one of this model.
    pub fn on(model: &LanguageModel, engine: EngineHandle) -> Self {
        Self::with(model, OwnOrShared::Running(engine))
    }

    fn with(model: &LanguageModel, engine: OwnOrShared) -> Self {
        let (judge, engine) = (Arc::new(NoJudge), Arc::new(Mutex::new(engine)));
        let guesses = Some(NGrams::default());
        Self { model: model.clone(), judge, known: None, guesses, engine }
    }

    /// The engine, to be shared; it is spawned unless it runs.
    ///
    /// # Errors
    /// [`EngineError::NoRows`] and [`EngineError::EmptyPass`] for a configuration that runs nothing.
    pub fn engine(&self) -> Result<EngineHandle, EngineError> {
        self.spawn(&mut self.lock(), Ok)
    }

    /// The engine; one that is not spawned yet is spawned with as many rows as fit into memory for such
    /// requests.
    pub(crate) fn engine_for<'r>(
        &self,
        requests: impl IntoIterator<Item = &'r Request>,
    ) -> Result<(EngineHandle, Option<Lowered>), EngineError> {
        let mut lowered = None;
        let fit = |config: EngineConfig| {
            let plan = MemoryPlan::new(self.model.causal_lm.as_ref(), requests);
            let available = config.cache_bytes.or_else(available_bytes);
            let (Some(plan), Some(available_bytes)) = (plan, available) else { return Ok(config) };
            let mut fitting = plan.fit(config, available_bytes)?;
            // What later runs need besides is admitted within the same memory.
            let streams = (available_bytes - fitting.prefix_bytes) / 10 * 9;
            fitting.cache_bytes = Some(streams.min(config.cache_bytes.unwrap_or(u64::MAX)));
            let (from, to, stream_bytes) = (config.max_rows, fitting.max_rows, plan.stream_bytes);
            lowered = (to < from).then_some(Lowered { from, to, stream_bytes, available_bytes });
            Ok(fitting)
        };
        let engine = self.spawn(&mut self.lock(), fit)?;
        Ok((engine, lowered))
    }

    fn spawn(
        &self,
        engine: &mut OwnOrShared,
        fit: impl FnOnce(EngineConfig) -> Result<EngineConfig, EngineError>,
    ) -> Result<EngineHandle, EngineError> {
        let config = match engine {
            OwnOrShared::Running(handle) => return Ok(handle.clone()),
            OwnOrShared::ToSpawn(config) => fit(*config)?,
        };
        let (model, vocabulary) = (self.model.causal_lm.clone(), self.model.tokenizer.clone());
        let handle = Engine::new(model, vocabulary, config)?.spawn();
        *engine = OwnOrShared::Running(handle.clone());
        Ok(handle)
    }

    fn lock(&self) -> MutexGuard<'_, OwnOrShared> {
        // What is in there is whole at any time.
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OwnOrShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ToSpawn(config) => write!(f, "ToSpawn({config:?})"),
            Self::Running(handle) => write!(f, "Running({:?})", handle.config()),
        }
    }
}

/// The judge of a solver that was given none.
#[derive(Debug)]
struct NoJudge;

impl Judge for NoJudge {
    fn judge(&self, _: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
        Err(JudgeError::Unsupported { judge: self.settings().name })
    }

    fn settings(&self) -> Settings {
        Settings::new("none")
    }
}
