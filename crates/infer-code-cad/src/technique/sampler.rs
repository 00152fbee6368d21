use std::sync::Arc;

use infer_code_cad_decode::{
    AdaDec, AdaptiveTemperature, Beam, DecodeError, Decoder, Greedy, Nucleus, Opening, Settings,
    Vocabulary,
};

use super::part::Part;
use crate::preset::Family;
use crate::{Preset, TechniqueError};

/// How a [`Recipe`](crate::Recipe) chooses a token.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Sampler {
    /// Draws from the nucleus.
    Nucleus(Nucleus),
    /// The same with another temperature at the beginning of a line.
    Adapt(AdaptiveTemperature),
    /// Takes the best.
    Greedy,
    /// Searches for the most probable text.
    Beam(Beam),
    /// Takes the best, and looks ahead where that is uncertain.
    AdaDec(AdaDec),
}

impl Default for Sampler {
    /// The paper's temperature of 0.8 and top-p of 0.9.
    fn default() -> Self {
        Self::Nucleus(paper_nucleus())
    }
}

/// The sampler of a name that says none.
fn paper_nucleus() -> Nucleus {
    Preset::default().drawing_of(Family::Plain).sampler
}

impl Sampler {
    /// What they are called.
    pub(super) const NAMES: [&str; 5] = ["nucleus", "adapt", "greedy", "beam", "adadec"];

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Nucleus(_) => "nucleus",
            Self::Adapt(_) => "adapt",
            Self::Greedy => "greedy",
            Self::Beam(_) => "beam",
            Self::AdaDec(_) => "adadec",
        }
    }

    /// Takes a part of one of the names; returns the keys that it may have.
    pub(super) fn read(
        &mut self,
        part: &mut Part,
    ) -> Result<&'static [&'static str], TechniqueError> {
        match part.name() {
            "nucleus" => {
                if let Self::Nucleus(nucleus) = self {
                    set_nucleus(part, nucleus)?;
                }
                return Ok(&NUCLEUS);
            }
            "adapt" => {
                let mut adapt = AdaptiveTemperature::default();
                part.set("line_start", "a finite value above 0", &mut adapt.line_start)?;
                set_nucleus(part, &mut adapt.inner)?;
                *self = Self::Adapt(adapt);
                return Ok(&ADAPT);
            }
            "beam" => {
                let mut beam = Beam::default();
                part.count("beams", &mut beam.beams)?;
                part.set("length_penalty", "a finite value", &mut beam.length_penalty)?;
                *self = Self::Beam(beam);
                return Ok(&["beams", "length_penalty"]);
            }
            "adadec" => {
                let mut adadec = AdaDec::default();
                part.set("threshold", "an entropy in nats, at least 0", &mut adadec.threshold)?;
                part.count("candidates", &mut adadec.candidates)?;
                let steps = |text: &str| text.parse().ok().filter(|steps| *steps <= 10_000);
                let lookahead = part.take("lookahead", "a whole number up to 10000", steps)?;
                adadec.lookahead = lookahead.unwrap_or(adadec.lookahead);
                *self = Self::AdaDec(adadec);
                return Ok(&["threshold", "candidates", "lookahead"]);
            }
            _ => *self = Self::Greedy,
        }
        Ok(&[])
    }

    /// What a name says of it: nothing of the paper's.
    pub(super) fn settings(&self) -> Option<Settings> {
        (*self != Self::default()).then(|| match self {
            // What it draws with stands beside the rest, as it is read.
            Self::Adapt(AdaptiveTemperature { inner, line_start }) => {
                let own = Settings::new("adapt").with("line_start", line_start);
                let of_inner = inner.settings().values;
                of_inner.into_iter().fold(own, |all, (key, value)| all.with(key, value))
            }
            other => other.decoder().settings(),
        })
    }

    pub(super) fn decoder(&self) -> Arc<dyn Decoder> {
        match self {
            Self::Nucleus(nucleus) => Arc::new(nucleus.clone()),
            Self::Adapt(adapt) => Arc::new(adapt.clone()),
            Self::Greedy => Arc::new(Greedy),
            Self::Beam(beam) => Arc::new(*beam),
            Self::AdaDec(adadec) => Arc::new(*adadec),
        }
    }

    /// Whether all drafts of a prompt are the same.
    pub(super) fn is_deterministic(&self) -> bool {
        !matches!(self, Self::Nucleus(_) | Self::Adapt(_))
    }

    /// # Errors
    /// A parameter out of its range.
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        let vocabulary: Arc<dyn Vocabulary> = Arc::new(Vec::<&str>::new());
        self.decoder().begin(&Opening::new(&[], &vocabulary)).map(drop)
    }
}

/// The keys of `nucleus`.
const NUCLEUS: [&str; 7] =
    ["temperature", "top_p", "top_k", "min_p", "typical_p", "top_n_sigma", "order"];

/// The keys of `adapt`.
const ADAPT: [&str; 8] =
    ["line_start", "temperature", "top_p", "top_k", "min_p", "typical_p", "top_n_sigma", "order"];

fn set_nucleus(part: &mut Part, nucleus: &mut Nucleus) -> Result<(), TechniqueError> {
    part.set("temperature", "a finite value above 0", &mut nucleus.temperature)?;
    part.set("top_p", "a value in (0, 1]", &mut nucleus.top_p)?;
    part.set("top_k", "a whole number of at least 1", &mut nucleus.top_k)?;
    part.set("min_p", "a value in [0, 1]", &mut nucleus.min_p)?;
    part.set("typical_p", "a value in (0, 1]", &mut nucleus.typical_p)?;
    part.set("top_n_sigma", "a value above 0", &mut nucleus.top_n_sigma)?;
    part.set("order", "hf or llamacpp", &mut nucleus.order)
}
