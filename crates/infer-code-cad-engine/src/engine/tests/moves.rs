//! Decoders with several branches, that go back and guess: what they are shown is always what they made.

use std::collections::BTreeMap;

use infer_code_cad_decode::{BranchId, RowLogProbs};

use super::*;
use crate::{LogProbs, MoveError, Speculation, Speculator};

/// Makes random moves that are allowed, and compares what it is shown with a copy of its own.
#[derive(Debug, Clone)]
struct Wanderer {
    arity: usize,
    branches: usize,
}

struct Wandering {
    prompt: Vec<Vec<TokenId>>,
    branches: usize,
    shadow: BTreeMap<BranchId, (Vec<TokenId>, f64)>,
    settled: usize,
    rewinds: usize,
}

impl Decoder for Wanderer {
    fn arity(&self) -> usize {
        self.arity
    }

    fn branches(&self) -> usize {
        self.branches
    }

    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        Ok(Box::new(Wandering {
            prompt: opening.prompt.iter().map(|stream| stream.to_vec()).collect(),
            branches: self.branches,
            shadow: BTreeMap::new(),
            settled: 0,
            rewinds: 0,
        }))
    }

    fn settings(&self) -> Settings {
        Settings::new("wanderer")
    }
}

impl Wandering {
    fn compare(&self, branch: &Branch<'_>) {
        let (past, log_prob) = &self.shadow[&branch.id];
        assert_eq!(branch.past, past);
        assert!((branch.log_prob - log_prob).abs() < 1e-9);
        if branch.ended {
            return;
        }
        for (stream, prompt) in self.prompt.iter().enumerate() {
            let whole: Vec<TokenId> = prompt.iter().chain(past).copied().collect();
            let expected: Vec<f32> = hash_logits(&whole).collect();
            assert_eq!(branch.logits.row(stream), expected, "stream {stream} after {past:?}");
        }
    }

    fn grown(&self, branch: &Branch<'_>, token: TokenId) -> (Vec<TokenId>, f64) {
        let (mut past, mut log_prob) = self.shadow[&branch.id].clone();
        past.push(token);
        log_prob += RowLogProbs::of(branch.logits.row(0)).of_token(token);
        (past, log_prob)
    }

    fn rewind(&mut self, branch: &Branch<'_>, moves: &mut Moves<'_>, rng: &mut dyn Rng) {
        let len = self.settled + rng.next_u32() as usize % (branch.past.len() - self.settled + 1);
        let (prompt, past) = (&self.prompt[0], &branch.past[..len]);
        let mut sum = 0.0;
        for at in 0..len {
            let before: Vec<TokenId> = prompt.iter().chain(&past[..at]).copied().collect();
            let row: Vec<f32> = hash_logits(&before).collect();
            sum += RowLogProbs::of(&row).of_token(past[at]);
        }
        self.shadow.insert(branch.id, (past.to_vec(), sum));
        moves.rewind(branch.id, len);
        self.rewinds += 1;
    }
}

