use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::{Engine, EngineConfig, Event, GenerateStats, Request, RequestId};

/// An [`Engine`] on a thread of its own, shared by any number of callers.
///
/// The engine stops, and cancels what is left, when the last handle is dropped.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad_decode::Greedy;
/// use infer_code_cad_engine::{Engine, EngineConfig, Event, Request, TableModel};
///
/// let model = TableModel::new(2).row(&[0], &[0, 1]);
/// let engine = Engine::new(Arc::new(model), Arc::new(vec!["a", "b"]), EngineConfig::default())?;
/// let handle = engine.spawn();
/// let mut request = Request::new("demo", vec![vec![0]], Arc::new(Greedy));
/// request.max_new_tokens = 1;
/// let (_id, events) = handle.submit(request);
/// let texts: Vec<String> = events
///     .into_iter()
///     .filter_map(|event| match event {
///         Event::Finished { completion, .. } => Some(completion.text),
///         _ => None,
///     })
///     .collect();
/// assert_eq!(texts, ["b"]);
/// # Ok::<(), infer_code_cad_engine::EngineError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EngineHandle {
    commands: Sender<Command>,
    next_id: Arc<AtomicU64>,
    stats: Arc<Mutex<GenerateStats>>,
    config: EngineConfig,
}

#[derive(Debug)]
enum Command {
    Submit(RequestId, Box<Request>, Sender<Event<'static>>),
    Cancel(RequestId),
}

impl EngineHandle {
    pub(crate) fn of(engine: Engine) -> Self {
        let (commands, received) = mpsc::channel();
        let stats = Arc::new(Mutex::new(GenerateStats::default()));
        let handle = Self {
            commands,
            next_id: Arc::new(AtomicU64::new(engine.next_id())),
            stats: Arc::clone(&stats),
            config: *engine.config(),
        };
        let (before, callers) = (engine.stats(), HashMap::new());
        thread::spawn(move || Driver { engine, received, stats, before, callers }.drive());
        handle
    }

    /// Puts a request behind those there are. Its events come through the channel, [`Event::Ended`] last; a
    /// channel that closes without it says that the engine has stopped
    /// ([`EngineError::Stopped`](crate::EngineError::Stopped)). Dropping the receiver cancels the request when it
    /// would be told of next, which is before a prompt costs its first pass.
    pub fn submit(&self, request: Request) -> (RequestId, Receiver<Event<'static>>) {
        let id = RequestId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (sender, events) = mpsc::channel();
        // A thread that is gone drops the sender, which closes the channel.
        let _ = self.commands.send(Command::Submit(id, Box::new(request), sender));
        (id, events)
    }

    /// Ends a request before the next pass.
    pub fn cancel(&self, request: RequestId) {
        let _ = self.commands.send(Command::Cancel(request));
    }

    /// What the engine did since it was spawned, for all callers together.
    pub fn stats(&self) -> GenerateStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the engine may take.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }
}

/// What runs on the thread.
struct Driver {
    engine: Engine,
    received: Receiver<Command>,
    stats: Arc<Mutex<GenerateStats>>,
    /// What the engine had done when it was spawned.
    before: GenerateStats,
    callers: HashMap<RequestId, Sender<Event<'static>>>,
}

impl Driver {
    fn drive(mut self) {
        while self.listen() {
            let Self { engine, callers, .. } = &mut self;
            // A caller's events end when the figures of its request are there.
            let mut done = Vec::new();
            engine.step(&mut |id, event| {
                let ended = matches!(event, Event::Ended { .. });
                let heard = callers.get(&id).is_some_and(|to| to.send(event.into_owned()).is_ok());
                if ended {
                    done.extend(callers.remove(&id));
                }
                // What nobody hears is not worth a pass.
                if heard { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            let stats = self.engine.stats().since(&self.before);
            *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
        }
    }

    /// Takes what callers ask for, waiting where there is nothing else to do; says whether to go on.
    fn listen(&mut self) -> bool {
        if self.engine.is_idle() {
            match self.received.recv() {
                Ok(command) => self.obey(command),
                Err(_) => return false,
            }
        }
        loop {
            match self.received.try_recv() {
                Ok(command) => self.obey(command),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Submit(id, request, caller) => {
                self.callers.insert(id, caller);
                self.engine.submit_as(id, *request);
            }
            Command::Cancel(id) => self.engine.cancel(id),
        }
    }
}
