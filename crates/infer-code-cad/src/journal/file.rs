use std::fmt::Debug;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JournalError;
use super::line::Line;

/// How long a line may wait to reach the disk. A killed process loses no line that was appended, a machine
/// that loses its power at most those of this time.
const SYNC_EVERY: Duration = Duration::from_millis(100);

/// Where a line lies in its file, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) len: usize,
}

/// Takes a line and its place.
type Each<'e> = dyn FnMut(Span, &[u8]) -> Result<(), JournalError> + 'e;

/// A file of lines: appended to at its end, all of a line or nothing, and read back from anywhere.
///
/// One handle does all of it, because a second one could not read a locked file everywhere.
#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: Box<dyn Storage>,
    /// Where whole lines end.
    end: u64,
    /// Since when a line waits for the disk.
    waiting: Option<Instant>,
    /// What failed in a way that leaves the end of the file unknown.
    poison: Option<String>,
}

/// What a file of lines needs of a file; the tests have one that is full.
pub(super) trait Storage: Debug + Send + Read + Write + Seek {
    fn cut(&mut self, len: u64) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
}

impl Storage for File {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl LineFile {
    /// Opens a file to read it; another session may append to it meanwhile.
    pub(super) fn read(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(|source| io_error(path, "open it", source))?;
        Ok(Self::over(path, Box::new(file)))
    }

    /// Opens or creates a file for this session alone.
    pub(crate) fn lock(path: &Path) -> Result<Self, JournalError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file =
            options.open(path).map_err(|source| io_error(path, "open or create it", source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self::over(path, Box::new(file))),
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io_error(path, "lock it", source)),
        }
    }

    pub(super) fn over(path: &Path, file: Box<dyn Storage>) -> Self {
        let state = State { file, end: 0, waiting: None, poison: None };
        Self { path: path.to_owned(), state: Mutex::new(state) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The first bytes, at most `most`.
    pub(crate) fn beginning(&self, most: u64) -> Result<Vec<u8>, JournalError> {
        let mut state = self.state();
        let mut bytes = Vec::new();
        let read =
            state.file.rewind().and_then(|()| (&mut state.file).take(most).read_to_end(&mut bytes));
        read.map_err(|source| self.io("read it", source))?;
        Ok(bytes)
    }

    /// Hands every whole line and its place to `each`, whose error ends it, and takes the end of the last
    /// one for the end of the file. One line at a time is in memory. Returns whether bytes follow it.
    pub(crate) fn scan(&self, each: &mut Each<'_>) -> Result<bool, JournalError> {
        let mut state = self.state();
        state.file.rewind().map_err(|source| self.io("read it", source))?;
        let (mut start, mut line) = (0, Vec::new());
        let mut reader = BufReader::with_capacity(1 << 16, &mut state.file);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line);
            let len = read.map_err(|source| self.io("read it", source))?;
            if line.pop() != Some(b'\n') {
                state.end = start;
                return Ok(len > 0);
            }
            each(Span { start, len: len - 1 }, &line)?;
            start += len as u64;
        }
    }

    /// Removes what follows the last whole line.
    pub(crate) fn cut(&self) -> Result<(), JournalError> {
        let mut state = self.state();
        let end = state.end;
        state.file.cut(end).map_err(|source| self.io("drop its unfinished last line", source))
    }

    /// Reads a line of a journal back that was appended or scanned.
    pub(super) fn entry<T: TryFrom<Line>>(&self, span: Span) -> Result<T, JournalError> {
        let line: Line = self.value(span)?;
        line.try_into().map_err(|_| self.changed())
    }

    /// Reads a line back that was appended or scanned.
    pub(crate) fn value<T: DeserializeOwned>(&self, span: Span) -> Result<T, JournalError> {
        let mut state = self.state();
        let mut line = vec![0; span.len];
        let read = state
            .file
            .seek(SeekFrom::Start(span.start))
            .and_then(|_| state.file.read_exact(&mut line));
        read.map_err(|source| self.io("read a line back", source))?;
        serde_json::from_slice(&line).map_err(|_| self.changed())
    }

    /// Appends a line, all of it or nothing.
    pub(crate) fn append(&self, line: &impl Serialize) -> Result<Span, JournalError> {
        let text = text(&self.path, line)?;
        let mut state = self.state();
        self.check(&state)?;
        let start = state.end;
        let place = state.file.seek(SeekFrom::Start(start));
        if let Err(source) = place.and_then(|_| state.file.write_all(&text)) {
            if let Err(error) = state.file.cut(start) {
                state.poison =
                    Some(format!("{source}, and then half a line could not be removed: {error}"));
            }
            return Err(self.io("append a line (those before it are intact)", source));
        }
        state.end += text.len() as u64;
        state.waiting.get_or_insert_with(Instant::now);
        self.sync_after(state, SYNC_EVERY)?;
        Ok(Span { start, len: text.len() - 1 })
    }

    /// Puts lines that have waited long enough on the disk.
    pub(crate) fn sync_due(&self) -> Result<(), JournalError> {
        self.sync_after(self.state(), SYNC_EVERY)
    }

    /// Puts all lines on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.sync_after(self.state(), Duration::ZERO)
    }

    fn sync_after(
        &self,
        mut state: MutexGuard<'_, State>,
        age: Duration,
    ) -> Result<(), JournalError> {
        if state.waiting.is_none_or(|since| since.elapsed() < age) {
            return Ok(());
        }
        self.check(&state)?;
        if let Err(source) = state.file.sync() {
            // The system may have dropped what it could not write: asking again would be answered with yes.
            state.poison = Some(format!("the disk refused what was written: {source}"));
        } else {
            state.waiting = None;
        }
        self.check(&state)
    }

    fn check(&self, state: &State) -> Result<(), JournalError> {
        match &state.poison {
            None => Ok(()),
            Some(reason) => {
                Err(JournalError::Poisoned { path: self.path.clone(), reason: reason.clone() })
            }
        }
    }

    /// A panic elsewhere leaves the state whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changed(&self) -> JournalError {
        JournalError::Changed { path: self.path.clone() }
    }

    fn io(&self, doing: &'static str, source: io::Error) -> JournalError {
        io_error(&self.path, doing, source)
    }
}

/// A line and its end as they stand in the file.
pub(super) fn text(path: &Path, line: &impl Serialize) -> Result<Vec<u8>, JournalError> {
    let write = |error: serde_json::Error| io_error(path, "put a line into JSON", error.into());
    let mut text = serde_json::to_vec(line).map_err(write)?;
    text.push(b'\n');
    Ok(text)
}

pub(crate) fn io_error(path: &Path, doing: &'static str, source: io::Error) -> JournalError {
    JournalError::Io { path: path.to_owned(), doing, source }
}