impl Decoding for Wandering {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        if self.shadow.is_empty() {
            self.shadow.insert(branches[0].id, (vec![], 0.0));
        }
        let shown: Vec<BranchId> = branches.iter().map(|branch| branch.id).collect();
        assert!(
            shown.len() == self.shadow.len() && shown.iter().all(|id| self.shadow.contains_key(id))
        );
        branches.iter().for_each(|branch| self.compare(branch));
        let all_ended = branches.iter().all(|branch| branch.ended);
        if dice(rng, 60) == 0 || (all_ended && dice(rng, 3) > 0) {
            let branch = &branches[dice(rng, branches.len() as u32) as usize];
            let len =
                self.settled + dice(rng, (branch.past.len() - self.settled) as u32 + 1) as usize;
            moves.finish(branch.id, len);
            return Ok(());
        }
        let mut held = branches.len();
        for branch in branches {
            let token = dice(rng, VOCAB_SIZE as u32);
            if branch.ended {
                if held > 1 && dice(rng, 4) == 0 {
                    (held, _) = (held - 1, self.shadow.remove(&branch.id));
                    moves.drop(branch.id);
                }
                continue;
            }
            if held < self.branches && dice(rng, 3) == 0 {
                held += 1;
                let fork = moves.fork(branch.id, token, branch.logits.row(0));
                self.shadow.insert(fork, self.grown(branch, token));
            }
            let token = dice(rng, VOCAB_SIZE as u32);
            match dice(rng, 12) {
                0 if held > 1 => {
                    (held, _) = (held - 1, self.shadow.remove(&branch.id));
                    moves.drop(branch.id);
                }
                1 if self.rewinds < 12 => {
                    self.rewind(branch, moves, rng);
                }
                _ => {
                    let grown = self.grown(branch, token);
                    self.shadow.insert(branch.id, grown);
                    moves.extend(branch.id, token, branch.logits.row(0));
                }
            }
        }
        if branches.len() == 1 && self.shadow.len() == 1 && dice(rng, 3) == 0 {
            let (id, (past, _)) = self.shadow.first_key_value().unwrap();
            self.settled = self.settled.max(past.len() - past.len().min(1));
            moves.settle(*id, self.settled);
        }
        Ok(())
    }
}

fn dice(rng: &mut dyn Rng, sides: u32) -> u32 {
    rng.next_u32() % sides
}

/// Guesses with hash-made tokens, of which some are right by luck and some are no tokens.
#[derive(Debug)]
struct Guesser {
    /// Looks at what the sequence would be without guesses.
    known: Vec<TokenId>,
}

struct Guessing(Vec<TokenId>, usize);

impl Speculation for Guesser {
    fn begin(&self, _prompt: &[&[TokenId]], sample: usize) -> Box<dyn Speculator> {
        Box::new(Guessing(self.known.clone(), sample))
    }
}

impl Speculator for Guessing {
    fn propose(&mut self, past: &[TokenId], room: usize, out: &mut Vec<TokenId>) {
        out.clear(); // whatever it does with the list, it is its own
        let right = self.0.iter().skip(past.len());
        self.1 += 1;
        let wrong = VOCAB_SIZE as TokenId + 3 - self.1 as TokenId % 5;
        out.extend(right.take(self.1 % 4).copied().chain([wrong, 1]).take(room + 1));
    }

    fn verified(&mut self, proposed: usize, kept: usize) {
        assert!(kept <= proposed);
    }
}

fn wander(arity: usize, branches: usize, n: usize, seed: u64) -> Request {
    let streams: Vec<Vec<TokenId>> =
        (0..arity).map(|stream| vec![stream as TokenId + 1; 1 + stream * 2]).collect();
    let mut request = Request::new("wander", streams, Arc::new(Wanderer { arity, branches }));
    (request.samples, request.max_new_tokens, request.seed) = (0..n, 14, seed);
    (request.eos, request.log_probs) = (vec![EOS], LogProbs::Top(2));
    request.stop = vec!["def".to_owned()];
    request
}

