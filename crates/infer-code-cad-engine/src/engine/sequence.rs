use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use infer_code_cad_decode::{
    Branch as View, BranchId, DecodeError, Decoding, Logits, Move, MoveBook, Opening, Rooms,
    TokenId,
};
use rand_chacha::ChaCha8Rng;

use super::branch::{Branch, Moved};
use super::plan::Plan;
use super::random::sample_rng;
use super::reading::Root;
use super::shown::Shown;
use crate::{
    Ahead, Completion, Cost, EngineError, FinishReason, LogProbs, LogitRows, MoveError, RequestId,
    Speculator, Step, StepTimes,
};

/// One completion in the making and the streams that feed it.
pub(super) struct Sequence {
    pub(super) request: RequestId,
    pub(super) sample: usize,
    plan: Arc<Plan>,
    decoding: Box<dyn Decoding>,
    speculator: Option<Box<dyn Speculator>>,
    rng: ChaCha8Rng,
    book: MoveBook,
    branches: Vec<Branch>,
    /// The prompt's own logits, until the first token is decoded from them.
    first: Option<Arc<Vec<f32>>>,
    /// The token generated last and the guess that is fed behind it; empty without a guess.
    feed: Vec<TokenId>,
    pub(super) shown: Shown,
    cost: Cost,
    generated: usize,
    calls: usize,
    /// The branch and the length that are the completion.
    chosen: Option<(usize, usize)>,
    fault: Option<EngineError>,
}

/// Why a sequence cannot go on.
pub(super) enum Fault {
    Decode(DecodeError),
    Move(MoveError),
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<MoveError> for Fault {
    fn from(error: MoveError) -> Self {
        Self::Move(error)
    }
}

/// Logits of a pass: `width` positions of every stream of every branch that goes on.
#[derive(Clone, Copy)]
struct Rows<'a> {
    values: &'a [f32],
    width: usize,
    position: usize,
}

impl Sequence {
    /// A sample of a prompt that was read, or why it cannot begin.
    pub(super) fn new(
        request: RequestId,
        sample: usize,
        plan: &Arc<Plan>,
        root: Root,
    ) -> Result<Self, EngineError> {
        let asked = &plan.request;
        let prompt: Vec<&[TokenId]> = plan.streams().iter().map(Vec::as_slice).collect();
        let mut opening = Opening::new(&prompt, &plan.vocabulary);
        opening.written = &asked.written;
        opening.eos = &asked.eos;
        opening.max_new_tokens = plan.max_tokens;
        opening.sample = sample;
        let begun = unpanicked(|| asked.decoder.begin(&opening).map_err(Fault::Decode));
        let decoding = begun.map_err(|fault| fault.of(plan, sample, 0))?;
        let speculator =
            unpanicked(|| Ok(asked.speculation.as_ref().map(|s| s.begin(&prompt, sample))));
        let speculator = speculator.map_err(|fault| fault.of(plan, sample, 0))?;
        let mut book = MoveBook::new(plan.top());
        let branches = vec![Branch::new(book.name(), root.caches, plan)];
        Ok(Self {
            request,
            sample,
            decoding,
            speculator,
            rng: sample_rng(asked.seed, &asked.task, asked.role, sample),
            book,
            branches,
            first: Some(root.logits),
            feed: Vec::new(),
            shown: Shown::new(plan),
            cost: plan.cost(),
            generated: 0,
            calls: 0,
            chosen: None,
            fault: None,
            plan: Arc::clone(plan),
        })
    }

