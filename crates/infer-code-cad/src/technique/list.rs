use std::fmt;

/// A part that a technique's name may have, for help texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Its keys with what they are where nothing is said, and in brackets what they may be otherwise.
    pub keys: &'static [&'static str],
}

impl Listed {
    /// The parts that are joined by `+`.
    pub const PARTS: &[Self] = &[
        listed("vanilla", "the plain prompt alone", &[]),
        listed("cot", "asks for an outline before the code", &["tokens (longest completion)"]),
        listed(
            "cad",
            "contrasts the prompt with one that lacks its context",
            &[
                "alpha=0.5 (divergence, divergence:FLOOR)",
                "plausibility=0",
                "weights (instead of alpha, as 1.5/-0.5)",
                "gate=open (entropy:NATS, deviation:MOST, constraint:FACTOR)",
                "modulation=off",
                "question=signature (headless, raw, instruction, masked, masked-sentences, masked-tokens, no-examples)",
                "wording=table4 (public-code)",
            ],
        ),
        listed("control", "the prompt of cad, without contrast", &["wording=table4 (public-code)"]),
        listed(
            "rag",
            "puts the best passages before the problem",
            &["passages=1", "gate=open (perplexity)"],
        ),
        listed("sc", "keeps the draft most like the others", &["drafts=5"]),
        listed("nucleus", "samples", &NUCLEUS),
        listed(
            "adapt",
            "samples, hotter at the beginning of a line",
            &[
                "line_start=1.2",
                "temperature=0.5",
                "top_p=1",
                NUCLEUS[2],
                NUCLEUS[3],
                NUCLEUS[4],
                NUCLEUS[5],
                NUCLEUS[6],
            ],
        ),
        listed("greedy", "takes the best token", &[]),
        listed("beam", "searches for the most probable text", &["beams=3", "length_penalty=1"]),
        listed(
            "adadec",
            "takes the best token and looks ahead where it is uncertain",
            &["threshold=1", "candidates=3", "lookahead=5"],
        ),
        listed(
            "guard",
            "takes back lines that nothing can make Python",
            &["retries=10", "stop=run (dedent)"],
        ),
    ];

    /// What may stand behind `|`: which draft is the answer.
    pub const CHOICES: &[Self] = &[
        listed("first", "the one draft there is", &[]),
        listed("medoid", "the draft most like the others, as sc", &["n=5"]),
        listed(
            "visible-tests",
            "the draft that passes most of the examples of its prompt",
            &[
                "n=10",
                "wave=4",
                "stop=first (all, doubling:SHARE, beta:PROBABILITY)",
                "tie=log_prob (first)",
                "repair=off (on)",
            ],
        ),
        listed("log-prob", "the draft that is most probable per token", &["n=10"]),
        listed(
            "vote",
            "the draft that does what most others do",
            &["n=10", "inputs=12", "rule=soft (hard)", "sketch=off (on)"],
        ),
        listed("mbr-exec", "the same on the first call that the prompt shows", &["n=10"]),
        listed(
            "codet",
            "the draft that agrees with the model's own tests",
            &["n=10", "tests=10", "weights=count (aces)"],
        ),
    ];
}

const NUCLEUS: [&str; 7] = [
    "temperature=0.8",
    "top_p=0.9",
    "top_k (none)",
    "min_p=0",
    "typical_p=1",
    "top_n_sigma=inf",
    "order=hf (llamacpp)",
];

const fn listed(name: &'static str, what: &'static str, keys: &'static [&'static str]) -> Listed {
    Listed { name, what, keys }
}

impl fmt::Display for Listed {
    /// On one line the name and what it does, on further ones its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<14} {}", self.name, self.what)?;
        self.keys.iter().try_for_each(|key| write!(f, "\n{:<17} {key}", ""))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::Recipe;

    fn refusal(name: &str) -> String {
        name.parse::<Recipe>().unwrap_err().to_string()
    }

    /// What of a list an error names.
    fn choices<'e>(error: &'e str, before: &str, after: &str) -> Vec<&'e str> {
        let list = error.split_once(before).unwrap().1;
        list.strip_suffix(after).unwrap().split(", ").collect()
    }

    #[test]
    fn all_parts_are_listed_and_no_others() {
        let names =
            |listed: &[Listed]| -> Vec<&str> { listed.iter().map(|one| one.name).collect() };
        assert_eq!(choices(&refusal("?"), "join some of ", " by +"), names(Listed::PARTS));
        assert_eq!(choices(&refusal("cad|?"), "one of ", ""), names(Listed::CHOICES));
    }

    #[test]
    fn all_keys_are_listed_and_no_others() {
        let chosen = |listed: &&Listed| listed.name != "first";
        let behind = Listed::CHOICES.iter().filter(chosen).map(|one| (one, "nucleus|"));
        for (one, before) in Listed::PARTS.iter().map(|one| (one, "")).chain(behind) {
            let error = refusal(&format!("{before}{}(?=1)", one.name));
            let keys: Vec<_> =
                one.keys.iter().map(|key| key.split(['=', ' ']).next().unwrap()).collect();
            match keys[..] {
                [] => assert!(error.ends_with("it takes none"), "{error}"),
                _ => assert_eq!(choices(&error, "choose ", ""), keys, "{}", one.name),
            }
        }
    }

    #[test]
    fn what_is_listed_is_what_nothing_said_means() {
        for one in Listed::PARTS {
            let plain: Recipe = one.name.parse().unwrap();
            let said = one
                .keys
                .iter()
                .filter_map(|key| key.split(' ').next().filter(|key| key.contains('=')));
            let said: Vec<&str> = said.collect();
            let full = format!("{}({})", one.name, said.join(","));
            assert_eq!(full.parse::<Recipe>().unwrap(), plain, "{full}");
        }
        for one in Listed::CHOICES {
            let plain: Recipe = format!("vanilla|{}", one.name).parse().unwrap();
            let said = one.keys.iter().filter_map(|key| key.split(' ').next());
            let full = format!("vanilla|{}({})", one.name, said.collect::<Vec<_>>().join(","));
            assert_eq!(full.parse::<Recipe>().unwrap(), plain, "{full}");
        }
    }
}
