use serde::{Deserialize, Serialize};

use super::Study;
use crate::ReportError;

/// The format of study files, raised with every change of a field's meaning.
pub(crate) const FORMAT: u64 = 1;

#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    fingerprint: String,
    study: &'a Study,
}

/// What is derived, as the results of a report, is left where it is.
#[derive(Deserialize)]
struct Read {
    format: u64,
    fingerprint: String,
    study: Study,
}

impl Study {
    /// The study with its [`fingerprint`](Self::fingerprint).
    ///
    /// # Errors
    /// [`ReportError::NotANumber`], which JSON cannot hold.
    pub fn to_json(&self) -> Result<String, ReportError> {
        self.check_numbers()?;
        let written = Written { format: FORMAT, fingerprint: self.fingerprint(), study: self };
        Ok(serde_json::to_string_pretty(&written)?)
    }

    /// Reads what [`Study::to_json`] or [`StudyReport::json`](crate::StudyReport::json) has written.
    ///
    /// # Errors
    /// [`ReportError::Json`] for another file, [`ReportError::Format`] for one of another release,
    /// [`ReportError::Hash`] where settings or tallies are not those that were written.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        let Read { format, fingerprint: stated, study } = serde_json::from_str(text)?;
        if format != FORMAT {
            return Err(ReportError::Format { found: format, known: FORMAT });
        }
        let computed = study.fingerprint();
        if computed == stated { Ok(study) } else { Err(ReportError::Hash { stated, computed }) }
    }
}
