use std::collections::BTreeMap;
use std::ops::ControlFlow;

use infer_code_cad_decode::{ContextAware, Greedy, Nucleus};
use infer_code_cad_engine::{
    Completion, Engine, EngineConfig, Event, Request, TableModel, generate,
};

use super::*;

/// A model of words, after a prompt of the token 0, that ends its texts with the last word.
struct Language {
    words: Vec<&'static str>,
    model: TableModel,
}

impl Language {
    /// Words that are as likely as their weights wherever they stand.
    fn new(words: &[(&'static str, u32)], len: usize) -> Self {
        let weights: Vec<u32> = words.iter().map(|word| word.1).collect();
        let mut model = TableModel::new(words.len());
        let mut streams = vec![vec![0]];
        for _ in 0..=len {
            for stream in std::mem::take(&mut streams) {
                model = model.row(&stream, &weights);
                let next = (0..words.len() as u32).map(|token| [&stream[..], &[token]].concat());
                streams.extend(next);
            }
        }
        Self { words: words.iter().map(|word| word.0).collect(), model }
    }

    fn complete<D: Decoder + 'static>(
        &self,
        decoder: D,
        len: usize,
        samples: usize,
    ) -> Vec<Completion> {
        self.complete_after("def f():\n", decoder, len, samples)
    }

    fn complete_after<D: Decoder + 'static>(
        &self,
        written: &str,
        decoder: D,
        len: usize,
        samples: usize,
    ) -> Vec<Completion> {
        let streams = vec![vec![0]; decoder.arity()];
        let mut request = Request::new("guard", streams, Arc::new(decoder));
        (request.samples, request.max_new_tokens) = (0..samples, len);
        request.written = written.into();
        let config = EngineConfig { max_rows: 64, ..EngineConfig::default() };
        let model = Arc::new(self.model.clone());
        let mut engine = Engine::new(model, Arc::new(self.words.clone()), config).unwrap();
        let (mut done, mut seen) = (vec![None; samples], vec![String::new(); samples]);
        generate(&mut engine, [request], &mut |_, event| {
            match event {
                Event::Token { sample, text, .. } => seen[sample].push_str(&text),
                Event::Finished { sample, completion } => done[sample] = Some(completion),
                Event::Failed { error, .. } => panic!("{error}"),
                _ => {}
            }
            ControlFlow::Continue(())
        });
        let done: Vec<Completion> = done.into_iter().map(Option::unwrap).collect();
        for (completion, seen) in done.iter().zip(seen) {
            assert_eq!(completion.text, seen, "what was shown is not taken back");
        }
        done
    }
}

/// Pearson's statistic of texts against their probabilities, and the degrees of freedom. Texts of which fewer than
/// five are expected count together.
fn chi_square(texts: &[String], expected: &BTreeMap<String, f64>) -> (f64, usize) {
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for text in texts {
        assert!(expected.contains_key(text), "{text:?} is impossible");
        *counts.entry(text).or_default() += 1.0;
    }
    let (n, mut cells, mut rare) = (texts.len() as f64, Vec::new(), (0.0, 0.0));
    for (text, p) in expected {
        let cell = (counts.get(text.as_str()).copied().unwrap_or(0.0), n * p);
        if cell.1 < 5.0 {
            rare = (rare.0 + cell.0, rare.1 + cell.1);
        } else {
            cells.push(cell);
        }
    }
    cells.extend((rare.1 > 0.0).then_some(rare));
    let total: f64 = cells.iter().map(|cell| cell.1).sum();
    assert!((total / n - 1.0).abs() < 1e-9, "the probabilities sum to {}", total / n);
    (cells.iter().map(|(count, mean)| (count - mean).powi(2) / mean).sum(), cells.len() - 1)
}

/// Beyond it lies a share of 1e-4 of the distribution of chi-square, by Wilson and Hilferty.
fn critical(freedom: usize) -> f64 {
    let k = freedom as f64;
    k * (1.0 - 2.0 / (9.0 * k) + 3.719 * (2.0 / (9.0 * k)).sqrt()).powi(3)
}

fn guarded() -> SyntaxGuard<Nucleus> {
    SyntaxGuard { retries: 1_000, ..SyntaxGuard::new(Nucleus::default()) }
}