    pub(super) fn is_new(&self) -> bool {
        self.first.is_some()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.chosen.is_some() || self.fault.is_some()
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Streams that its next pass advances.
    pub(super) fn streams(&self) -> usize {
        self.plan.arity * self.branches.iter().filter(|branch| branch.ended.is_none()).count()
    }

    /// Positions of each stream that its next pass reads.
    pub(super) fn width(&self) -> usize {
        self.feed.len().max(1)
    }

    /// Guesses what comes next, at most `room` tokens, where the pass has `rows` without guesses.
    pub(super) fn guess(&mut self, room: usize, rows: usize, times: &StepTimes) {
        self.feed.clear();
        let (Some(speculator), [branch]) = (&mut self.speculator, &self.branches[..]) else {
            return;
        };
        let left = self.plan.max_tokens - branch.tokens.len();
        // The last token of a completion is not fed back, so nothing may be guessed behind it.
        let room = room.min(left.saturating_sub(1));
        let Some(&last) = branch.tokens.last().filter(|_| room > 0) else { return };
        let mut guess = Vec::new();
        let proposed = unpanicked(|| {
            speculator.look_ahead(&Ahead { rows, arity: self.plan.arity, times });
            speculator.propose(&branch.tokens, room, &mut guess);
            Ok(())
        });
        if let Err(fault) = proposed {
            self.fault = Some(fault.of(&self.plan, self.sample, branch.tokens.len()));
            return;
        }
        let known = |token: &TokenId| (*token as usize) < self.plan.vocab_size;
        guess.truncate(guess.iter().take(room).take_while(|token| known(token)).count());
        if !guess.is_empty() {
            self.feed.push(last);
            self.feed.extend(guess);
        }
    }

    /// One step per stream of every branch that goes on.
    pub(super) fn steps(&mut self) -> impl Iterator<Item = Step<'_>> {
        let Self { branches, plan, feed, .. } = self;
        let (plan, feed) = (&**plan, &feed[..]);
        branches.iter_mut().filter(|branch| branch.ended.is_none()).flat_map(move |branch| {
            let Branch { caches, tokens, .. } = branch;
            let last = tokens.len().saturating_sub(1)..;
            let tokens = if feed.is_empty() { &tokens[last] } else { feed };
            let logits = if feed.is_empty() { LogitRows::Last } else { LogitRows::All };
            caches.iter_mut().zip(plan.streams()).map(move |(cache, prompt)| {
                // Rewound to its beginning a branch reads the end of its prompt again.
                let tokens = if tokens.is_empty() { &prompt[prompt.len() - 1..] } else { tokens };
                Step { cache: cache.as_mut(), tokens, logits }
            })
        })
    }

    /// Decodes the first token.
    pub(super) fn begin(&mut self, rooms: &mut Rooms) {
        if let Some(first) = self.first.take() {
            self.guarded(|sequence| {
                sequence.decide(Rows { values: &first, width: 1, position: 0 }, rooms)?;
                sequence.conclude(rooms)
            });
        }
    }

