use std::ops::Range;
use std::time::{Duration, Instant};

use crate::{Bench, Draft, DraftRequest, SelectError, Selecting, Selection, Solution};

/// A sample on its way to an answer: what its selection asked for, and what of it is there.
///
/// Drafts arrive in any order and are shown in the order they were asked for, so that an answer depends on
/// the drafts alone.
pub(super) struct Sample {
    selecting: Box<dyn Selecting>,
    /// The drafts that it owns, of each role.
    own: Range<usize>,
    asked: Vec<Asked>,
    /// The first of those asked for.
    shown: Vec<Draft>,
    began: Option<Instant>,
    /// Whether all drafts were drawn, so that its time is known.
    drawn: bool,
}

struct Asked {
    role: u32,
    index: usize,
    /// The draft or why there is none, until it is shown.
    outcome: Option<Result<Draft, String>>,
}

/// Where a sample stands.
pub(super) enum Standing {
    /// It waits for drafts; these are asked for now.
    Waits(Vec<DraftRequest>),
    Answered(Box<Solution>),
}

impl Sample {
    pub(super) fn new(selecting: Box<dyn Selecting>, own: Range<usize>, first: usize) -> Self {
        let asked = own.clone().take(first).map(|index| Asked { role: 0, index, outcome: None });
        let (asked, shown) = (asked.collect(), Vec::new());
        Self { selecting, asked, shown, own, began: None, drawn: true }
    }

    /// A draft begins.
    pub(super) fn start(&mut self) {
        self.began.get_or_insert_with(Instant::now);
    }

    /// A draft need not be drawn.
    pub(super) fn take_known(&mut self) {
        self.drawn = false;
    }

    /// How long it has taken since its first draft began.
    pub(super) fn time(&self) -> Option<Duration> {
        self.began.filter(|_| self.drawn).map(|began| began.elapsed())
    }

    /// Takes in a draft, or why there is none.
    pub(super) fn arrive(&mut self, role: u32, index: usize, outcome: Result<Draft, String>) {
        let is_it = |asked: &&mut Asked| asked.role == role && asked.index == index;
        if let Some(asked) = self.asked.iter_mut().find(is_it) {
            asked.outcome = Some(outcome);
        }
    }

    /// Lets the selection look at what is there.
    ///
    /// # Errors
    /// Why the sample has no answer.
    pub(super) fn proceed(&mut self, bench: &Bench<'_>) -> Result<Standing, String> {
        let mut wanted = Vec::new();
        while let Some(outcome) = self.next_outcome() {
            self.shown.push(outcome?);
            match self.selecting.next(&self.shown, bench).map_err(|error| error.to_string())? {
                Selection::Wait => {}
                Selection::More(more) => {
                    for request in more {
                        wanted.push(self.ask(request).map_err(|error| error.to_string())?);
                    }
                }
                Selection::Answer { draft, program, why } => {
                    let solution = self.answer(draft, program, why);
                    let solution = solution.map_err(|error| error.to_string())?;
                    return Ok(Standing::Answered(Box::new(solution)));
                }
            }
            if self.shown.len() == self.asked.len() {
                return Err(SelectError::WaitsForever { drafts: self.shown.len() }.to_string());
            }
        }
        Ok(Standing::Waits(wanted))
    }

    fn next_outcome(&mut self) -> Option<Result<Draft, String>> {
        self.asked.get_mut(self.shown.len())?.outcome.take()
    }

    /// Enters drafts that are asked for, and gives the request with their numbers among all of the problem.
    fn ask(&mut self, mut request: DraftRequest) -> Result<DraftRequest, SelectError> {
        let (asked, most) = (request.drafts.clone(), self.own.len());
        if asked.start > asked.end || asked.end > most {
            return Err(SelectError::DraftRange { asked, most });
        }
        for draft in asked.clone() {
            let (role, index) = (request.role, self.own.start + draft);
            if self.asked.iter().any(|asked| asked.role == role && asked.index == index) {
                return Err(SelectError::Repeated { role, draft });
            }
            self.asked.push(Asked { role, index, outcome: None });
        }
        request.drafts = self.own.start + asked.start..self.own.start + asked.end;
        Ok(request)
    }

