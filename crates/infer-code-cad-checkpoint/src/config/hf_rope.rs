use serde::de::DeserializeOwned;

use super::{MOST_FACTORS, RopeScaling, invalid};
use crate::CheckpointError;
use crate::fields::Fields;

const ORIGINAL: &str = "original_max_position_embeddings";

/// `rope_parameters` of transformers 5, or `rope_scaling` of transformers 4.
#[derive(Debug, Default)]
pub(super) struct HfRope<'a> {
    fields: Option<Fields<'a>>,
}

impl<'a> HfRope<'a> {
    /// What a `config.json` says, which may be nothing.
    pub(super) fn of(config: &Fields<'a>) -> Result<Self, CheckpointError> {
        const NAMES: [&str; 2] = ["rope_parameters", "rope_scaling"];
        let Some(name) = NAMES.into_iter().find(|name| config.written(name).is_some()) else {
            return Ok(Self { fields: None });
        };
        let fields = config.object(name);
        let fields = fields.map_err(|written| invalid(name, written, "an object"))?;
        Ok(Self { fields })
    }

    /// The two of Gemma 3, of layers that see all and of those with a window. The older dialect has only the first.
    pub(super) fn by_layer_type(config: &Fields<'a>) -> Result<(Self, Self), CheckpointError> {
        let all = Self::of(config)?;
        let Some(fields) = &all.fields else { return Ok((Self::default(), Self::default())) };
        if !["full_attention", "sliding_attention"].iter().any(|name| fields.names(name)) {
            return Ok((all, Self::default()));
        }
        let part = |name: &'static str| -> Result<Self, CheckpointError> {
            let part = fields.object(name);
            let fields = part.map_err(|written| invalid(name, written, "an object"))?;
            Ok(Self { fields })
        };
        Ok((part("full_attention")?, part("sliding_attention")?))
    }

    /// The type of the scaling.
    pub(super) fn kind(&self) -> Result<Option<String>, CheckpointError> {
        // The second is the older name; files saved again carry both.
        match self.read("rope_type", "a text")? {
            Some(kind) => Ok(Some(kind)),
            None => self.read("type", "a text"),
        }
    }

    /// What stretches the frequencies of a model of so many positions.
    pub(super) fn scaling(&self, max_positions: usize) -> Result<RopeScaling, CheckpointError> {
        match self.kind()?.as_deref() {
            None | Some("default") => Ok(RopeScaling::None),
            Some("linear") => Ok(RopeScaling::Linear { factor: self.need("factor")? }),
            Some("llama3") => Ok(RopeScaling::Llama3 {
                factor: self.need("factor")?,
                low_freq_factor: self.need("low_freq_factor")?,
                high_freq_factor: self.need("high_freq_factor")?,
                original_max_position_embeddings: self.need(ORIGINAL)?,
            }),
            Some("yarn") => self.yarn(max_positions),
            Some("longrope") => {
                self.long_rope(self.size(ORIGINAL)?.unwrap_or(max_positions), max_positions)
            }
            Some(other) => Err(CheckpointError::UnsupportedConfig {
                field: "rope_type",
                value: other.into(),
                supported: "default, linear, llama3, yarn, longrope",
            }),
        }
    }

    /// Numbers are left out where they are the paper's.
    fn yarn(&self, max_positions: usize) -> Result<RopeScaling, CheckpointError> {
        if self.read("truncate", "true or false")? == Some(false) {
            let (value, supported) = ("false".into(), "true");
            return Err(CheckpointError::UnsupportedConfig { field: "truncate", value, supported });
        }
        let original = self.size(ORIGINAL)?.unwrap_or(max_positions);
        let factor = self.factor(original, max_positions)?;
        // Zero stands for the default, as for Python's `or`.
        let number = |field| Ok::<_, CheckpointError>(self.number(field)?.filter(|&x| x != 0.0));
        let scale = |by: f64| if factor <= 1.0 { 1.0 } else { 0.1 * by * factor.ln() + 1.0 };
        let attention_factor = match self.number("attention_factor")? {
            Some(given) => given,
            None => match (number("mscale")?, number("mscale_all_dim")?) {
                (Some(by), Some(all)) => scale(by) / scale(all),
                _ => scale(1.0),
            },
        };
        Ok(RopeScaling::Yarn {
            factor: factor as f32,
            original_max_position_embeddings: original as f32,
            attention_factor: attention_factor as f32,
            beta_fast: number("beta_fast")?.unwrap_or(32.0) as f32,
            beta_slow: number("beta_slow")?.unwrap_or(1.0) as f32,
        })
    }

    /// The two lists of a model that was trained on so many positions and then on more. `su` and, in Phi-3's first
    /// files, `yarn` are older names.
    pub(super) fn long_rope(
        &self,
        original: usize,
        max_positions: usize,
    ) -> Result<RopeScaling, CheckpointError> {
        let kind = self.kind()?.unwrap_or_default();
        if !["longrope", "su", "yarn"].contains(&kind.as_str()) {
            let (field, supported) = ("rope_type", "default, longrope");
            return Err(CheckpointError::UnsupportedConfig { field, value: kind, supported });
        }
        let factor = self.factor(original, max_positions)?;
        let implied = match factor <= 1.0 {
            true => 1.0,
            false => (1.0 + factor.ln() / (original as f64).ln()).sqrt(),
        };
        Ok(RopeScaling::LongRope {
            short_factor: self.list("short_factor")?,
            long_factor: self.list("long_factor")?,
            original_max_position_embeddings: original,
            attention_factor: self.number("attention_factor")?.unwrap_or(implied) as f32,
        })
    }

    /// By how much the context is longer than that of the pre-training.
    fn factor(&self, original: usize, max_positions: usize) -> Result<f64, CheckpointError> {
        let ratio = max_positions as f64 / original as f64;
        Ok(self.number("factor")?.unwrap_or(ratio))
    }

    pub(super) fn number(&self, field: &'static str) -> Result<Option<f64>, CheckpointError> {
        self.read(field, "a number")
    }

    pub(super) fn size(&self, field: &'static str) -> Result<Option<usize>, CheckpointError> {
        self.read(field, "a whole number")
    }

    fn list(&self, field: &'static str) -> Result<Vec<f32>, CheckpointError> {
        let expected = format!("a list of numbers, at most {MOST_FACTORS}");
        match self.read::<Vec<f32>>(field, &expected)? {
            None => Err(invalid(field, "absent", expected)),
            Some(list) if list.len() > MOST_FACTORS => {
                Err(invalid(field, format!("{} long", list.len()), expected))
            }
            Some(list) => Ok(list),
        }
    }

    fn read<T: DeserializeOwned>(
        &self,
        field: &'static str,
        expected: &str,
    ) -> Result<Option<T>, CheckpointError> {
        let Some(fields) = &self.fields else { return Ok(None) };
        fields.get(field).map_err(|written| invalid(field, written, expected))
    }

    fn need(&self, field: &'static str) -> Result<f32, CheckpointError> {
        let value = self.number(field)?.map(|value| value as f32);
        let written = value.map_or_else(|| "absent".into(), |value| value.to_string());
        value
            .filter(|value| value.is_finite() && *value > 0.0)
            .ok_or_else(|| invalid(field, written, "a positive number"))
    }
}
