use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use infer_code_cad_engine::{EngineError, EngineHandle, Event, Request, RequestId};

/// Requests under way, each with what its sender notes on it, and all their events in one place.
///
/// Dropping it cancels them.
pub(super) struct Inbox<N> {
    engine: EngineHandle,
    open: BTreeMap<RequestId, Open<N>>,
    /// Who spoke last: the next pass advances it, and with it all others that run.
    lead: Option<RequestId>,
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

impl<N> Inbox<N> {
    pub(super) fn new(engine: EngineHandle) -> Self {
        Self { engine, open: BTreeMap::new(), lead: None }
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

    /// Closes a request that has ended and gives back what was noted on it.
    pub(super) fn close(&mut self, request: RequestId) -> Option<N> {
        self.open.remove(&request).map(|open| open.note)
    }

    /// Gives up the requests whose notes say so, of which nothing more is heard.
    pub(super) fn give_up(&mut self, is_idle: impl Fn(&N) -> bool) -> Vec<N> {
        let idle = self.open.iter().filter(|(_, open)| is_idle(&open.note)).map(|(id, _)| *id);
        let idle: Vec<RequestId> = idle.collect();
        idle.iter().for_each(|id| self.engine.cancel(*id));
        idle.into_iter().filter_map(|id| self.close(id)).collect()
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

fn has_ended(arrived: &Arrived, request: RequestId) -> bool {
    arrived.iter().any(|(id, event)| *id == request && matches!(event, Event::Ended { .. }))
}

impl<N> Drop for Inbox<N> {
    fn drop(&mut self) {
        self.open.keys().for_each(|id| self.engine.cancel(*id));
    }
}
