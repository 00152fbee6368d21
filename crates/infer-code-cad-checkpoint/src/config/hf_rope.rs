use super::{RopeScaling, invalid};
use crate::CheckpointError;
use crate::fields::Fields;

/// `rope_parameters` of transformers 5, or `rope_scaling` of transformers 4.
#[derive(Debug)]
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

    pub(super) fn scaling(&self) -> Result<RopeScaling, CheckpointError> {
        if let Some(factor) = self.number("partial_rotary_factor")?.filter(|&factor| factor != 1.0)
        {
            return Err(CheckpointError::UnsupportedConfig {
                field: "partial_rotary_factor",
                value: factor.to_string(),
                supported: "1",
            });
        }
        // The second is the older name; files saved again carry both.
        let kind = match self.text("rope_type")? {
            Some(kind) => Some(kind),
            None => self.text("type")?,
        };
        match kind.as_deref() {
            None | Some("default") => Ok(RopeScaling::None),
            Some("linear") => Ok(RopeScaling::Linear { factor: self.need("factor")? }),
            Some("llama3") => Ok(RopeScaling::Llama3 {
                factor: self.need("factor")?,
                low_freq_factor: self.need("low_freq_factor")?,
                high_freq_factor: self.need("high_freq_factor")?,
                original_max_position_embeddings: self.need("original_max_position_embeddings")?,
            }),
            Some(other) => Err(CheckpointError::UnsupportedConfig {
                field: "rope_type",
                value: other.into(),
                supported: "default, linear, llama3",
            }),
        }
    }

    pub(super) fn number(&self, field: &'static str) -> Result<Option<f64>, CheckpointError> {
        let Some(fields) = &self.fields else { return Ok(None) };
        fields.get(field).map_err(|written| invalid(field, written, "a number"))
    }

    fn text(&self, field: &'static str) -> Result<Option<String>, CheckpointError> {
        let Some(fields) = &self.fields else { return Ok(None) };
        fields.get(field).map_err(|written| invalid(field, written, "a text"))
    }

    fn need(&self, field: &'static str) -> Result<f32, CheckpointError> {
        let value = self.number(field)?.map(|value| value as f32);
        let written = value.map_or_else(|| "absent".into(), |value| value.to_string());
        value
            .filter(|value| value.is_finite() && *value > 0.0)
            .ok_or_else(|| invalid(field, written, "a positive number"))
    }
}
