use infer_code_cad_decode::TokenId;
use serde::Deserialize;

use crate::fields::Fields;

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(i64),
    Many(Vec<i64>),
}

/// The tokens that a field names: a number, a list, or none; else what it says.
pub(crate) fn token_ids(fields: &Fields<'_>, name: &str) -> Result<Vec<TokenId>, String> {
    let ids = match fields.get(name)? {
        None => vec![],
        Some(OneOrMany::One(id)) => vec![id],
        Some(OneOrMany::Many(ids)) => ids,
    };
    let ids = ids.into_iter().filter(|&id| !stands_for_none(id.into()));
    ids.map(|id| TokenId::try_from(id).map_err(|_| id.to_string())).collect()
}

/// Whether a file says that there is no such token: -1, also where it was written without its sign.
pub(crate) fn stands_for_none(id: i128) -> bool {
    id == -1 || id == u32::MAX.into() || id == u64::MAX.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(json: &str) -> Result<Vec<TokenId>, String> {
        let json = format!("{{\"eos_token_id\": {json}}}");
        let fields = Fields::of("a.json", json.as_bytes()).map_err(|error| error.to_string())?;
        token_ids(&fields, "eos_token_id")
    }

    #[test]
    fn one_many_or_none_and_minus_one_is_none() {
        for (json, expected) in [
            ("7", vec![7]),
            ("0", vec![0]),
            ("[1, 2]", vec![1, 2]),
            ("null", vec![]),
            ("[]", vec![]),
            ("-1", vec![]),
            ("4294967295", vec![]),
            ("[-1, 5, 4294967295, 4294967294]", vec![5, 4_294_967_294]),
        ] {
            assert_eq!(ids(json), Ok(expected), "{json}");
        }
    }

    #[test]
    fn what_is_no_token_is_told() {
        for (json, words) in [
            ("-2", "-2"),
            ("[3, 4294967296]", "4294967296"),
            ("NaN", "NaN"),
            ("[1, \"2\"]", "[1, \"2\"]"),
            ("1.5", "1.5"),
        ] {
            assert_eq!(ids(json), Err(words.into()), "{json}");
        }
    }
}