proptest! {
    #[test]
    fn what_a_decoder_is_shown_is_what_it_made(
        arity in 1usize..3, branches in 1usize..5, spare in 0usize..9, seed: u64,
    ) {
        let request = wander(arity, branches, 6, seed);
        let config = EngineConfig { max_rows: arity * branches + spare, ..Default::default() };
        let (alone, stats) = run(std::slice::from_ref(&request), &config).unwrap();
        prop_assert_eq!(alone.len(), 6);
        prop_assert!(stats.peak_rows <= config.max_rows);
        for (completion, _) in alone.values() {
            let tokens: Vec<TokenId> = completion.log_probs.iter().map(|t| t.token).collect();
            prop_assert_eq!(&tokens, &completion.tokens);
            prop_assert_eq!(completion.cost.kept, tokens.len());
            let sum = completion.log_probs.iter().fold(0.0, |sum, scored| sum + scored.log_prob);
            prop_assert_eq!(sum, completion.log_prob);
        }
        // Beside others and with guesses everything is the same.
        let wide = EngineConfig { max_rows: 64, tokens_per_pass: 40, ..Default::default() };
        let mut both = vec![request.clone(), problems(4).remove(0)];
        let mut together = run(&both, &wide).unwrap().0;
        together.retain(|key, _| key.0 == "wander");
        prop_assert_eq!(&together, &alone);
        let known = alone[&("wander".to_owned(), 0)].0.tokens.clone();
        both[0].speculation = Some(Arc::new(Guesser { known }));
        let mut guessed = run(&both, &wide).unwrap().0;
        guessed.retain(|key, _| key.0 == "wander");
        for (key, (completion, text)) in &guessed {
            let (plain, plain_text) = &alone[key];
            // What is held back when a decoder finishes without a new token comes with the completion alone, and
            // with guesses that is less.
            prop_assert!(completion.text.starts_with(text.as_str()) && text.starts_with(plain_text.as_str()));
            let cost = completion.cost;
            prop_assert!(cost.thrown_away >= plain.cost.thrown_away);
            let same = Completion { cost: plain.cost, ..completion.clone() };
            prop_assert_eq!(&same, plain);
        }
    }
}

#[test]
fn guesses_save_passes_and_change_no_token() {
    let mut request = request("t", &[&[1, 2], &[3]], 1);
    (request.eos, request.max_new_tokens) = (vec![], 20);
    let (plain, before) = run(std::slice::from_ref(&request), &config()).unwrap();
    let key = ("t".to_owned(), 0);
    let known = plain[&key].0.tokens.clone();
    request.speculation = Some(Arc::new(Guesser { known }));
    let (guessed, after) = run(&[request], &config()).unwrap();
    assert_eq!(guessed[&key].0.tokens, plain[&key].0.tokens);
    assert_eq!(guessed[&key].0.log_prob.to_bits(), plain[&key].0.log_prob.to_bits());
    assert!(after.decode_steps * 3 < before.decode_steps * 2, "{after:?} {before:?}");
    assert!(guessed[&key].0.cost.thrown_away > 0, "wrong guesses are counted");
}

/// Panics when it is asked.
#[derive(Debug)]
struct Faulty(bool);

impl Speculation for Faulty {
    fn begin(&self, _: &[&[TokenId]], _: usize) -> Box<dyn Speculator> {
        assert!(self.0, "no guesses");
        Box::new(Self(true))
    }
}

impl Speculator for Faulty {
    fn propose(&mut self, _: &[TokenId], _: usize, _: &mut Vec<TokenId>) {
        panic!("no guesses")
    }

    fn verified(&mut self, _: usize, _: usize) {}
}

#[test]
fn a_speculator_that_panics_fails_its_sample_and_no_other() {
    for begins in [false, true] {
        let mut request = request("t", &[&[1, 2]], 1);
        request.speculation = Some(Arc::new(Faulty(begins)));
        let mut finished = 0;
        let mut failed = vec![];
        let requests = [request, problems(1).remove(0)];
        generate(&mut engine(&config()), requests, &mut |_, event| {
            match event {
                Event::Finished { .. } => finished += 1,
                Event::Failed { error, .. } => failed.push(error.to_string()),
                _ => {}
            }
            Continue(())
        });
        assert!(
            finished == 1 && failed.len() == 1 && failed[0].contains("no guesses"),
            "{failed:?}"
        );
    }
}

/// A decoder that wants more branches than can be counted.
#[test]
fn rows_that_no_number_holds_are_refused() {
    let mut request = request("t", &[&[1], &[2]], 1);
    request.decoder = Arc::new(Wanderer { arity: 2, branches: usize::MAX });
    let error = run(&[request], &config()).unwrap_err();
    assert!(matches!(error, EngineError::RowCap { branches: usize::MAX, .. }), "{error}");
}

