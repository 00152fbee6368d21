//! Selections in waves: the same answers whatever the engine holds and in whatever order drafts arrive.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::decode::{ContextAware, Greedy, Settings};
use infer_code_cad::engine::EngineConfig;
use infer_code_cad::tasks::Problem;
use infer_code_cad::{
    Bench, Draft, DraftRequest, PromptFormat, Prompted, SelectError, Selecting, Selection,
    Selector, Solution, SolveConfig, SolveEvent, Solver, Stream, Technique, Writer, solve,
};

/// Asks for one draft after the other until one is short, the later ones from a prompt of its own under
/// a contrast.
#[derive(Debug)]
struct UntilShort;

const MOST: usize = 4;
const SHORT: usize = 30;

impl Selector for UntilShort {
    fn most_drafts(&self) -> usize {
        MOST
    }

    fn first_drafts(&self) -> usize {
        2
    }

    fn begin(&self, problem: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        Ok(Box::new(Looking { problem: problem.clone() }))
    }

    fn settings(&self) -> Settings {
        Settings::new("until_short").with("tokens", SHORT)
    }
}

struct Looking {
    problem: Problem,
}

impl Looking {
    fn more(&self, drafts: &[Draft], bench: &Bench<'_>) -> Result<DraftRequest, SelectError> {
        let index = drafts.len() - 2;
        let mut more = DraftRequest::new(1, index..index + 1);
        let said = format!("{}\n{}", drafts[index].program, self.problem.prompt);
        let streams = [said, self.problem.signature.clone()].map(|text| bench.writer.raw(&text));
        more.prompt = Some(Prompted::new(streams.into_iter().collect::<Result<_, _>>()?));
        more.decoder = Some(Arc::new(ContextAware::new(0.5, Greedy)));
        more.max_new_tokens = Some(20 + index);
        Ok(more)
    }
}

impl Selecting for Looking {
    fn next(&mut self, drafts: &[Draft], bench: &Bench<'_>) -> Result<Selection, SelectError> {
        let last = drafts.len() - 1;
        match drafts[last].tokens.len() {
            tokens if tokens < SHORT => Ok(Selection::answer(last, format!("{tokens} tokens"))),
            _ if drafts.len() < 2 => Ok(Selection::Wait),
            _ if drafts.len() < 2 + MOST => Ok(Selection::More(vec![self.more(drafts, bench)?])),
            _ => Ok(Selection::answer(0, "none is short")),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Run {
    solutions: BTreeMap<(usize, usize), Solution>,
    /// Of each draft that was chosen, by problem, role and index.
    addresses: BTreeMap<(usize, u32, usize), String>,
}

fn run(max_rows: usize) -> Run {
    let config = EngineConfig { max_rows, ..EngineConfig::default() };
    let solver = Solver::new(&crate::model(), &config);
    let technique = Technique { selector: Arc::new(UntilShort), ..crate::technique("vanilla") };
    let problems = crate::problems(20);
    let config = SolveConfig { n_samples: 3, ..SolveConfig::default() };
    let (mut solutions, mut addresses) = (BTreeMap::new(), BTreeMap::new());
    solve(&technique, &problems, &solver, &config, &mut |event| {
        match event {
            SolveEvent::Solution { problem, sample, solution, .. } => {
                assert_eq!(solution.drafts, sample * MOST..(sample + 1) * MOST);
                assert!(solution.drafts.contains(&solution.draft));
                assert!(solutions.insert((problem, sample), solution).is_none());
            }
            SolveEvent::Drafted { problem, draft, known } => {
                assert!(!known);
                addresses.insert((problem, draft.role, draft.index), draft.address.clone());
            }
            SolveEvent::Failed { reason, .. } => panic!("{reason}"),
            _ => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(solutions.len(), 3 * problems.len());
    let is_chosen = |(problem, role, index): &(usize, u32, usize)| {
        let of = solutions.get(&(*problem, index / MOST)).unwrap();
        of.role == *role && of.draft == *index
    };
    addresses.retain(|key, _| is_chosen(key));
    Run { solutions, addresses }
}

#[test]
fn rows_change_no_answer_and_a_full_window_stops_no_wave() {
    let wide = run(64);
    assert!(wide.solutions.values().any(|solution| solution.role == 1), "a later wave is chosen");
    assert!(wide.solutions.values().any(|solution| solution.role == 0), "an early draft is chosen");
    assert_eq!(wide.addresses.len(), wide.solutions.len());
    for rows in [2, 5] {
        assert!(run(rows) == wide, "{rows} rows");
    }
}

#[test]
fn self_consistency_chooses_among_the_samples_of_vanilla() {
    let (solver, problems) = (crate::solver(), crate::problems(30));
    let drafts = |name: &str, n_samples| {
        let config = SolveConfig { n_samples, ..SolveConfig::default() };
        let mut found = BTreeMap::new();
        solve(&crate::technique(name), &problems, &solver, &config, &mut |event| {
            if let SolveEvent::Drafted { problem, draft, .. } = event {
                found.insert((problem, draft.index), (draft.address.clone(), draft.text.clone()));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    };
    assert_eq!(drafts("vanilla", 10), drafts("sc", 2));
}

#[test]
fn a_span_of_a_prompt_is_its_tokens() {
    let solver = crate::solver();
    let writer = PromptFormat::Raw.writer(&solver).unwrap();
    let problem = &crate::problems(1)[0];
    let stream = writer.raw(&problem.prompt).unwrap();
    let at = problem.prompt.find(&problem.docstring).unwrap();
    let bytes = at..at + problem.docstring.len();
    let spans = writer.spans(&stream, &[bytes, 0..problem.prompt.len()]).unwrap();
    let text =
        |span: &std::ops::Range<usize>| solver.model.tokenizer.decode(&stream.tokens[span.clone()]);
    assert!(text(&spans[0]).contains(problem.docstring.trim()), "{:?}", text(&spans[0]));
    assert_eq!(text(&spans[1]), problem.prompt);
    let foreign = Stream { text: "other".into(), tokens: stream.tokens.clone() };
    assert!(writer.spans(&foreign, &[]).is_err());
}
