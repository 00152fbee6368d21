use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::{Isa, KernelError};

/// How long a thread without work spins before it parks: longer than the steps between two products,
/// far shorter than a scheduler's slice.
const SPIN: Duration = Duration::from_micros(50);

/// Threads that share out the parts of a job, and the instruction set they use.
///
/// Each thread gets an equal run of consecutive parts, and reads them in order: one sequential stream
/// per thread. A thread that is done early takes parts from the far end of another's run, and one
/// that has not woken up in time is not waited for, so a process that takes a core costs no more than
/// its share. Idle threads spin for 50 microseconds, then sleep.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    turn: Mutex<()>,
    isa: Isa,
}

struct Shared {
    state: AtomicU64,
    job: UnsafeCell<Option<Job>>,
    lanes: Box<[Lane]>,
    caller: Mutex<Option<Thread>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    stop: AtomicBool,
}

// `state`: the number of the job in the upper half, whether it is open, and the threads inside it.
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;
const NEXT_JOB: u64 = 1 << 32;

type Job = *const (dyn Fn(usize) + Sync);

// SAFETY: `job` is written by the thread that holds `turn` while the state is closed and nobody
// inside, and read only by threads inside (`enter`), which the writer waits for before it goes on.
unsafe impl Sync for Shared {}
// SAFETY: the pointer is to a `Sync` closure; see above for when it is followed.
unsafe impl Send for Shared {}

/// A thread's run of parts, `start | end << 32`, on a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Lane {
    parts: AtomicU64,
    parked: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Pool {
    /// A pool of `threads` threads (at least one, the caller's own among them) that uses the best
    /// instruction set of this processor.
    pub fn new(threads: usize) -> Self {
        Self::start(threads, Isa::best())
    }

    /// A pool with as many threads as this machine runs at once.
    pub fn all_threads() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// A pool that uses the given instruction set.
    ///
    /// # Errors
    /// [`KernelError::UnsupportedIsa`] if this processor lacks it.
    pub fn with_isa(threads: usize, isa: Isa) -> Result<Self, KernelError> {
        if isa.is_supported() {
            Ok(Self::start(threads, isa))
        } else {
            Err(KernelError::UnsupportedIsa { isa })
        }
    }

    fn start(threads: usize, isa: Isa) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            lanes: (0..threads.max(1)).map(|_| Lane::default()).collect(),
            caller: Mutex::new(None),
            panic: Mutex::new(None),
            stop: AtomicBool::new(false),
        });
        let worker = |lane| {
            let shared = Arc::clone(&shared);
            let name = format!("kernels-{lane}");
            // A system that grants fewer threads still computes: the parts are shared by those there are.
            std::thread::Builder::new().name(name).spawn(move || shared.work(lane)).ok()
        };
        let workers = (1..threads.max(1)).map_while(worker).collect();
        Self { shared, workers, turn: Mutex::new(()), isa }
    }

    /// Threads that compute, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// The instruction set its products use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Calls `part` once with every index below `n_parts`, on all threads, and returns when all calls
    /// have.
    ///
    /// While another thread runs a job, or inside a part, the calls are made on this thread alone.
    ///
    /// # Panics
    /// Goes on with the panic of a part, once all threads have stopped. Other parts may then have run
    /// or not.
    pub fn run(&self, n_parts: usize, part: impl Fn(usize) + Sync) {
        let turn = match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let n_parts_packed = u32::try_from(n_parts);
        if turn.is_none() || self.workers.is_empty() || n_parts < 2 || n_parts_packed.is_err() {
            return (0..n_parts).for_each(part);
        }
        self.shared.open(n_parts as u64, self.threads() as u64, &part);
        self.shared.take_parts(0, &part);
        self.shared.close();
        let panic = self.shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(turn);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    /// Publishes a job. The caller holds `turn`, and calls `close` before `part` ends.
    fn open(&self, n_parts: u64, threads: u64, part: &(dyn Fn(usize) + Sync)) {
        for (lane, i) in self.lanes.iter().zip(0..threads) {
            let (start, end) = (n_parts * i / threads, n_parts * (i + 1) / threads);
            lane.parts.store(start | end << 32, SeqCst);
        }
        let job = std::ptr::from_ref(part);
        // SAFETY: only the lifetime changes; `close` returns after the last use of the pointer.
        let job = unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), Job>(job) };
        // SAFETY: the state is closed and nobody inside, so this thread alone may touch the job.
        unsafe { *self.job.get() = Some(job) };
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let number = self.state.load(SeqCst) & !(NEXT_JOB - 1);
        self.state.store(number.wrapping_add(NEXT_JOB) | OPEN, SeqCst);
        self.wake_workers();
    }

    fn wake_workers(&self) {
        for lane in &self.lanes[1..] {
            if lane.parked.swap(false, SeqCst)
                && let Some(thread) = lane.thread.get()
            {
                thread.unpark();
            }
        }
    }

    /// Lets nobody else in, and waits for those inside.
    fn close(&self) {
        let mut state = self.state.fetch_and(!OPEN, SeqCst) & !OPEN;
        let mut spin = Spin::default();
        while state & INSIDE != 0 {
            if !spin.again() {
                // The last one to leave finds the name, or this finds that it has left.
                let me = std::thread::current();
                *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(me);
                if self.state.load(SeqCst) & INSIDE != 0 {
                    std::thread::park();
                }
            }
            state = self.state.load(SeqCst);
        }
    }

    /// Calls the job with parts of the thread's own run, then with what others have left.
    fn take_parts(&self, me: usize, part: &(dyn Fn(usize) + Sync)) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            while let Some(index) = self.lanes[me].take_first() {
                part(index);
            }
            for other in 1..self.lanes.len() {
                let lane = &self.lanes[(me + other) % self.lanes.len()];
                while let Some(index) = lane.take_last() {
                    part(index);
                }
            }
        }));
        if let Err(panic) = outcome {
            let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(panic);
        }
    }

    /// A worker's life.
    fn work(&self, me: usize) {
        self.lanes[me].thread.get_or_init(std::thread::current);
        let mut seen = 0;
        while let Some(state) = self.next_job(me, seen) {
            seen = state / NEXT_JOB;
            if self.enter(seen) {
                // SAFETY: inside an open job the pointer is set, is not written, and what it points
                // to lives until this thread leaves: `close` waits for that.
                if let Some(job) = unsafe { *self.job.get() } {
                    // SAFETY: as above.
                    self.take_parts(me, unsafe { &*job });
                }
                self.leave();
            }
        }
    }

    /// The state once its job is not the one already seen, or nothing when the pool ends.
    fn next_job(&self, me: usize, seen: u64) -> Option<u64> {
        let lane = &self.lanes[me];
        let mut spin = Spin::default();
        loop {
            if self.stop.load(SeqCst) {
                return None;
            }
            let state = self.state.load(SeqCst);
            if state / NEXT_JOB != seen {
                return Some(state);
            }
            if !spin.again() {
                lane.parked.store(true, SeqCst);
                // Whoever opens a job after this look sees the mark and unparks.
                if self.state.load(SeqCst) / NEXT_JOB == seen && !self.stop.load(SeqCst) {
                    std::thread::park();
                }
                lane.parked.store(false, SeqCst);
                spin = Spin::default();
            }
        }
    }

    /// Joins the job of that number, unless it is closed already.
    fn enter(&self, number: u64) -> bool {
        let join = |state: u64| {
            (state / NEXT_JOB == number && state & OPEN != 0).then_some(state.wrapping_add(1))
        };
        self.state.fetch_update(SeqCst, SeqCst, join).is_ok()
    }

    fn leave(&self) {
        let before = self.state.fetch_sub(1, SeqCst);
        if before & (OPEN | INSIDE) == 1
            && let Some(caller) = &*self.caller.lock().unwrap_or_else(PoisonError::into_inner)
        {
            caller.unpark();
        }
    }
}