    /// Decodes from the logits of a pass, `(streams, width, vocab_size)`.
    pub(super) fn advance(&mut self, logits: &[f32], rooms: &mut Rooms) {
        self.cost.row_passes += self.streams() * self.width();
        self.guarded(|sequence| {
            if sequence.feed.is_empty() {
                sequence.decide(Rows { values: logits, width: 1, position: 0 }, rooms)?;
            } else {
                sequence.verify(logits, rooms)?;
            }
            sequence.conclude(rooms)
        });
    }

    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> Result<(), Fault>) {
        if let Err(fault) = unpanicked(|| work(self)) {
            let position = self.branches.iter().map(|branch| branch.tokens.len()).max();
            self.fault = Some(fault.of(&self.plan, self.sample, position.unwrap_or(0)));
        }
    }

    /// Follows the guess as long as the decoding agrees, and forgets the rest of it.
    fn verify(&mut self, values: &[f32], rooms: &mut Rooms) -> Result<(), Fault> {
        let feed = std::mem::take(&mut self.feed);
        let (width, before) = (feed.len(), self.branches[0].tokens.len());
        let (proposed, mut kept) = (width - 1, 0);
        for position in 0..width {
            self.ask(Rows { values, width, position }, rooms)?;
            let guessed = feed.get(position + 1);
            let agrees = self.only_extends_by().is_some_and(|token| Some(&token) == guessed);
            kept += usize::from(agrees);
            if !agrees {
                self.branches[0].truncate_caches(before + position, &self.plan);
            }
            self.apply()?;
            if !agrees || self.branches[0].ended.is_some() {
                break;
            }
        }
        self.generated += proposed - kept; // those that agreed are counted as generated
        if let Some(speculator) = &mut self.speculator {
            speculator.verified(proposed, kept);
        }
        self.feed = feed;
        self.feed.clear();
        if let [branch] = &mut self.branches[..] {
            branch.unfeed_last(&self.plan);
        }
        Ok(())
    }

    /// The token, where the decoding did nothing but extend the one branch (and settle).
    fn only_extends_by(&self) -> Option<TokenId> {
        let mut moves = self.book.made().iter().filter(|made| !matches!(made, Move::Settle { .. }));
        match (moves.next(), moves.next()) {
            (Some(Move::Extend { chosen, .. }), None) => Some(chosen.token),
            _ => None,
        }
    }

    /// Asks the decoding and does what it says.
    fn decide(&mut self, rows: Rows<'_>, rooms: &mut Rooms) -> Result<(), Fault> {
        self.ask(rows, rooms)?;
        self.apply()
    }

    fn ask(&mut self, rows: Rows<'_>, rooms: &mut Rooms) -> Result<(), Fault> {
        self.calls += 1;
        let (calls, max_tokens) = (self.calls, self.plan.max_tokens);
        if calls > max_tokens.saturating_add(1).saturating_mul(64) {
            return Err(MoveError::Endless { calls, max_tokens }.into());
        }
        let Self { branches, decoding, book, rng, plan, .. } = self;
        if let [branch] = &branches[..] {
            let shown = [rows.show(branch, 0, plan)?];
            return Ok(decoding.advance(&shown, &mut book.moves(rooms), rng)?);
        }
        let mut shown = Vec::with_capacity(branches.len());
        let mut nth = 0;
        for branch in &*branches {
            shown.push(rows.show(branch, nth, plan)?);
            nth += usize::from(branch.ended.is_none());
        }
        Ok(decoding.advance(&shown, &mut book.moves(rooms), rng)?)
    }

    /// Makes the moves of the last call.
    fn apply(&mut self) -> Result<(), Fault> {
        let mut book = std::mem::take(&mut self.book);
        let outcome = self.fork_all(&book).and_then(|()| self.move_all(&mut book));
        self.book = book;
        outcome?;
        Ok(self.check_branches()?)
    }

    /// Forks come first: they copy branches as these were shown.
    fn fork_all(&mut self, book: &MoveBook) -> Result<(), MoveError> {
        self.branches.iter_mut().for_each(|branch| branch.moved = Moved::Not);
        let shown = self.branches.len();
        for made in book.made() {
            if let Move::Fork { from, to, chosen } = made {
                let source = self.branches[..shown].iter().find(|branch| branch.id == *from);
                let source = source.ok_or(MoveError::UnknownBranch { branch: *from })?;
                let mut fork = source.fork(*to);
                fork.extend(chosen.clone(), &self.plan)?;
                self.generated += 1;
                self.branches.push(fork);
            }
        }
        Ok(())
    }

    fn move_all(&mut self, book: &mut MoveBook) -> Result<(), MoveError> {
        for made in book.drain() {
            if self.chosen.is_some() {
                return Err(MoveError::AfterFinish);
            }
            match made {
                Move::Extend { branch, chosen } => {
                    let index = self.find(branch)?;
                    self.branches[index].extend(chosen, &self.plan)?;
                    self.generated += 1;
                }
                Move::Drop { branch } => {
                    let index = self.find(branch)?;
                    self.branches.remove(index);
                }
                Move::Rewind { branch, len } => self.rewind(branch, len)?,
                Move::Settle { branch, len } => {
                    let index = self.find(branch)?;
                    self.shown.settle(&self.branches[index], len, &self.plan)?;
                }
                Move::Finish { branch, len } => {
                    let index = self.find(branch)?;
                    self.choose(index, len)?;
                }
                _ => {} // forks were made before
            }
        }
        Ok(())
    }

    fn find(&self, branch: BranchId) -> Result<usize, MoveError> {
        let index = self.branches.iter().position(|known| known.id == branch);
        index.ok_or(MoveError::UnknownBranch { branch })
    }

    fn rewind(&mut self, branch: BranchId, len: usize) -> Result<(), MoveError> {
        let (index, settled) = (self.find(branch)?, self.shown.len());
        if len < settled {
            return Err(MoveError::Settled { branch, len, settled });
        }
        self.branches[index].rewind(len, &self.plan)
    }

    fn choose(&mut self, index: usize, len: usize) -> Result<(), MoveError> {
        let (branch, settled) = (&self.branches[index], self.shown.len());
        if len < settled {
            return Err(MoveError::Settled { branch: branch.id, len, settled });
        }
        self.shown.settle(branch, len, &self.plan)?;
        self.shown.end();
        self.chosen = Some((index, len));
        Ok(())
    }

    /// What must hold after every call, unless it was the last one.
    fn check_branches(&mut self) -> Result<(), MoveError> {
        if self.chosen.is_some() {
            return Ok(());
        }
        if self.branches.is_empty() {
            return Err(MoveError::NoneLeft);
        }
        let (held, allowed) = (self.branches.len(), self.plan.max_branches);
        if held > allowed {
            return Err(MoveError::TooManyBranches { held, allowed });
        }
        for branch in &mut self.branches {
            match branch.moved {
                Moved::Not if branch.ended.is_none() => {
                    return Err(MoveError::NotMoved { branch: branch.id });
                }
                Moved::Back => branch.unfeed_last(&self.plan),
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends the sequence where no branch goes on.
    fn conclude(&mut self, rooms: &mut Rooms) -> Result<(), Fault> {
        let all_ended = |branches: &[Branch]| branches.iter().all(|branch| branch.ended.is_some());
        if self.chosen.is_none() && all_ended(&self.branches) && self.plan.max_branches > 1 {
            self.decide(Rows { values: &[], width: 1, position: 0 }, rooms)?;
        }
        if self.chosen.is_none() && all_ended(&self.branches) {
            // Of those that agree with what a reader has seen, if there are any.
            let rank = |&index: &usize| {
                let branch = &self.branches[index];
                (self.shown.agrees_with(branch), branch.log_prob)
            };
            let better = |best, other| if rank(&other) > rank(&best) { other } else { best };
            let best = (0..self.branches.len()).reduce(better).expect("one branch is always held");
            self.choose(best, self.branches[best].tokens.len())?;
        }
        Ok(())
    }

    /// The completion, or why there is none.
    ///
    /// # Panics
    /// When it has not ended.
    pub(super) fn finish(mut self) -> Result<Completion, EngineError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let (index, len) = self.chosen.expect("the sequence has ended");
        let mut branch = self.branches.swap_remove(index);
        let whole = len == branch.tokens.len();
        let log_probs = match self.plan.request.log_probs {
            LogProbs::Off => Vec::new(),
            LogProbs::Chosen | LogProbs::Top(_) => branch.log_probs(len),
        };
        branch.tokens.truncate(len);
        let cost = Cost { kept: len, thrown_away: self.generated - len, ..self.cost };
        Ok(Completion {
            finish: branch.ended.filter(|_| whole).unwrap_or(FinishReason::Decoder),
            log_prob: branch.log_prob_of(len),
            tokens: branch.tokens,
            text: self.shown.into_text(),
            log_probs,
            cost,
        })
    }
}

impl<'a> Rows<'a> {
    /// A branch as the decoding sees it, the `nth` of those that go on.
    fn show<'b>(&self, branch: &'b Branch, nth: usize, plan: &Plan) -> Result<View<'b>, DecodeError>
    where
        'a: 'b,
    {
        let (id, past, log_prob) = (branch.id, &branch.tokens[..], branch.log_prob);
        if branch.ended.is_some() {
            return Ok(View::ended_with(id, past, log_prob));
        }
        let vocab_size = plan.vocab_size;
        let stride = self.width * vocab_size;
        let begin = nth * plan.arity * stride + self.position * vocab_size;
        let logits = Logits::strided(&self.values[begin..], plan.arity, stride, vocab_size)?;
        Ok(View::new(id, logits, past, log_prob))
    }
}

impl Fault {
    fn of(self, plan: &Plan, sample: usize, position: usize) -> EngineError {
        let task = plan.request.task.clone();
        match self {
            Self::Decode(source) => EngineError::Decode { task, sample, position, source },
            Self::Move(source) => EngineError::Moves { task, sample, position, source },
        }
    }
}

/// Turns a panic of a decoder into a fault of its sequence.
fn unpanicked<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic_text(&*panic);
        Err(Fault::Decode(DecodeError::other(format!("it panicked: {text}"))))
    })
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a text")
}
