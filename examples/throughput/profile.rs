use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use infer_code_cad::engine::CausalLm;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::case::Case;
use crate::common::Failure;
use crate::measure::{Timing, Workload};
use crate::report::Span;

/// Seconds by span: of reading the prompt, and of a decode step of the first number of samples.
pub(crate) fn spans(workload: &Workload, model: &Arc<dyn CausalLm>) -> Result<Vec<Span>, Failure> {
    let profile = Profile::install()?;
    let case = workload.cases()[1];
    let spans = |new_tokens| {
        let case = Case { new_tokens, ..case };
        let call = || case.run(model, workload.seed, &mut Timing::default());
        let (outcome, spans) = profile.record(call);
        outcome.map(|()| spans)
    };
    let (reading, all) = (spans(1)?, spans(case.new_tokens + 1)?);
    let span = |(&name, time): (&&'static str, &Duration)| {
        let reading = reading.get(name).copied().unwrap_or_default();
        let step = time.saturating_sub(reading).as_secs_f64() / case.new_tokens as f64;
        Span { name, reading: reading.as_secs_f64(), step }
    };
    Ok(all.iter().map(span).collect())
}

/// Adds up the time inside the spans of the engine, by name, while it records.
#[derive(Clone, Default)]
struct Profile(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    recording: bool,
    names: Vec<&'static str>, // a span's number is its place here, plus one
    entered: Vec<(usize, Instant)>,
    total: BTreeMap<&'static str, Duration>,
}

impl Profile {
    /// Makes it the subscriber of this process.
    fn install() -> Result<Self, Failure> {
        let profile = Self::default();
        tracing::subscriber::set_global_default(profile.clone())?;
        Ok(profile)
    }

    /// Time by span of one call.
    fn record<R>(&self, call: impl FnOnce() -> R) -> (R, BTreeMap<&'static str, Duration>) {
        self.state().recording = true;
        let result = call();
        let mut state = self.state();
        state.recording = false;
        (result, std::mem::take(&mut state.total))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Profile {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && *metadata.level() == Level::TRACE
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let name = attributes.metadata().name();
        let names = &mut self.state().names;
        let place = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        Id::from_u64(place as u64 + 1)
    }

    fn enter(&self, span: &Id) {
        self.state().entered.push((span.into_u64() as usize - 1, Instant::now()));
    }

    fn exit(&self, _: &Id) {
        let mut state = self.state();
        if let Some((place, since)) = state.entered.pop().filter(|_| state.recording) {
            let name = state.names[place];
            *state.total.entry(name).or_default() += since.elapsed();
        }
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}
}
