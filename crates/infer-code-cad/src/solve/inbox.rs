use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use infer_code_cad_engine::{EngineError, EngineHandle, Event, Request, RequestId, RequestStats};

/// Requests under way, each with what its sender notes on it, and all their events in one place.
///
/// Dropping it cancels them.
pub(super) struct Inbox<N> {
    engine: EngineHandle,
    open: BTreeMap<RequestId, Open<N>>,
    /// Who spoke last: the next pass advances it, and with it all others that run.
    lead: Option<RequestId>,
    /// Of requests that were given up: their last word is still to come.
    given_up: Vec<Receiver<Event<'static>>>,
}

struct Open<N> {
    events: Receiver<Event<'static>>,
    note: N,
}

type Arrived = Vec<(RequestId, Event<'static>)>;

/// How long to wait for the leading request before the others are looked at: it may be one that stalls.
const LOOK: Duration = Duration::from_millis(5);
/// Looks without an event after which the caller is asked whether to go on.
const LOOKS: usize = 20;
/// How long to wait for the last words of what was given up, which come after the pass under way. What says
/// nothing by then is left out with its tokens and its times.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl<N> Inbox<N> {
    pub(super) fn new(engine: EngineHandle) -> Self {
        Self { engine, open: BTreeMap::new(), lead: None, given_up: vec![] }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn submit(&mut self, request: Request, note: N) {
        let (id, events) = self.engine.submit(request);
        self.open.insert(id, Open { events, note });
    }

    /// What was noted on a request that is open.
    pub(super) fn note(&mut self, request: RequestId) -> Option<&mut N> {
        self.open.get_mut(&request).map(|open| &mut open.note)
    }

    /// Closes a request that has ended.
    pub(super) fn close(&mut self, request: RequestId) {
        self.open.remove(&request);
    }

    /// Gives up the requests whose notes say so, of which nothing more is heard; returns their notes.
    pub(super) fn give_up(&mut self, is_idle: impl Fn(&N) -> bool) -> Vec<N> {
        let idle = self.open.iter().filter(|(_, open)| is_idle(&open.note)).map(|(id, _)| *id);
        let idle: Vec<RequestId> = idle.collect();
        let mut notes = vec![];
        for id in idle {
            self.engine.cancel(id);
            if let Some(Open { events, note }) = self.open.remove(&id) {
                self.given_up.push(events);
                notes.push(note);
            }
        }
        notes
    }

    /// Gives up all that is open; returns what each request cost that was given up, now or earlier.
    pub(super) fn last_words(&mut self) -> Vec<RequestStats> {
        self.give_up(|_| true);
        let until = Instant::now() + LAST_WORDS;
        self.given_up.drain(..).filter_map(|events| last_word(&events, until)).collect()
    }

    /// The events that are there; none where nothing happens for a tenth of a second.
    pub(super) fn wait(&mut self) -> Result<Arrived, EngineError> {
        let mut arrived = Arrived::new();
        self.collect(&mut arrived)?;
        for _ in 0..LOOKS {
            let Some((id, open)) = self.leading().filter(|_| arrived.is_empty()) else { break };
            match open.events.recv_timeout(LOOK) {
                Ok(event) => arrived.push((id, event)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(EngineError::Stopped),
            }
            self.collect(&mut arrived)?;
        }
        self.lead = arrived.last().map(|(id, _)| *id).or(self.lead);
        Ok(arrived)
    }

    fn leading(&self) -> Option<(RequestId, &Open<N>)> {
        let lead = self.lead.and_then(|id| self.open.get_key_value(&id));
        lead.or_else(|| self.open.first_key_value()).map(|(id, open)| (*id, open))
    }

    fn collect(&self, arrived: &mut Arrived) -> Result<(), EngineError> {
        for (id, open) in &self.open {
            loop {
                match open.events.try_recv() {
                    Ok(event) => arrived.push((*id, event)),
                    Err(TryRecvError::Empty) => break,
                    // After the last word of a request its sender goes.
                    Err(TryRecvError::Disconnected) if has_ended(arrived, *id) => break,
                    Err(TryRecvError::Disconnected) => return Err(EngineError::Stopped),
                }
            }
        }
        Ok(())
    }
}

fn last_word(events: &Receiver<Event<'static>>, until: Instant) -> Option<RequestStats> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if let Event::Ended { stats } = events.recv_timeout(left).ok()? {
            return Some(stats);
        }
    }
}

fn has_ended(arrived: &Arrived, request: RequestId) -> bool {
    arrived.iter().any(|(id, event)| *id == request && matches!(event, Event::Ended { .. }))
}

impl<N> Drop for Inbox<N> {
    fn drop(&mut self) {
        self.open.keys().for_each(|id| self.engine.cancel(*id));
    }
}
