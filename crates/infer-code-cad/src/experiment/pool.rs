use infer_code_cad_report::{Memory, Speed, StudyArm};

use crate::Judging;

/// A run, and when programs ran while it was timed.
pub(super) type Part = (StudyArm, Option<Judging>);

/// Runs of one arm as one: samples of the same problem, drawn with other seeds, stand behind one another.
pub(super) fn pool(mut parts: Vec<StudyArm>) -> StudyArm {
    if let [one] = parts.as_mut_slice() {
        return std::mem::take(one);
    }
    let mut pooled = StudyArm { speed: speed(&parts), ..StudyArm::default() };
    let seeds: Vec<String> = distinct(parts.iter().filter_map(|part| part.settings.get("seed")));
    pooled.settings = parts.first().map(|part| part.settings.clone()).unwrap_or_default();
    pooled
        .settings
        .retain(|name, value| parts.iter().all(|part| part.settings.get(name) == Some(value)));
    if !seeds.is_empty() {
        pooled.settings.insert("seed".to_owned(), seeds.join(", "));
    }
    let most =
        |of: fn(&Memory) -> Option<u64>| parts.iter().filter_map(|part| of(&part.memory)).max();
    pooled.memory = Memory {
        peak_bytes: most(|memory| memory.peak_bytes),
        weight_bytes: most(|memory| memory.weight_bytes),
        kv_cache_bytes: most(|memory| memory.kv_cache_bytes),
        left_over_bytes: most(|memory| memory.left_over_bytes),
    };
    for part in parts {
        pooled.unjudged_samples += part.unjudged_samples;
        for problem in part.problems {
            let known = pooled.problems.iter_mut().find(|known| known.task_id == problem.task_id);
            match known {
                Some(known) => known.samples.extend(problem.samples),
                None => pooled.problems.push(problem),
            }
        }
    }
    pooled
}

/// Total tokens over total time: a part's time is its tokens over its rate.
fn speed(parts: &[StudyArm]) -> Speed {
    let mut total = (0.0, 0.0);
    for part in parts {
        let samples = part.problems.iter().flat_map(|problem| &problem.samples);
        let tokens: u64 = samples.filter_map(|sample| sample.tokens).sum();
        let Some(rate) = part.speed.tokens_per_second else { return Speed::default() };
        total = (total.0 + tokens as f64, total.1 + tokens as f64 / rate);
    }
    let rate = (total.1 > 0.0).then(|| total.0 / total.1);
    Speed { tokens_per_second: rate, ..Speed::default() }
}

fn distinct<'a>(values: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen: Vec<String> = vec![];
    for value in values {
        if !seen.contains(value) {
            seen.push(value.clone());
        }
    }
    seen
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use infer_code_cad_report::{Sample, StudyProblem};

    use super::*;

    fn part(task_id: &str, tokens: u64, rate: f64, seed: &str) -> StudyArm {
        let sample = Sample { tokens: Some(tokens), ..Sample::new("passed") };
        let problem = StudyProblem {
            task_id: task_id.to_owned(),
            samples: vec![sample],
            ..StudyProblem::default()
        };
        let settings = [("seed", seed), ("benchmark", task_id), ("n_samples", "1")];
        StudyArm {
            problems: vec![problem],
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            speed: Speed { tokens_per_second: Some(rate), ..Speed::default() },
            ..StudyArm::default()
        }
    }

    #[test]
    fn seeds_are_more_samples_and_benchmarks_more_problems() {
        let pooled =
            pool(vec![part("a", 10, 5.0, "0"), part("b", 30, 10.0, "0"), part("a", 20, 4.0, "1")]);
        let tallies: Vec<u64> = pooled.problems.iter().map(|problem| problem.tally().n).collect();
        assert_eq!(tallies, [2, 1]);
        assert_eq!(pooled.speed.tokens_per_second, Some(60.0 / 10.0), "2 + 3 + 5 seconds");
        assert_eq!(pooled.settings["seed"], "0, 1");
        assert_eq!(pooled.settings["n_samples"], "1");
        assert!(!pooled.settings.contains_key("benchmark"));
    }

    #[test]
    fn one_part_is_itself() {
        let one = part("a", 10, 5.0, "0");
        assert_eq!(pool(vec![one.clone()]), one);
    }
}
