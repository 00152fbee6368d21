#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Mutex;

use infer_code_cad_sandbox::{
    Judge, JudgeError, Observation, Probe, Report, ScriptedJudge, Submission,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::selection::driven::{Answered, answered, draft, judge, problem, script};

const TESTS: [&str; 3] = ["assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3"];

/// Drafts of these programs, each with what it does, in waves.
fn choose(config: &BestOfN, does: &[&str], alone: &str) -> Answered {
    let judge =
        does.iter().fold(judge(&TESTS, alone), |judge, does| script(judge, does, &TESTS, does));
    let config = BestOfN { drafts: does.len(), ..config.clone() };
    answered(&config, &problem(&TESTS), &judge, |_, index| draft(0, index, does[index]))
}

fn all() -> BestOfN {
    BestOfN { stop: Stopping::All, ..BestOfN::default() }
}

#[test]
fn the_first_that_passes_all_is_the_answer_at_once() {
    let does = ["+--", "++-", "+++", "+++ ", "---"];
    let run = choose(&BestOfN { wave: 2, ..BestOfN::default() }, &does, "---");
    assert_eq!((run.chosen, run.drafts.len()), (2, 3));
    assert_eq!(run.why, "passes 3 of 3 visible tests; stop=first, draft 3 of 3, wave 2");
    let ranges: Vec<_> = run.requests.iter().map(|request| request.drafts.clone()).collect();
    assert_eq!(ranges, [0..2, 2..4]);
}

#[test]
fn a_wave_changes_neither_drafts_nor_answer() {
    let does = ["---", "!", "+-+", "++-", "-++", "+++", "---", "+++ ", "-+-", "+--"];
    let run = |stop, wave| {
        let run = choose(&BestOfN { wave, stop, ..BestOfN::default() }, &does, "---");
        let programs: Vec<_> = run.drafts.into_iter().map(|draft| draft.program).collect();
        (run.chosen, programs)
    };
    for stop in [Stopping::First, Stopping::All, Stopping::Doubling(0.5), Stopping::Beta(0.7)] {
        assert!((2..=10).all(|wave| run(stop, wave) == run(stop, 1)), "{stop}");
    }
    assert_eq!(run(Stopping::First, 10), (5, does[..6].iter().map(|d| (*d).to_owned()).collect()));
    assert_eq!(run(Stopping::All, 4).1.len(), 10);
}

#[test]
fn ranks_are_passed_then_loads_then_log_probability_then_first() {
    let judge = ["++-", "-++", "---", "!"]
        .iter()
        .fold(judge(&TESTS, "---"), |judge, does| script(judge, does, &TESTS, does));
    let choose = |tie, drafts: &[(&str, f64)]| {
        let config = BestOfN { drafts: drafts.len(), tie, ..all() };
        answered(&config, &problem(&TESTS), &judge, |_, index| {
            let (does, log_prob) = drafts[index];
            Draft { log_prob: Some(log_prob), ..draft(0, index, does) }
        })
    };
    assert_eq!(choose(Tie::LogProb, &[("---", -0.1), ("++-", -9.0), ("-++", -9.5)]).chosen, 1);
    assert_eq!(choose(Tie::LogProb, &[("++-", -3.0), ("-++", -2.0), ("++-", -2.0)]).chosen, 1);
    assert_eq!(choose(Tie::First, &[("++-", -3.0), ("-++", -2.0)]).chosen, 0);
    let loads = choose(Tie::LogProb, &[("!", -0.1), ("---", -9.0), ("!", f64::NAN)]);
    assert_eq!(loads.chosen, 1);
    assert_eq!(
        loads.why,
        "no draft passes: 0 of 3 visible tests, then the highest mean log-probability; stop=all, \
         draft 2 of 3, wave 1; 1 drafts without a log-probability"
    );
}

#[test]
fn without_a_test_the_most_probable_or_the_first_is_taken() {
    let judge = ["!", "a", "b"]
        .iter()
        .fold(ScriptedJudge::new(), |judge, does| script(judge, does, &[], does));
    let choose = |tie| {
        let config = BestOfN { drafts: 3, tie, ..BestOfN::default() };
        answered(&config, &problem(&[]), &judge, |_, index| Draft {
            log_prob: Some(index as f64 - 9.0),
            ..draft(0, index, ["!", "b", "a"][index])
        })
    };
    let run = choose(Tie::LogProb);
    assert_eq!(run.chosen, 2);
    assert!(
        run.why.starts_with("no visible test: the highest mean log-probability; "),
        "{}",
        run.why
    );
    let run = choose(Tie::First);
    assert_eq!((run.chosen, run.drafts.len()), (0, 1));
    assert!(run.why.starts_with("no visible test: the first; "), "{}", run.why);
}

#[test]
fn tests_that_fail_by_themselves_are_dropped_and_told() {
    let run = choose(&BestOfN::default(), &["+NS", "+++"], "-NS");
    assert_eq!(run.chosen, 0);
    assert_eq!(
        run.why,
        "passes 1 of 1 visible tests; stop=first, draft 1 of 1, wave 1; 2 of 3 tests dropped, which fail \
         by themselves"
    );
    // The same of a draft alone is the draft's fault.
    assert_eq!(choose(&BestOfN::default(), &["+NS", "+++"], "---").chosen, 1);
    // Where the stand-in itself does not load, nothing is known of the tests.
    assert_eq!(choose(&BestOfN::default(), &["+NS", "+++"], "!").chosen, 1);
}

#[test]
fn equal_drafts_are_told() {
    let run = choose(&all(), &["+--", "+--", "+--"], "---");
    assert_eq!(run.chosen, 0);
    assert!(run.why.ends_with("; all drafts are equal"), "{}", run.why);
}

#[test]
fn a_class_is_what_a_draft_passes_and_who_passes_nothing_has_no_vote() {
    let doubling = BestOfN { stop: Stopping::Doubling(0.75), ..BestOfN::default() };
    assert_eq!(choose(&doubling, &["+--", "+--", "+++"], "---").drafts.len(), 2);
    assert_eq!(choose(&doubling, &["-+-", "+--", "---", "+--", "+++"], "---").drafts.len(), 5);
    let run = choose(&doubling, &["---", "!", "---", "T--", "+++"], "---");
    assert_eq!((run.drafts.len(), run.chosen), (5, 4), "four failures alike are no majority");
    let beta = BestOfN { stop: Stopping::Beta(0.95), ..BestOfN::default() };
    assert_eq!(choose(&beta, &["++-"; 10], "---").drafts.len(), 4);
}

/// Counts its calls, and from the second run of a program on shows the opposite on one test.
#[derive(Debug)]
struct Fickle {
    inner: ScriptedJudge,
    fickle: Option<&'static str>,
    /// Of this program alone; `None` for all.
    of: Option<&'static str>,
    runs: Mutex<BTreeMap<String, usize>>,
}

impl Judge for Fickle {
    fn judge(&self, of: &Submission<'_>, limits: &Limits) -> Result<Report, JudgeError> {
        self.inner.judge(of, limits)
    }

    fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        limits: &Limits,
    ) -> Result<Vec<Observation>, JudgeError> {
        let mut runs = self.runs.lock().unwrap();
        let run = runs.entry(program.to_owned()).or_default();
        *run += 1;
        let mut seen = self.inner.observe(program, probes, limits)?;
        for (probe, seen) in probes.iter().zip(&mut seen) {
            let is_meant = self.of.is_none_or(|of| of == program);
            if *run > 1 && is_meant && self.fickle.is_some_and(|test| *probe == Probe::Check(test))
            {
                *seen = Observation::Limit("another day".into());
            }
        }
        Ok(seen)
    }

    fn settings(&self) -> Settings {
        Settings::new("fickle")
    }
}

