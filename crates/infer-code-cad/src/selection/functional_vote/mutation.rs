//! Arguments like the ones that tests have, by fixed rules.

use infer_code_cad_tasks::{Literal, TestCall};

/// Calls that differ from these in one literal argument. The first variant of every argument of
/// every call comes first, then the second, so that a few of them are a varied few.
pub(super) fn mutated(calls: &[TestCall]) -> Vec<TestCall> {
    let mut found = Vec::new();
    for call in calls {
        for (place, argument) in call.arguments.iter().enumerate() {
            let Some(literal) = Literal::parse(&argument.value) else { continue };
            found.extend(variants(&literal).into_iter().enumerate().map(|(rank, variant)| {
                let mut mutated = call.clone();
                mutated.arguments[place].value = variant.to_string();
                (rank, mutated)
            }));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, call)| call).collect()
}

/// Other values of a literal's type: empty, one element, turned round, doubled, sorted, its
/// neighbours and negative, a character beyond ASCII.
fn variants(literal: &Literal) -> Vec<Literal> {
    let mut variants = match literal {
        Literal::None => vec![],
        Literal::Bool(value) => vec![Literal::Bool(!value)],
        Literal::Int(value) => {
            let near = [value.checked_add(1), value.checked_neg(), value.checked_sub(1), Some(0)];
            near.into_iter().flatten().map(Literal::Int).collect()
        }
        Literal::Float(value) => {
            [value + 1.0, -value, value - 1.0, 0.0].into_iter().map(Literal::Float).collect()
        }
        Literal::Str(text) => texts(text).map(Literal::Str).into(),
        Literal::List(parts) => sequences(parts).into_iter().map(Literal::List).collect(),
        Literal::Tuple(parts) => sequences(parts).into_iter().map(Literal::Tuple).collect(),
        Literal::Set(parts) => {
            vec![
                Literal::Set(vec![]),
                Literal::Set(first(parts)),
                Literal::Set(each(parts, negated)),
            ]
        }
        Literal::Dict(pairs) => {
            vec![Literal::Dict(vec![]), Literal::Dict(pairs.iter().take(1).cloned().collect())]
        }
    };
    variants.retain(|variant| variant != literal);
    variants
}

fn texts(text: &str) -> [String; 6] {
    let mut sorted: Vec<char> = text.chars().collect();
    sorted.sort_unstable();
    [
        String::new(),
        text.chars().take(1).collect(),
        text.chars().rev().collect(),
        text.repeat(2),
        sorted.into_iter().collect(),
        format!("{text}é"),
    ]
}

fn sequences(parts: &[Literal]) -> Vec<Vec<Literal>> {
    let turned = parts.iter().rev().cloned().collect();
    vec![
        vec![],
        first(parts),
        turned,
        [parts, parts].concat(),
        each(parts, negated),
        sorted(parts),
        each(parts, next),
    ]
}

fn first(parts: &[Literal]) -> Vec<Literal> {
    parts.iter().take(1).cloned().collect()
}

fn each(parts: &[Literal], of: fn(&Literal) -> Literal) -> Vec<Literal> {
    parts.iter().map(of).collect()
}

fn negated(literal: &Literal) -> Literal {
    match literal {
        Literal::Int(value) => Literal::Int(value.saturating_neg()),
        Literal::Float(value) => Literal::Float(-value),
        other => other.clone(),
    }
}

fn next(literal: &Literal) -> Literal {
    match literal {
        Literal::Int(value) => Literal::Int(value.saturating_add(1)),
        Literal::Float(value) => Literal::Float(value + 1.0),
        other => other.clone(),
    }
}

/// Numbers, or texts, in their order; a mixture, which Python does not sort either, as it is.
fn sorted(parts: &[Literal]) -> Vec<Literal> {
    let mut sorted = parts.to_vec();
    if parts.iter().all(|part| matches!(part, Literal::Str(_))) {
        sorted.sort_by(|a, b| text(a).cmp(text(b)));
    } else if parts.iter().all(|part| number(part).is_finite()) {
        sorted.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    sorted
}

fn text(literal: &Literal) -> &str {
    if let Literal::Str(text) = literal { text } else { "" }
}

/// NaN of what is none.
fn number(literal: &Literal) -> f64 {
    match literal {
        Literal::Int(value) => *value as f64,
        Literal::Float(value) => *value,
        _ => f64::NAN,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_variants() {
        for (literal, expected) in [
            ("None", ""),
            ("True", "False"),
            ("3", "4 -3 2 0"),
            ("0", "1 -1"),
            ("-2.5", "-1.5 2.5 -3.5 0.0"),
            ("'ba'", "'' 'b' 'ab' 'baba' 'ab' 'baé'"),
            ("[]", ""),
            ("[2, 1]", "[] [2] [1, 2] [2, 1, 2, 1] [-2, -1] [1, 2] [3, 2]"),
            ("('a', 1)", "() ('a',) (1, 'a') ('a', 1, 'a', 1) ('a', -1) ('a', 2)"),
            ("{5}", "set() {-5}"),
            ("{1: 2, 3: 4}", "{} {1: 2}"),
        ] {
            let variants = variants(&Literal::parse(literal).unwrap());
            let written: Vec<_> = variants.iter().map(ToString::to_string).collect();
            assert_eq!(written.join(" "), expected, "{literal}");
        }
    }

    #[test]
    fn a_long_list_of_several_types_is_sorted_or_left_as_it_is() {
        let part = |at: usize| match at % 3 {
            0 => Literal::Float((at * 37 % 101) as f64 + 0.5),
            _ => Literal::Int((at * 37 % 101) as i128),
        };
        let mut parts: Vec<Literal> = (0..100).map(part).collect();
        let numbers: Vec<f64> = sorted(&parts).iter().map(number).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        // As the nodes of a tree, of which some are missing.
        (0..100).step_by(4).for_each(|at| parts[at] = Literal::None);
        assert_eq!(sorted(&parts), parts);
    }

    #[test]
    fn the_first_variants_of_all_arguments_come_first() {
        let test = "assert round(f(1, x, k=[2])) == 3";
        let calls = [TestCall::in_test(test, "f").unwrap()];
        let calls: Vec<_> = mutated(&calls).iter().map(ToString::to_string).collect();
        assert_eq!(calls[0], "round(f(2, x, k=[2]))");
        assert_eq!(calls[1], "round(f(1, x, k=[]))");
        assert_eq!(calls[2], "round(f(-1, x, k=[2]))");
    }
}
