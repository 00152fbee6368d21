//! How result files write what JSON or `serde` has no form for. Every form reads back exactly.

use infer_code_cad_decode::{Settings, TokenId};
use infer_code_cad_engine::TokenLogProb;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers that may be infinite or none at all: `-0.25`, `"-inf"`, `"inf"`, `"nan"`.
///
/// A log-probability of a token that a mix rules out is minus infinity, which JSON cannot say.
pub(crate) mod float {
    use std::fmt;

    use serde::de::{Error, Unexpected, Visitor};
    use serde::{Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<F: Float, S: Serializer>(
        value: &F,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let wide = value.wide();
        if wide.is_finite() {
            return value.serialize(serializer);
        }
        let name = if wide.is_nan() { "nan" } else { ["inf", "-inf"][usize::from(wide < 0.0)] };
        serializer.serialize_str(name)
    }

    pub(crate) fn deserialize<'de, F: Float, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<F, D::Error> {
        deserializer.deserialize_any(Number).map(F::narrow)
    }

    /// `f32` and `f64`: the shortest text of either reads back as itself through the wider one.
    pub(crate) trait Float: Serialize {
        fn wide(&self) -> f64;
        fn narrow(wide: f64) -> Self;
    }

    impl Float for f64 {
        fn wide(&self) -> f64 {
            *self
        }
        fn narrow(wide: f64) -> Self {
            wide
        }
    }

    impl Float for f32 {
        fn wide(&self) -> f64 {
            Self::into(*self)
        }
        fn narrow(wide: f64) -> Self {
            wide as Self
        }
    }

    struct Number;

    impl Visitor<'_> for Number {
        type Value = f64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, \"inf\", \"-inf\" or \"nan\"")
        }
        fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
            Ok(value)
        }
        fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
            Ok(value as f64)
        }
        fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
            Ok(value as f64)
        }
        fn visit_str<E: Error>(self, name: &str) -> Result<f64, E> {
            match name {
                "inf" => Ok(f64::INFINITY),
                "-inf" => Ok(f64::NEG_INFINITY),
                "nan" => Ok(f64::NAN),
                _ => Err(E::invalid_value(Unexpected::Str(name), &self)),
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Number(#[serde(with = "float")] f64);

/// [`float`], or `null`.
pub(crate) mod float_or_null {
    use super::{Deserialize, Deserializer, Number, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Number>::deserialize(deserializer)?.map(|Number(value)| value))
    }
}

/// Tokens with log-probabilities as `[token, log_prob, [[token, log_prob], ...]]`: names would take most
/// of the file.
pub(crate) mod token_log_probs {
    use super::{Deserialize, Deserializer, Number, Serializer, TokenId, TokenLogProb};

    type Form = (TokenId, Number, Vec<(TokenId, Number)>);

    pub(crate) fn serialize<S: Serializer>(
        tokens: &[TokenLogProb],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(tokens.iter().map(|TokenLogProb { token, log_prob, top }| {
            let top = top.iter().map(|&(token, log_prob)| (token, Number(log_prob))).collect();
            Form::from((*token, Number(*log_prob), top))
        }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<TokenLogProb>, D::Error> {
        let tokens = Vec::<Form>::deserialize(deserializer)?;
        Ok(tokens
            .into_iter()
            .map(|(token, Number(log_prob), top)| {
                let top =
                    top.into_iter().map(|(token, Number(log_prob))| (token, log_prob)).collect();
                TokenLogProb { token, log_prob, top }
            })
            .collect())
    }
}

/// What has a stable text of its own: that text.
pub(crate) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;

    use super::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Settings as a name and pairs, in their order: an object would promise none.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Settings", deny_unknown_fields)]
pub(crate) struct SettingsForm {
    name: String,
    values: Vec<(String, String)>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct All {
        #[serde(with = "float")]
        score: f32,
        #[serde(with = "float_or_null")]
        sum: Option<f64>,
        #[serde(with = "token_log_probs")]
        tokens: Vec<TokenLogProb>,
        #[serde(with = "SettingsForm")]
        settings: Settings,
        #[serde(with = "text")]
        seconds: f64,
    }

    #[test]
    fn numbers_read_back_bit_by_bit() {
        let third = -1.0 / 3.0;
        let odd = [third, -1e-320, -0.0, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let top: Vec<(TokenId, f64)> = (0..).zip(odd).collect();
        let all = All {
            score: 0.1,
            sum: Some(third),
            tokens: vec![TokenLogProb { token: 7, log_prob: third, top }],
            settings: Settings::new("part").with("b", 1).with("a", "x, y"),
            seconds: 0.25,
        };
        let text = serde_json::to_string(&all).unwrap();
        assert!(text.starts_with(r#"{"score":0.1,"sum":-0.333"#), "{text}");
        assert!(text.contains(r#"[4,"inf"],[5,"-inf"],[6,"nan"]"#), "{text}");
        assert!(text.contains(r#"{"name":"part","values":[["b","1"],["a","x, y"]]}"#), "{text}");
        let back: All = serde_json::from_str(&text).unwrap();
        for ((_, was), (_, is)) in all.tokens[0].top.iter().zip(&back.tokens[0].top) {
            assert!(was.to_bits() == is.to_bits() || was.is_nan() && is.is_nan(), "{was} {is}");
        }
        assert_eq!((back.score, back.sum, back.settings), (0.1, Some(third), all.settings));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["\"minus\"", "null", "[]"] {
            let error = serde_json::from_str::<Number>(text).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains("inf"), "{error}");
        }
    }
}