fn fickle(does: &[&str], fickle: Option<&'static str>) -> Fickle {
    let inner =
        does.iter().fold(judge(&TESTS, "---"), |judge, does| script(judge, does, &TESTS, does));
    Fickle { inner, fickle, of: None, runs: Mutex::default() }
}

#[test]
fn what_two_runs_of_a_draft_differ_in_it_does_not_pass() {
    let does = ["++-", "+++", "++- "];
    let judge = fickle(&does, Some(TESTS[2]));
    let config = BestOfN { drafts: 3, ..BestOfN::default() };
    let run = answered(&config, &problem(&TESTS), &judge, |_, i| draft(0, i, does[i]));
    assert_eq!((run.drafts.len(), run.chosen), (3, 0), "three pass two tests");
    assert!(run.why.starts_with("no draft passes: 2 of 3 visible tests, then"), "{}", run.why);
    let unstable = "1 of 3 tests not passed by a draft of which two runs differ in them";
    assert!(run.why.ends_with(unstable), "{}", run.why);
}

#[test]
fn a_draft_of_chance_takes_no_test_from_the_others() {
    // The first passes by luck, the second always.
    let does = ["+++ ", "+++"];
    let judge = Fickle { of: Some("+++ "), ..fickle(&does, Some(TESTS[2])) };
    let config = BestOfN { drafts: 2, ..BestOfN::default() };
    let run = answered(&config, &problem(&TESTS), &judge, |_, i| draft(0, i, does[i]));
    assert_eq!(run.chosen, 1);
    assert!(run.why.starts_with("passes 3 of 3 visible tests"), "{}", run.why);
    assert!(
        run.why.contains("1 of 3 tests not passed by a draft of which two runs"),
        "{}",
        run.why
    );
}

