use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::common::Failure;

/// Adds up the time inside the spans of the engine, by name, while it records.
#[derive(Clone, Default)]
pub(crate) struct Profile(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    recording: bool,
    names: Vec<&'static str>, // a span's number is its place here, plus one
    entered: Vec<(usize, Instant)>,
    total: BTreeMap<&'static str, Duration>,
}

impl Profile {
    /// Makes it the subscriber of this process.
    pub(crate) fn install() -> Result<Self, Failure> {
        let profile = Self::default();
        tracing::subscriber::set_global_default(profile.clone())?;
        Ok(profile)
    }

    /// Time by span of one call.
    pub(crate) fn record<R>(
        &self,
        call: impl FnOnce() -> R,
    ) -> (R, BTreeMap<&'static str, Duration>) {
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
