//! The choices of a configuration as text, and read back.

use std::fmt;
use std::str::FromStr;

use infer_code_cad_decode::Settings;

use super::{
    Activation, Architecture, AttentionBias, FeedForwardKind, NormKind, NormPlacement, Positions,
    RopeScaling,
};
use crate::CheckpointError;
use crate::named::{named, unknown};

named!(Architecture, "architecture":
    Llama = "llama", Gemma2 = "gemma2", GptBigCode = "gpt_bigcode", Qwen2 = "qwen2",
    Qwen3 = "qwen3", SmolLm3 = "smollm3", Granite = "granite", Phi3 = "phi3",
    Gemma3 = "gemma3_text");
named!(NormKind, "kind of norm":
    Rms = "rms", RmsUnitOffset = "rms_unit_offset", Layer = "layer");
named!(NormPlacement, "placement of norms":
    Before = "before", BeforeAndAfter = "before_and_after");
named!(AttentionBias, "attention bias": Absent = "absent", Inputs = "inputs", All = "all");
named!(FeedForwardKind, "kind of feed-forward block": Gated = "gated", Plain = "plain");
named!(Activation, "activation":
    Silu = "silu", Gelu = "gelu", GeluTanh = "gelu_pytorch_tanh");

impl fmt::Display for RopeScaling {
    /// As in `linear(factor=4)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbered = |name| {
            let numbers = self.numbers().into_iter();
            numbers.fold(Settings::new(name), |all, (field, number)| all.with(field, number))
        };
        let settings = match self {
            Self::None => Settings::new("none"),
            Self::Linear { .. } => numbered("linear"),
            Self::Llama3 { .. } => numbered("llama3"),
            Self::Yarn { .. } => numbered("yarn"),
            Self::Factors(factors) => Settings::new("factors").with("values", joined(factors)),
            Self::LongRope {
                short_factor,
                long_factor,
                original_max_position_embeddings,
                attention_factor,
            } => Settings::new("longrope")
                .with("short_factor", joined(short_factor))
                .with("long_factor", joined(long_factor))
                .with("original_max_position_embeddings", original_max_position_embeddings)
                .with("attention_factor", attention_factor),
        };
        f.pad(&settings.to_string())
    }
}

fn joined(numbers: &[f32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl FromStr for RopeScaling {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let parts = Parts::read("rope scaling", text)?;
        match parts.settings.name.as_str() {
            "none" => parts.with::<f32, 0>([]).map(|[]| Self::None),
            "linear" => parts.with(["factor"]).map(|[factor]| Self::Linear { factor }),
            "llama3" => {
                let keys = [
                    "factor",
                    "low_freq_factor",
                    "high_freq_factor",
                    "original_max_position_embeddings",
                ];
                let [factor, low_freq_factor, high_freq_factor, original] = parts.with(keys)?;
                let original_max_position_embeddings = original;
                Ok(Self::Llama3 {
                    factor,
                    low_freq_factor,
                    high_freq_factor,
                    original_max_position_embeddings,
                })
            }
            "factors" => {
                let [values] = parts.with::<String, 1>(["values"])?;
                parts.list(&values).map(Self::Factors)
            }
            "yarn" => {
                let keys = [
                    "factor",
                    "original_max_position_embeddings",
                    "attention_factor",
                    "beta_fast",
                    "beta_slow",
                ];
                let [factor, original, attention_factor, beta_fast, beta_slow] =
                    parts.with(keys)?;
                let original_max_position_embeddings = original;
                Ok(Self::Yarn {
                    factor,
                    original_max_position_embeddings,
                    attention_factor,
                    beta_fast,
                    beta_slow,
                })
            }
            "longrope" => parts.long_rope(),
            _ => Err(parts.unknown()),
        }
    }
}

impl fmt::Display for Positions {
    /// As in `rotary(theta=10000,scaling=none)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = match self {
            Self::Learned => Settings::new("learned"),
            Self::Absent => Settings::new("absent"),
            Self::Rotary { theta, scaling } => {
                Settings::new("rotary").with("theta", theta).with("scaling", scaling)
            }
        };
        f.pad(&settings.to_string())
    }
}

impl FromStr for Positions {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let parts = Parts::read("kind of positions", text)?;
        match parts.settings.name.as_str() {
            "learned" => parts.with::<f64, 0>([]).map(|[]| Self::Learned),
            "absent" => parts.with::<f64, 0>([]).map(|[]| Self::Absent),
            "rotary" => {
                let [theta, scaling] = parts.with::<String, 2>(["theta", "scaling"])?;
                let theta = theta.parse().map_err(|_| parts.unknown())?;
                Ok(Self::Rotary { theta, scaling: scaling.parse()? })
            }
            _ => Err(parts.unknown()),
        }
    }
}

/// A text of the form `name(key=value,...)`.
struct Parts<'a> {
    kind: &'static str,
    text: &'a str,
    settings: Settings,
}

impl<'a> Parts<'a> {
    fn read(kind: &'static str, text: &'a str) -> Result<Self, CheckpointError> {
        let unread = Self { kind, text, settings: Settings::default() };
        let settings = text.parse().map_err(|_| unread.unknown())?;
        Ok(Self { settings, ..unread })
    }

    /// The values of these keys and of no others, in this order.
    fn with<T: FromStr, const N: usize>(&self, keys: [&str; N]) -> Result<[T; N], CheckpointError> {
        let values = &self.settings.values;
        let are_keys = values.iter().map(|(key, _)| key.as_str()).eq(keys);
        let values = values.iter().map(|(_, value)| value.parse());
        let values: Option<Vec<T>> = values.collect::<Result<_, _>>().ok();
        let values = values.filter(|_| are_keys).and_then(|values| values.try_into().ok());
        values.ok_or_else(|| self.unknown())
    }

