use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::file::{LineFile, Span};
use super::line::DraftLine;
use super::{JournalError, StoredRun};
use crate::{KnownDraft, KnownDrafts};

/// The drafts of a journal, for a run that needs some of them: the same run that goes on, or one that
/// differs in its selection or its judge.
///
/// A draft is found by its address, which everything is in that its tokens depend on, so one that is found
/// is the one that would be drawn. In memory is where each lies; the drafts are read when they are asked
/// for.
///
/// # Examples
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use infer_code_cad::{JournalDrafts, Solver, embedded, engine::EngineConfig};
///
/// // Self-consistency selects among what the plain prompt has drawn, and draws nothing.
/// let drafts = JournalDrafts::read(Path::new("vanilla.jsonl"))?;
/// let mut solver = Solver::new(&embedded::model()?, &EngineConfig::default());
/// solver.known = Some(Arc::new(drafts));
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
#[derive(Debug)]
pub struct JournalDrafts {
    file: Arc<LineFile>,
    addresses: HashMap<String, Span>,
}

impl JournalDrafts {
    /// Those of a journal on disk.
    ///
    /// # Errors
    /// As [`StoredRun::read`].
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        StoredRun::read(path).map(|run| Self::of(&run))
    }

    /// Those that a run has by now.
    pub fn of(run: &StoredRun) -> Self {
        Self { file: run.file.clone(), addresses: run.index.addresses().clone() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }
}

impl KnownDrafts for JournalDrafts {
    /// A draft that can no longer be read is not known: it is drawn again.
    fn draft(&self, address: &str) -> Option<KnownDraft> {
        let line: Result<DraftLine, _> = self.file.entry(*self.addresses.get(address)?);
        match line {
            Ok(line) => Some(KnownDraft {
                text: line.text,
                tokens: line.tokens,
                finish: line.finish,
                log_prob: line.log_prob,
                log_probs: line.log_probs,
                cost: line.cost,
            }),
            Err(error) => {
                tracing::warn!(%error, address, "a draft is drawn again");
                None
            }
        }
    }
}