/// Two lines of one word each, of which three in ten are dead: what is left keeps its proportions.
#[test]
fn lines_are_drawn_from_the_conditional_distribution() {
    let words = [(" a\n", 4), (" b\n", 3), (" a b\n", 1), ("c\n", 2)];
    let language = Language::new(&words, 2);
    let completions = language.complete(guarded(), 2, 8_000);
    // The last line is judged only where another token would follow it: here the limit ends it.
    let mut expected = BTreeMap::new();
    for (first, p) in [(" a\n", 4.0), (" b\n", 3.0)] {
        for (second, q) in words {
            expected.insert([first, second].concat(), p / 7.0 * f64::from(q) / 10.0);
        }
    }
    let texts: Vec<String> = completions.iter().map(|c| c.text.clone()).collect();
    let (statistic, freedom) = chi_square(&texts, &expected);
    assert!(statistic < critical(freedom), "{statistic} with {freedom} degrees of freedom");
    // Of each draw of a first line 3 in 10 are dead: 3/7 per sample are thrown away.
    let thrown: usize = completions.iter().map(|c| c.cost.thrown_away).sum();
    let mean = thrown as f64 / 8_000.0;
    assert!((mean - 3.0 / 7.0).abs() < 0.05, "{mean}");
}

/// Tokens that hold the end of a line and the beginning of the next: the next is drawn again with that token, given
/// that it ends the line.
#[test]
fn a_token_that_two_lines_share_is_drawn_again_with_the_second() {
    let words = [("\n ", 3), ("\n  ", 2), ("a", 4), ("\n", 1)];
    let language = Language::new(&words, 5);
    let completions = language.complete_after("def f():\n a", guarded(), 4, 8_000);
    let texts: Vec<String> = completions.iter().map(|c| c.text.clone()).collect();
    let expected = by_units(&words, "def f():\n a", 4);
    let (statistic, freedom) = chi_square(&texts, &expected);
    let most = completions.iter().map(|c| c.cost.thrown_away).max();
    assert!(
        statistic < critical(freedom),
        "{statistic} with {freedom} degrees of freedom, at most {most:?} tokens taken back"
    );
    assert!(most > Some(0));
}

/// The distribution that the guard promises, by enumeration: from a start, all ways to the next start, each with its
/// probability, and the dead ones left out.
fn by_units(words: &[(&str, u32)], written: &str, len: usize) -> BTreeMap<String, f64> {
    let mut done = BTreeMap::new();
    let (watch, _) = Watch::new(written);
    let mut starts = vec![(String::new(), 0, watch, false, 1.0)];
    while let Some((text, at, watch, shared, mass)) = starts.pop() {
        let mut ways = Vec::new();
        walk(words, len, (String::new(), at, watch, 1.0), shared.then_some(at), &mut ways);
        let total: f64 = ways.iter().map(|way| way.3).sum();
        for (tail, at, next, p) in ways {
            let (text, mass) = ([&text[..], &tail].concat(), mass * p / total);
            match next {
                None => *done.entry(text).or_default() += mass,
                Some((watch, shared)) => starts.push((text, at, watch, shared, mass)),
            }
        }
    }
    done
}

type Way = (String, usize, Option<(Watch, bool)>, f64);

/// The ways of a unit: tokens up to the next start that is further on, or to the end.
fn walk(
    words: &[(&str, u32)],
    len: usize,
    (text, at, watch, p): (String, usize, Watch, f64),
    shared: Option<usize>,
    ways: &mut Vec<Way>,
) {
    let total: u32 = words.iter().map(|word| word.1).sum();
    for (word, weight) in words {
        let (mut next, p) = (watch.clone(), p * f64::from(*weight) / f64::from(total));
        let seen = next.feed(word.as_bytes());
        let longer = [&text[..], word].concat();
        if at + 1 == len {
            // The limit ends it before the token is judged.
            ways.push((longer, len, None, p));
        } else if seen.dead || (shared == Some(at) && !seen.ended) {
        } else if seen.ended && shared != Some(at) {
            // The start lies before this token, on the condition that it is one that ends the line.
            ways.push((text.clone(), at, Some((watch.clone(), true)), p));
        } else {
            walk(words, len, (longer, at + 1, next, p), shared, ways);
        }
    }
}

/// Where every line is alive, the guard changes nothing: the same tokens, and none thrown away.
#[test]
fn where_nothing_is_dead_the_tokens_are_those_of_the_inner_decoder() {
    let words = [("    a", 2), (" = 1", 1), ("\n", 3), ("    b", 1), ("\n\n", 1)];
    let language = Language::new(&words, 3);
    let (plain, guarded) = (Nucleus::default(), SyntaxGuard::new(Nucleus::default()));
    let plain = language.complete_after("", plain, 40, 50);
    let guarded = language.complete_after("", guarded, 40, 50);
    assert_eq!(plain, guarded);
}

