use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{Study, StudyArm};

impl Study {
    /// The reproducibility hash: SHA-256 over the settings, and the settings, role and tallies of every arm.
    ///
    /// Two studies that have it did the same and counted the same. The order of arms and problems, texts, times,
    /// memory and the environment are not in it, so that it holds from machine to machine.
    pub fn fingerprint(&self) -> String {
        let mut hash = Parts::default();
        hash.text("infer-code-cad study 1");
        hash.map(&self.settings);
        hash.number(self.tested_k);
        let mut arms: Vec<&StudyArm> = self.arms.iter().collect();
        arms.sort_by_key(|arm| (&arm.benchmark, &arm.model, &arm.name));
        hash.number(arms.len() as u64);
        arms.into_iter().for_each(|arm| hash.arm(arm));
        hash.finish()
    }
}

/// Parts of a hash, each with its length first: "ab", "c" and "a", "bc" are different.
#[derive(Default)]
struct Parts(Sha256);

impl Parts {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn map(&mut self, map: &BTreeMap<String, String>) {
        self.number(map.len() as u64);
        for (name, value) in map {
            self.text(name);
            self.text(value);
        }
    }

    fn arm(&mut self, arm: &StudyArm) {
        [&arm.name, &arm.model, &arm.benchmark].into_iter().for_each(|part| self.text(part));
        self.text(&arm.role.to_string());
        // A missing control is not an empty one.
        self.number(arm.role.control().is_some().into());
        self.text(arm.role.control().unwrap_or_default());
        self.map(&arm.settings);
        let mut problems: Vec<_> =
            arm.problems.iter().map(|problem| (&problem.task_id, problem.tally())).collect();
        problems.sort_by_key(|(task_id, tally)| (*task_id, tally.n, tally.c));
        self.number(problems.len() as u64);
        for (task_id, tally) in problems {
            self.text(task_id);
            self.number(tally.n);
            self.number(tally.c);
        }
    }

    fn finish(self) -> String {
        let mut text = "sha256:".to_owned();
        for byte in self.0.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sample, Speed, StudyProblem};
    use super::*;

    fn study() -> Study {
        let problem = |task: &str, verdict: &str| StudyProblem {
            task_id: task.into(),
            samples: vec![Sample::new(verdict)],
            ..StudyProblem::default()
        };
        let arm = |name: &str| StudyArm {
            problems: vec![problem("a", "passed"), problem("b", "failed")],
            ..StudyArm::new(name, "m", "b")
        };
        Study { arms: vec![arm("x"), arm("y")], ..Study::default() }
    }

    #[test]
    fn order_speed_and_environment_say_nothing() {
        let mut other = study();
        other.arms.reverse();
        other.arms[0].problems.reverse();
        other.arms[0].speed = Speed { tokens_per_second: Some(3.0), ..Speed::default() };
        other.environment.insert("machine".into(), "another".into());
        assert_eq!(other.fingerprint(), study().fingerprint());
    }

    #[test]
    fn settings_and_tallies_count() {
        let changes: [fn(&mut Study); 4] = [
            |study| study.settings.extend([("seed".to_owned(), "1".to_owned())]),
            |study| study.arms[0].problems[0].samples.push(Sample::new("passed")),
            |study| study.arms[1].problems[1].samples[0].verdict = "passed".into(),
            |study| study.arms[0].settings.extend([("alpha".to_owned(), ".5".to_owned())]),
        ];
        for change in changes {
            let mut other = study();
            change(&mut other);
            assert_ne!(other.fingerprint(), study().fingerprint());
        }
    }

    #[test]
    fn the_hash_stays_what_it_is() {
        assert_eq!(
            Study::default().fingerprint(),
            "sha256:c68429c31dba9fa2818d402a3534ec1bab9870093c3606d777844b1a5c9bff0e",
            "files of earlier releases would no longer be read"
        );
    }
}
