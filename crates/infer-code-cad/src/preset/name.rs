use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{Base, Defect, Preset};

/// Why a text names no preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// Nobody has a preset of this name.
    #[error(
        "preset {name:?} is unknown; choose default, paper or paper-code, and join defects by +, as in \
         default+leading-space or paper-code+no-clean-up"
    )]
    UnknownBase {
        /// What was asked for.
        name: String,
    },
    /// Nobody has a defect of this name.
    #[error("defect {name:?} is unknown; choose one of {choices}, or one of them behind no-")]
    UnknownDefect {
        /// What was asked for.
        name: String,
        /// The defects there are.
        choices: String,
    },
    /// A defect is turned on that is on, or off that is off.
    #[error("{defect} is {state} in {preset} already; leave it out")]
    AsBefore {
        /// What was asked for.
        defect: Defect,
        /// `on` or `off`.
        state: &'static str,
        /// The preset so far.
        preset: String,
    },
    /// The preset of a result file was another one then.
    #[error(
        "preset {name} has {key} = {now}, and the file was written with {was}; read it with the release that \
         wrote it"
    )]
    Changed {
        /// The preset.
        name: String,
        /// What it fills in otherwise.
        key: String,
        /// In the file.
        was: String,
        /// Today.
        now: String,
    },
}

/// The name, and what differs from it: `paper-code+no-clean-up`.
impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.base.defects();
        let mut text = self.base.to_string();
        for defect in Defect::ALL {
            match (self.defects.contains(&defect), own.contains(&defect)) {
                (true, false) => text.push_str(&format!("+{defect}")),
                (false, true) => text.push_str(&format!("+no-{defect}")),
                _ => {}
            }
        }
        f.pad(&text)
    }
}

impl FromStr for Preset {
    type Err = PresetError;

    fn from_str(text: &str) -> Result<Self, PresetError> {
        let mut parts = text.split('+').map(str::trim);
        let base: Base = parts.next().unwrap_or_default().parse()?;
        let mut preset = Self { base, defects: base.defects() };
        for part in parts {
            let (name, on) = match part.strip_prefix("no-") {
                Some(name) => (name, false),
                None => (part, true),
            };
            let (defect, before) = (name.parse()?, preset.to_string());
            let changed = match on {
                true => preset.defects.insert(defect),
                false => preset.defects.remove(&defect),
            };
            if !changed {
                let state = if on { "on" } else { "off" };
                return Err(PresetError::AsBefore { defect, state, preset: before });
            }
        }
        Ok(preset)
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::Paper => "paper",
            Self::PaperCode => "paper-code",
        })
    }
}

impl FromStr for Base {
    type Err = PresetError;

    fn from_str(name: &str) -> Result<Self, PresetError> {
        let all = [Self::Default, Self::Paper, Self::PaperCode];
        let known = all.into_iter().find(|base| base.to_string() == name);
        known.ok_or_else(|| PresetError::UnknownBase { name: name.to_owned() })
    }
}

impl Base {
    /// What is on in it.
    pub(super) fn defects(self) -> BTreeSet<Defect> {
        match self {
            Self::Default => BTreeSet::new(),
            Self::Paper => [Defect::RawPrompt].into(),
            Self::PaperCode => Defect::ALL.into(),
        }
    }
}