impl Lane {
    fn take_first(&self) -> Option<usize> {
        self.take(|start, end| (start | (end << 32)) + 1).map(|(start, _)| start)
    }

    fn take_last(&self) -> Option<usize> {
        self.take(|start, end| start | ((end - 1) << 32)).map(|(_, end)| end - 1)
    }

    /// Changes the run if it is not empty; what it was.
    fn take(&self, rest: impl Fn(u64, u64) -> u64) -> Option<(usize, usize)> {
        let split = |parts: u64| (parts & (NEXT_JOB - 1), parts >> 32);
        let shrink = |parts| {
            let (start, end) = split(parts);
            (start < end).then(|| rest(start, end))
        };
        let before = self.parts.fetch_update(SeqCst, SeqCst, shrink).ok()?;
        let (start, end) = split(before);
        Some((start as usize, end as usize))
    }
}

/// Counts down the time a thread may spin.
#[derive(Default)]
struct Spin {
    since: Option<Instant>,
}

impl Spin {
    /// Spins for a moment; false once the time is up.
    fn again(&mut self) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        for _ in 0..32 {
            std::hint::spin_loop();
        }
        since.elapsed() < SPIN
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        self.shared.wake_workers();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of parts, so it has none to report.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads()).field("isa", &self.isa).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn every_part_runs_once_whatever_the_threads() {
        for threads in [0, 1, 2, 3, 7] {
            let pool = Pool::new(threads);
            for n_parts in [0, 1, 2, 5, 64, 1000] {
                let calls: Vec<_> = (0..n_parts).map(|_| AtomicUsize::new(0)).collect();
                pool.run(n_parts, |part| {
                    calls[part].fetch_add(1, SeqCst);
                });
                assert!(calls.iter().all(|calls| calls.load(SeqCst) == 1), "{threads} {n_parts}");
            }
        }
    }

    #[test]
    fn many_short_jobs_with_pauses() {
        let pool = Pool::new(3);
        let sum = AtomicUsize::new(0);
        for job in 0..2000 {
            pool.run(4, |part| {
                sum.fetch_add(part, SeqCst);
            });
            if job % 100 == 0 {
                std::thread::sleep(SPIN * 3); // workers park
            }
        }
        assert_eq!(sum.into_inner(), 2000 * 6);
    }

    #[test]
    fn a_panic_comes_back_and_the_pool_goes_on() {
        let pool = Pool::new(2);
        for bad in [0, 7] {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                pool.run(8, |part| assert!(part != bad, "part {part}"));
            }));
            let panic = outcome.expect_err("a part panics");
            assert_eq!(panic.downcast_ref::<String>(), Some(&format!("part {bad}")));
        }
        let calls = AtomicUsize::new(0);
        pool.run(8, |_| {
            calls.fetch_add(1, SeqCst);
        });
        assert_eq!(calls.into_inner(), 8);
    }

    #[test]
    fn nested_and_concurrent_jobs_end() {
        let pool = Pool::new(2);
        let calls = AtomicUsize::new(0);
        let nest = || {
            for _ in 0..50 {
                pool.run(4, |_| {
                    pool.run(3, |_| {
                        calls.fetch_add(1, SeqCst);
                    });
                });
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(nest);
            scope.spawn(nest);
        });
        assert_eq!(calls.into_inner(), 2 * 50 * 12);
    }
}