/// Makes one kind of move that is not allowed, after a token.
#[derive(Debug, Clone)]
struct Wrong(&'static str);

impl Decoder for Wrong {
    fn branches(&self) -> usize {
        2
    }

    fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        match self.0 {
            "panic at begin" => panic!("at begin"),
            _ => Ok(Box::new(self.clone())),
        }
    }

    fn settings(&self) -> Settings {
        Settings::new(self.0)
    }
}

impl Decoding for Wrong {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        _: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        let Branch { id, logits, past, .. } = branches[0];
        let row = logits.row(0);
        if past.is_empty() {
            moves.extend(id, 0, row);
            moves.settle(id, 1);
            return Ok(());
        }
        match self.0 {
            "nothing" => {}
            "panic" => panic!("on purpose"),
            "twice" => [1, 2].into_iter().for_each(|token| moves.extend(id, token, row)),
            "outside" => moves.extend(id, VOCAB_SIZE as TokenId, row),
            "nan" => moves.extend(id, 1, &[f32::NAN; VOCAB_SIZE]),
            "drop" => moves.drop(id),
            "too far" => moves.rewind(id, 2),
            "settled" => moves.rewind(id, 0),
            "settle ahead" => moves.settle(id, 5),
            "finish behind" => moves.finish(id, 0),
            "after finish" => {
                moves.finish(id, 1);
                moves.extend(id, 1, row);
            }
            "back to where it is" => {
                moves.extend(id, 1, row);
                moves.rewind(id, 2);
                moves.extend(id, 2, row);
            }
            "settled otherwise" => {
                let fork = moves.fork(id, 1, row);
                moves.extend(id, 2, row);
                moves.settle(id, 2);
                moves.settle(fork, 2);
            }
            "three" => {
                moves.extend(id, 1, row);
                [2, 3].into_iter().for_each(|token| _ = moves.fork(id, token, row));
            }
            "fork of a fork" => {
                let fork = moves.fork(id, 1, row);
                moves.fork(fork, 1, row);
            }
            "round and round" => moves.rewind(id, 1),
            other => unreachable!("{other}"),
        }
        Ok(())
    }
}

#[test]
fn moves_that_cannot_be_made_fail_their_sample() {
    let fault = |kind| {
        let mut request = request("t", &[&[1, 2]], 1);
        request.decoder = Arc::new(Wrong(kind));
        run(&[request, problems(1).remove(0)], &config()).unwrap_err()
    };
    let moved = |kind| match fault(kind) {
        EngineError::Moves { source, .. } => source,
        other => panic!("{kind}: {other}"),
    };
    assert!(matches!(moved("nothing"), MoveError::NotMoved { .. }));
    assert!(matches!(moved("twice"), MoveError::ExtendedTwice { .. }));
    assert!(matches!(moved("outside"), MoveError::TokenOutOfRange { token: 12, .. }));
    assert!(matches!(moved("nan"), MoveError::NoDistribution { token: 1 }));
    assert!(matches!(moved("drop"), MoveError::NoneLeft));
    assert!(matches!(moved("too far"), MoveError::TooLong { len: 2, has: 1, .. }));
    assert!(matches!(moved("settled"), MoveError::Settled { len: 0, settled: 1, .. }));
    assert!(matches!(moved("settle ahead"), MoveError::TooLong { len: 5, .. }));
    assert!(matches!(moved("finish behind"), MoveError::Settled { .. }));
    assert!(matches!(moved("back to where it is"), MoveError::ExtendedTwice { .. }));
    assert!(matches!(moved("settled otherwise"), MoveError::SettledOtherwise { .. }));
    assert!(matches!(moved("after finish"), MoveError::AfterFinish));
    assert!(matches!(moved("three"), MoveError::TooManyBranches { held: 3, allowed: 2 }));
    assert!(matches!(moved("fork of a fork"), MoveError::UnknownBranch { .. }));
    assert!(matches!(moved("round and round"), MoveError::Endless { .. }));
    for (kind, text) in [("panic", "on purpose"), ("panic at begin", "at begin")] {
        let error = fault(kind).to_string();
        assert!(error.contains("panicked") && error.contains(text), "{error}");
    }
}
