//! A study as a run would give it: made up, the same every time.

use std::collections::BTreeMap;

use infer_code_cad_report::{
    Memory, PaperRow, Percentiles, Prompt, Role, Sample, Speed, Study, StudyArm, StudyProblem,
    TABLE_1,
};

/// Name, control, chance to pass, tokens per second, peak memory in MB, row of the paper.
type Plan = (&'static str, Role, f64, f64, u64, Option<usize>);

/// Seven arms: six judged on `problems` problems with ten samples each, and one with rates alone.
pub(crate) fn study(problems: usize) -> Study {
    let against = |control: &str| Role::Exploratory { control: Some(control.into()) };
    let plans: [Plan; 6] = [
        ("vanilla", Role::Control, 0.085, 158.3, 412, Some(0)),
        ("cad(alpha=0)", Role::Control, 0.073, 131.0, 431, None),
        ("cad", Role::Confirmatory { control: "cad(alpha=0)".into() }, 0.10, 83.1, 431, Some(1)),
        (
            "rag(gate=perplexity)",
            Role::Confirmatory { control: "vanilla".into() },
            0.09,
            149.7,
            466,
            Some(2),
        ),
        ("sc", against("vanilla"), 0.092, 31.9, 440, Some(4)),
        ("cot", against("vanilla"), 0.05, 155.0, 425, Some(5)),
    ];
    let mut draw = Draw(7);
    // What makes a problem hard is the same for all.
    let ease: Vec<f64> = (0..problems).map(|_| draw.next().powi(6) * 7.0).collect();
    let mut arms: Vec<StudyArm> = plans.iter().map(|plan| arm(plan, &ease, &mut draw)).collect();
    arms.push(StudyArm {
        speed: Speed { tokens_per_second: Some(21.4), ..Speed::default() },
        memory: Memory { peak_bytes: Some(2_713_000_000), ..Memory::default() },
        paper: Some(TABLE_1[6].figures()),
        ..StudyArm::new("vanilla", "gemma-2-2b, random weights", "HumanEval")
    });
    Study {
        title: "Contrast and retrieval on HumanEval".into(),
        notes: vec!["Numbers of a generator: this page shows what a report looks like, not what a model does.".into()],
        settings: map(&[
            ("checkpoint", "sha256:5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c"),
            ("template", "chat, from the checkpoint"),
            ("sampler", "nucleus(temperature=0.8,top_p=0.9)"),
            ("stop", "\"\\nclass\" \"\\ndef\" \"\\n#\" \"\\nif\" \"\\nprint\""),
            ("max_new_tokens", "256"),
            ("seeds", "0, 1, 2"),
        ]),
        environment: map(&[("machine", "2 cores, AVX-512"), ("version", "0.1.0"), ("python", "3.11.2")]),
        arms,
        ..Study::default()
    }
}

fn arm(
    (name, role, chance, rate, megabytes, row): &Plan,
    ease: &[f64],
    draw: &mut Draw,
) -> StudyArm {
    let problems = ease.iter().enumerate().map(|(i, ease)| problem(i, name, chance * ease, draw));
    StudyArm {
        role: role.clone(),
        settings: map(&[("decoder", name)]),
        problems: problems.collect(),
        speed: Speed {
            tokens_per_second: Some(*rate),
            mean_of_rates: Some(rate * 0.93),
            prefill_tokens_per_second: Some(rate * 4.1),
            decode_tokens_per_second: Some(rate * 1.2),
            first_token_seconds: Some(8.0 / rate),
            answer_seconds: Some(Percentiles {
                p50: 90.0 / rate,
                p95: 250.0 / rate,
                p99: 256.0 / rate,
            }),
        },
        memory: Memory {
            peak_bytes: Some(megabytes * 1_000_000),
            weight_bytes: Some(269_000_000),
            kv_cache_bytes: Some((megabytes - 380) * 1_000_000),
            left_over_bytes: None,
        },
        paper: row.map(|row| PaperRow::figures(&TABLE_1[row])),
        ..StudyArm::new(*name, "SmolLM2-135M-Instruct", "HumanEval")
    }
}

fn problem(index: usize, arm: &str, chance: f64, draw: &mut Draw) -> StudyProblem {
    let samples = (0..10).map(|_| {
        let passed = draw.next() < chance;
        let verdict = match (passed, draw.next()) {
            (true, _) => "passed",
            (_, luck) if luck < 0.70 => "failed",
            (_, luck) if luck < 0.93 => "syntax error",
            (_, luck) if luck < 0.985 => "timeout",
            _ => "memory",
        };
        let reason =
            if passed { "" } else { "AssertionError: assert candidate([1.0, 2.0], 0.3) == False" };
        Sample {
            reason: reason.into(),
            program: Some(program(index, passed)),
            tokens: Some(40 + (draw.next() * 200.0) as u64),
            ..Sample::new(verdict)
        }
    });
    let samples = samples.collect();
    let question = format!(
        "Return only code for the completed function.\n\ndef has_close_{index}(numbers: list[float], limit: float) \
         -> bool:\n    \"\"\"Are two of the numbers nearer than the limit?\n    >>> has_close_{index}([1.0, 2.0], 0.5)\n    \
         False\n    \"\"\"\n"
    );
    let mut prompts = vec![Prompt { name: "question".into(), text: question.clone() }];
    if arm.starts_with("cad") {
        let text = format!("\"\"\"Are two of the numbers nearer than the limit?\"\"\"\n{question}");
        prompts.insert(0, Prompt { name: "context".into(), text });
    } else if arm != "vanilla" && arm != "sc" {
        prompts[0].text = format!("{arm}\n{question}");
    }
    StudyProblem { task_id: format!("HumanEval/{index}"), samples, prompts }
}

fn program(index: usize, passed: bool) -> String {
    let test = if passed { "abs(a - b) < limit" } else { "a - b < limit" };
    let loops = if passed { "numbers[i + 1:]" } else { "numbers" };
    format!(
        "def has_close_{index}(numbers: list[float], limit: float) -> bool:\n    for i, a in enumerate(numbers):\n        \
         for b in {loops}:\n            if {test}:\n                return True\n    return False\n"
    )
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// SplitMix64: Steele, Lea and Flood, [Fast Splittable Pseudorandom Number
/// Generators](https://doi.org/10.1145/2660193.2660195).
struct Draw(u64);

impl Draw {
    /// A number in [0, 1).
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / 2f64.powi(64)
    }
}