#[test]
fn a_draft_that_passes_some_is_run_twice_too() {
    // Both pass one test of three, the first by luck.
    let does = ["+--", "-+-"];
    let judge = Fickle { of: Some("+--"), ..fickle(&does, Some(TESTS[0])) };
    let config = BestOfN { drafts: 2, ..all() };
    let run = answered(&config, &problem(&TESTS), &judge, |_, i| draft(0, i, does[i]));
    assert_eq!(run.chosen, 1, "{}", run.why);
}

#[test]
fn equal_programs_run_once_and_the_answer_twice() {
    let does = ["+--", "+--", "++-", "+--", "+++", "+++"];
    let judge = fickle(&does, None);
    let config = BestOfN { drafts: 6, ..all() };
    let run = answered(&config, &problem(&TESTS), &judge, |_, i| draft(0, i, does[i]));
    assert_eq!(run.chosen, 4);
    let runs = judge.runs.lock().unwrap();
    assert_eq!((runs["+--"], runs["++-"], runs["+++"]), (1, 1, 2));
}

#[test]
fn the_number_of_drafts_is_geometric_up_to_the_last() {
    const RUNS: usize = 2000;
    let (n, p) = (10, 0.3_f64);
    let judge = ["+++", "+--"]
        .iter()
        .fold(judge(&TESTS, "---"), |judge, does| script(judge, does, &TESTS, does));
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut found, mut solved) = (vec![0_usize; n], 0_usize);
    for _ in 0..RUNS {
        let config = BestOfN { drafts: n, wave: 3, ..BestOfN::default() };
        let run = answered(&config, &problem(&TESTS), &judge, |_, index| {
            let passes = f64::from(rng.next_u32()) < p * 2.0_f64.powi(32);
            draft(0, index, if passes { "+++" } else { "+--" })
        });
        found[run.drafts.len() - 1] += 1;
        solved += usize::from(run.drafts[run.chosen].program == "+++");
    }
    let runs = RUNS as f64;
    let share = |drafts: usize| {
        let before = (1.0 - p).powi(i32::try_from(drafts).unwrap() - 1);
        if drafts == n { before } else { before * p }
    };
    let cells = found.iter().enumerate();
    let statistic: f64 = cells
        .map(|(at, found)| (*found as f64 - share(at + 1) * runs).powi(2) / (share(at + 1) * runs))
        .sum();
    assert!(statistic < 27.88, "chi-square with 9 degrees of freedom, p = 0.001: {statistic}");
    // E = (1 - (1-p)^n) / p, and P(success) = 1 - (1-p)^n: five standard errors each.
    let success = 1.0 - (1.0 - p).powi(10);
    let mean =
        found.iter().enumerate().map(|(at, found)| (at + 1) * found).sum::<usize>() as f64 / runs;
    assert!((mean - success / p).abs() < 5.0 * 2.4 / runs.sqrt(), "{mean}");
    let deviation = (success * (1.0 - success) / runs).sqrt();
    assert!((solved as f64 / runs - success).abs() < 5.0 * deviation, "{solved}");
}

#[test]
fn settings_say_all_that_a_choice_depends_on_and_bad_ones_are_refused() {
    let settings = BestOfN::default().settings().to_string();
    let limits = BestOfN::default().limits.settings();
    assert_eq!(
        settings,
        format!("visible_tests(drafts=10,wave=4,stop=first,tie=log_prob,limits={limits})")
    );
    let repair = BestOfN { repair: Some(Repair::default()), ..BestOfN::default() };
    let sampler = "nucleus(temperature=0.8,top_p=0.95";
    let text = repair.settings().to_string();
    assert!(text.contains(&format!(",repair=repair(rounds=2,sampler={sampler}")), "{text}");
    for (config, complaint) in [
        (BestOfN { stop: Stopping::Beta(1.5), ..all() }, "beta of stop is 1.5"),
        (
            BestOfN { repair: Some(Repair { rounds: 0, ..Repair::default() }), ..all() },
            "leave repair off",
        ),
    ] {
        let error = config.begin(&problem(&TESTS), 0).err().unwrap().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    assert_eq!("first".parse::<Tie>().unwrap(), Tie::First);
    assert!("last".parse::<Tie>().unwrap_err().to_string().contains("expected log_prob or first"));
}
