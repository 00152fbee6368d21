use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What is best switched on for a model, as it was measured: which technique, and whether prompts are put as a chat.
///
/// A small JSON file for each checkpoint, which `reproduce --tune` writes. What helps one model harms another, so
/// that nothing but a measurement tells.
///
/// # Examples
/// ```
/// use infer_code_cad::Switches;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("model.json");
/// let switches = Switches {
///     model: "smollm2-135m".into(),
///     measured: "mbpp train, 100 problems, 5 samples".into(),
///     preset: "default".into(),
///     technique: "vanilla".into(),
///     tried: vec![],
/// };
/// switches.write(&path)?;
/// assert_eq!(Switches::read(&path)?, switches);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// What they are for.
    pub model: String,
    /// On which problems they were measured: figures on the same ones are no evidence.
    pub measured: String,
    /// The name of a [`Preset`](crate::Preset).
    pub preset: String,
    /// The name of a technique.
    pub technique: String,
    /// What was tried; the first is what was there before.
    pub tried: Vec<Tried>,
}

/// A choice that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// The name of a preset.
    pub preset: String,
    /// The name of a technique.
    pub technique: String,
    /// Its pass@1.
    pub pass_at_1: f64,
    /// The paired difference to the first choice, with the ends of its interval of 95 %; `None` for the first.
    pub gain: Option<[f64; 3]>,
}

/// Why switches were not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchesError {
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has something else.
    #[error("{}: {source}; it should be what reproduce --tune wrote", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Switches {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SwitchesError`].
    pub fn read(path: &Path) -> Result<Self, SwitchesError> {
        let text =
            fs::read(path).map_err(|source| SwitchesError::Io { path: path.into(), source })?;
        let syntax = |source| SwitchesError::Syntax { path: path.into(), source };
        serde_json::from_slice(&text).map_err(syntax)
    }

    /// Writes a file, replacing one that is there.
    ///
    /// # Errors
    /// [`SwitchesError`].
    pub fn write(&self, path: &Path) -> Result<(), SwitchesError> {
        let syntax = |source| SwitchesError::Syntax { path: path.into(), source };
        let text = serde_json::to_string_pretty(self).map_err(syntax)? + "\n";
        fs::write(path, text).map_err(|source| SwitchesError::Io { path: path.into(), source })
    }
}