#[test]
fn a_guard_is_the_same_inside_and_outside_a_contrast() {
    let words = [(" a\n", 4), (" b\n", 3), (" a b\n", 1), ("c\n", 2)];
    let language = Language::new(&words, 3);
    let outside = ContextAware::new(0.5, guarded());
    let inside = SyntaxGuard {
        retries: 1_000,
        ..SyntaxGuard::new(ContextAware::new(0.5, Nucleus::default()))
    };
    let outside = language.complete(outside, 12, 40);
    assert_eq!(outside, language.complete(inside, 12, 40));
    assert!(outside.iter().any(|c| c.cost.thrown_away > 0));
}

#[test]
fn a_line_that_is_always_dead_stays_after_so_many_draws() {
    let language = Language::new(&[("x\n", 1), ("y\n", 1)], 3);
    for retries in [1, 10] {
        let guard = SyntaxGuard { retries, ..SyntaxGuard::new(Nucleus::default()) };
        for completion in language.complete(guard, 5, 20) {
            assert_eq!((completion.tokens.len(), completion.cost.thrown_away), (5, retries));
        }
    }
}

/// An answer that begins with its first word, of which anything follows.
#[test]
fn lines_are_drawn_again_in_a_fence_of_python_or_of_no_language() {
    for (first, is_python) in [
        ("```\nimport y\n", true),
        ("```Python3\n", true),
        ("Here it is, as you said:\n```\nimport y\n", true),
        ("```\n", false),
        ("```bash\n", false),
        ("Here it is, as you said:\n", false),
    ] {
        let words = vec![first, "x = 1\n", "x y\n"];
        let language = Language { words, model: TableModel::new(3).row(&[0], &[1, 0, 0]) };
        let plain = language.complete_after("", Nucleus::default(), 6, 50);
        let guarded = language.complete_after("", guarded(), 6, 50);
        assert_eq!(guarded == plain, !is_python, "{first:?}");
        for Completion { text, .. } in guarded.iter().filter(|_| is_python) {
            let code = text[first.len()..].split("```").next().unwrap();
            let judged = code.trim_end().rsplit_once('\n').map_or("", |(lines, _)| lines);
            assert!(!judged.contains("x y"), "{text:?}");
        }
    }
}

#[test]
fn what_was_not_guarded_is_remarked() {
    let remark = |written: &str, text: &str| guarded().remark(written, text);
    assert_eq!(remark("", "So:\n```python\nx = 1\n```\n"), None);
    assert_eq!(remark("def f():\n", "    return 1\n"), None);
    for (written, text, expected) in [
        ("", "return 1\n", "found no fence of Python"),
        ("", "```python\nx y\n", "gave up: a line that nothing makes Python stands"),
        ("x y\n", "", "gave up"),
    ] {
        let said = remark(written, text).unwrap();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_completion_ends_with_its_function() {
    let words = [(" a\n", 4), ("\n", 1), ("# b\n", 1), ("c", 1), ("\nc", 1), (" a", 1)];
    let language = Language::new(&words, 4);
    let guard = SyntaxGuard { stop_at_dedent: true, ..guarded() };
    assert_eq!(
        guard.settings().to_string(),
        "guard(retries=1000,stop=dedent,inner=nucleus(temperature=1,top_p=1))"
    );
    let mut ended = 0;
    for completion in language.complete(guard, 30, 200) {
        let len = completion.tokens.len();
        assert!(
            !completion.text.trim_end_matches(['c', '\n']).contains("\nc"),
            "{:?}",
            completion.text
        );
        ended += usize::from(len < 30);
        assert!(
            len == 30 || completion.text.contains(" a"),
            "it has a body: {:?}",
            completion.text
        );
    }
    assert!(ended > 150, "{ended} ended before the limit");
}

#[test]
fn what_it_cannot_guard_is_refused() {
    let vocabulary: Arc<dyn Vocabulary> = Arc::new(vec!["x"]);
    let opening = Opening::new(&[], &vocabulary);
    let refused = |decoder: &dyn Decoder| decoder.begin(&opening).err().unwrap().to_string();
    let greedy = SyntaxGuard::new(ContextAware::new(0.5, Greedy));
    assert!(refused(&greedy).contains("would draw the same; take a sampler"));
    let never = SyntaxGuard { retries: 0, ..SyntaxGuard::new(Nucleus::default()) };
    assert_eq!(refused(&never), "retries is 0, expected a whole number of at least 1");
    assert!(refused(&SyntaxGuard::new(TwoBranches)).contains("put the guard inside of it"));
}

#[derive(Debug)]
struct TwoBranches;

impl Decoder for TwoBranches {
    fn branches(&self) -> usize {
        2
    }

    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        Nucleus::default().begin(opening)
    }

    fn settings(&self) -> Settings {
        Settings::new("two")
    }
}