    fn list(&self, numbers: &str) -> Result<Vec<f32>, CheckpointError> {
        let numbers = numbers.split_whitespace().map(str::parse);
        numbers.collect::<Result<_, _>>().map_err(|_| self.unknown())
    }

    fn long_rope(&self) -> Result<RopeScaling, CheckpointError> {
        let keys =
            ["short_factor", "long_factor", "original_max_position_embeddings", "attention_factor"];
        let [short, long, original, attention_factor] = self.with::<String, 4>(keys)?;
        Ok(RopeScaling::LongRope {
            short_factor: self.list(&short)?,
            long_factor: self.list(&long)?,
            original_max_position_embeddings: original.parse().map_err(|_| self.unknown())?,
            attention_factor: attention_factor.parse().map_err(|_| self.unknown())?,
        })
    }

    fn unknown(&self) -> CheckpointError {
        const SCALINGS: [&str; 6] = [
            "none",
            "linear(factor=F)",
            "llama3(factor=F,low_freq_factor=F,high_freq_factor=F,original_max_position_embeddings=F)",
            "factors(values=F F ...)",
            "yarn(factor=F,original_max_position_embeddings=F,attention_factor=F,beta_fast=F,beta_slow=F)",
            "longrope(short_factor=F F ...,long_factor=F F ...,original_max_position_embeddings=N,\
             attention_factor=F)",
        ];
        const POSITIONS: [&str; 3] = ["learned", "rotary(theta=F,scaling=SCALING)", "absent"];
        let choices: &[&str] = if self.kind == "rope scaling" { &SCALINGS } else { &POSITIONS };
        unknown(self.kind, self.text, choices)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fmt::{Debug, Display};

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn round_trips<T>(values: &[T])
    where
        T: Display + Debug + PartialEq + FromStr<Err = CheckpointError>,
    {
        for value in values {
            assert_eq!(value.to_string().parse::<T>().unwrap(), *value);
            assert_eq!(value.to_string().to_uppercase().parse::<T>().unwrap(), *value);
        }
        let message = "no such".parse::<T>().unwrap_err().to_string();
        assert!(message.contains("\"no such\" is unknown; choose"), "{message}");
        for value in values {
            assert!(message.contains(&value.to_string()), "{message} lacks {value}");
        }
    }

    #[test]
    fn every_choice_is_read_back_and_listed_where_another_is_asked_for() {
        round_trips(Architecture::ALL);
        round_trips(NormKind::ALL);
        round_trips(NormPlacement::ALL);
        round_trips(AttentionBias::ALL);
        round_trips(FeedForwardKind::ALL);
        round_trips(Activation::ALL);
        round_trips(crate::Role::ALL);
    }

    #[test]
    fn rope_is_written_as_settings() {
        let scaling = RopeScaling::Llama3 {
            factor: 32.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 8192.0,
        };
        let positions = Positions::Rotary { theta: 500_000.0, scaling };
        let text = "rotary(theta=500000,scaling=llama3(factor=32,low_freq_factor=1,\
                    high_freq_factor=4,original_max_position_embeddings=8192))";
        assert_eq!(positions.to_string(), text);
        assert_eq!(text.parse::<Positions>().unwrap(), positions);
    }

    #[test]
    fn what_lacks_or_adds_a_parameter_is_refused() {
        for text in [
            "linear",
            "linear()",
            "linear(factor=a)",
            "linear(factor=2,more=1)",
            "none(factor=2)",
            "factors(values=1 b)",
            "llama3(factor=32)",
            "yarn(factor=2)",
            "",
        ] {
            let message = text.parse::<RopeScaling>().unwrap_err().to_string();
            assert!(message.contains("linear(factor=F)"), "{message}");
        }
        for text in ["learned(theta=1)", "rotary(theta=1)", "rotary(theta=x,scaling=none)"] {
            let message = text.parse::<Positions>().unwrap_err().to_string();
            assert!(message.contains("rotary(theta=F,scaling=SCALING)"), "{message}");
        }
        assert!("rotary(theta=1,scaling=yarn)".parse::<Positions>().is_err());
    }

    fn scalings() -> impl Strategy<Value = RopeScaling> {
        let number = || any::<f32>().prop_filter("equal to itself", |x| !x.is_nan());
        prop_oneof![
            Just(RopeScaling::None),
            number().prop_map(|factor| RopeScaling::Linear { factor }),
            [number(), number(), number(), number()].prop_map(|[a, b, c, d]| RopeScaling::Llama3 {
                factor: a,
                low_freq_factor: b,
                high_freq_factor: c,
                original_max_position_embeddings: d,
            }),
            prop::collection::vec(number(), 0..5).prop_map(RopeScaling::Factors),
            [number(), number(), number(), number(), number()].prop_map(|[a, b, c, d, e]| {
                RopeScaling::Yarn {
                    factor: a,
                    original_max_position_embeddings: b,
                    attention_factor: c,
                    beta_fast: d,
                    beta_slow: e,
                }
            }),
            (prop::collection::vec(number(), 0..5), any::<usize>(), number()).prop_map(
                |(list, original, attention_factor)| RopeScaling::LongRope {
                    short_factor: list.clone(),
                    long_factor: list.into_iter().rev().collect(),
                    original_max_position_embeddings: original,
                    attention_factor,
                }
            ),
        ]
    }

    proptest! {
        #[test]
        fn any_scaling_is_read_back(scaling in scalings(), theta in 1e-300..1e300_f64) {
            prop_assert_eq!(scaling.to_string().parse::<RopeScaling>().unwrap(), scaling.clone());
            let positions = Positions::Rotary { theta, scaling };
            prop_assert_eq!(positions.to_string().parse::<Positions>().unwrap(), positions);
        }
    }
}