    fn answer(
        &mut self,
        draft: usize,
        program: Option<String>,
        why: String,
    ) -> Result<Solution, SelectError> {
        let drafts = self.shown.len();
        if draft >= drafts {
            return Err(SelectError::NoSuchDraft { draft, drafts });
        }
        let draft_tokens = self.shown.iter().map(|draft| draft.tokens.len()).sum();
        let draft = self.shown.swap_remove(draft);
        Ok(Solution {
            role: draft.role,
            draft: draft.index,
            drafts: self.own.clone(),
            program: program.unwrap_or(draft.program),
            why,
            finish: draft.finish,
            tokens: draft.tokens.len(),
            draft_tokens,
            completion: draft.text,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use infer_code_cad_engine::FinishReason;
    use infer_code_cad_sandbox::ScriptedJudge;
    use infer_code_cad_tasks::{Extraction, Problem};

    use super::*;
    use crate::{KnownDraft, PromptError, Stream, Writer};

    #[derive(Debug)]
    struct NoWriter;

    impl Writer for NoWriter {
        fn chat(
            &self,
            _: &[infer_code_cad_checkpoint::Message],
            _: &str,
        ) -> Result<Stream, PromptError> {
            Err(PromptError::Other("no model".into()))
        }
        fn raw(&self, _: &str) -> Result<Stream, PromptError> {
            Err(PromptError::Other("no model".into()))
        }
        fn spans(&self, _: &Stream, _: &[Range<usize>]) -> Result<Vec<Range<usize>>, PromptError> {
            Ok(vec![])
        }
        fn score(&self, _: &Stream, _: usize) -> Result<f64, PromptError> {
            Ok(0.0)
        }
    }

    /// Says what it is told to, once per call.
    struct Script(Vec<Selection>);

    impl Selecting for Script {
        fn next(&mut self, _: &[Draft], _: &Bench<'_>) -> Result<Selection, SelectError> {
            Ok(self.0.remove(0))
        }
    }

    fn sample(script: Vec<Selection>, first: usize) -> Sample {
        Sample::new(Box::new(Script(script)), 10..15, first)
    }

    fn draft(role: u32, index: usize) -> Draft {
        let problem = Problem::from_prompt("p", "def f(x):\n    \"\"\"x.\"\"\"\n").unwrap();
        let known = KnownDraft::new(format!("{role}/{index}"), vec![1, 2], FinishReason::Eos);
        Draft::new(&problem, Extraction::Plain, role, index, String::new(), known)
    }

    fn proceed(sample: &mut Sample) -> Result<Standing, String> {
        sample.proceed(&Bench::new(&ScriptedJudge::new(), &NoWriter))
    }

    #[test]
    fn drafts_are_shown_in_the_order_they_were_asked_for() {
        let script = vec![Selection::Wait, Selection::answer(1, "why")];
        let mut sample = sample(script, 3);
        sample.arrive(0, 11, Ok(draft(0, 11)));
        assert!(matches!(proceed(&mut sample), Ok(Standing::Waits(more)) if more.is_empty()));
        sample.arrive(0, 10, Ok(draft(0, 10)));
        let Ok(Standing::Answered(answer)) = proceed(&mut sample) else { panic!("it answers") };
        assert_eq!((answer.completion.as_str(), answer.draft_tokens), ("0/11", 4));
    }

    #[test]
    fn another_wave_has_numbers_of_the_sample() {
        let more = Selection::More(vec![DraftRequest::new(1, 0..2)]);
        let mut sample = sample(vec![more, Selection::Wait, Selection::answer(2, "")], 1);
        sample.arrive(0, 10, Ok(draft(0, 10)));
        let Ok(Standing::Waits(more)) = proceed(&mut sample) else { panic!("it waits") };
        assert_eq!((more[0].role, more[0].drafts.clone()), (1, 10..12));
        for index in [11, 10] {
            sample.arrive(1, index, Ok(draft(1, index)));
        }
        let Ok(Standing::Answered(answer)) = proceed(&mut sample) else { panic!("it answers") };
        assert_eq!((answer.completion.as_str(), answer.drafts), ("1/11", 10..15));
    }

    #[test]
    fn what_a_selection_may_not_do_fails_its_sample() {
        let more = |role, drafts| Selection::More(vec![DraftRequest::new(role, drafts)]);
        for (wish, complaint) in [
            (Selection::Wait, "waits with all 1 drafts"),
            (Selection::More(vec![]), "waits with all 1 drafts"),
            (more(0, 0..1), "draft 0 of role 0 was asked for twice"),
            (more(1, 4..6), "drafts 4 to 6 were asked for and a sample owns 5"),
            (Selection::answer(1, ""), "draft 1 was chosen of 1"),
        ] {
            let mut sample = sample(vec![wish], 1);
            sample.arrive(0, 10, Ok(draft(0, 10)));
            let reason = proceed(&mut sample).err().unwrap();
            assert!(reason.contains(complaint), "{reason}");
        }
    }

    #[test]
    fn a_draft_that_failed_fails_the_sample_when_its_turn_comes() {
        let mut early = sample(vec![Selection::answer(0, "")], 2);
        early.arrive(0, 11, Err("NaN".into()));
        assert!(matches!(proceed(&mut early), Ok(Standing::Waits(_))));
        early.arrive(0, 10, Ok(draft(0, 10)));
        assert!(matches!(proceed(&mut early), Ok(Standing::Answered(_))));
        let mut late = sample(vec![Selection::Wait], 2);
        late.arrive(0, 11, Err("NaN".into()));
        late.arrive(0, 10, Ok(draft(0, 10)));
        assert_eq!(proceed(&mut late).err().unwrap(), "NaN");
    }
}
