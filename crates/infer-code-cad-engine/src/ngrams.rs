use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use infer_code_cad_decode::TokenId;

use crate::{Ahead, Speculation, Speculator, StepTimes};

/// Guesses that what followed the last tokens before follows them again: in the prompt and its passages, in
/// the output itself, and in earlier drafts of the same prompt.
///
/// A guess is as long as it pays by the passes' times as this machine showed them and by how often such
/// guesses would have been right, which is known without feeding any. So where they would seldom be right, as
/// in a fresh function at a high temperature, none is made. With more than [`NGrams::MOST_ROWS`] rows a pass has
/// work enough for the weights it reads, and nothing is guessed.
///
/// Prompt lookup (Saxena, [prompt-lookup-decoding](https://github.com/apoorvumang/prompt-lookup-decoding)) with
/// a pool of earlier drafts, as Oliaro et al.,
/// [SuffixDecoding](https://arxiv.org/abs/2411.04975).
///
/// # Examples
/// ```
/// use infer_code_cad_engine::{NGrams, Speculation};
///
/// let mut guesses = vec![];
/// let mut speculator = NGrams::default().begin(&[&[5, 6, 7, 8, 5, 6]], 0);
/// speculator.propose(&[7], 2, &mut guesses);
/// assert_eq!(guesses, [8, 5]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct NGrams {
    drafts: Arc<Mutex<Pool>>,
    record: Arc<Mutex<Record>>,
}

impl NGrams {
    /// The most rows of a pass to which guesses are added.
    pub const MOST_ROWS: usize = 4;

    /// The same for another task: its drafts are other drafts, and how often guesses are right is known.
    #[must_use]
    pub fn for_task(&self) -> Self {
        Self { drafts: Arc::default(), record: Arc::clone(&self.record) }
    }
}

impl Speculation for NGrams {
    fn begin(&self, prompt: &[&[TokenId]], _sample: usize) -> Box<dyn Speculator> {
        let mut own = Pool::default();
        prompt.first().iter().for_each(|stream| own.extend(stream));
        let prompt = own.tokens.len();
        Box::new(Looking { of: self.clone(), own, prompt, followed: None, worth: Worth::default() })
    }
}

/// Tokens that decide what is looked up.
const N: usize = 3;
/// The longest guess.
const LONGEST: usize = 15;

/// Tokens, and where each run of [`N`] of them went on last.
#[derive(Debug, Default)]
struct Pool {
    tokens: Vec<TokenId>,
    after: HashMap<[TokenId; N], usize>,
}

impl Pool {
    fn extend(&mut self, tokens: &[TokenId]) {
        for &token in tokens {
            if let Some(key) = self.tokens.last_chunk() {
                self.after.insert(*key, self.tokens.len());
            }
            self.tokens.push(token);
        }
    }

    /// Where the tokens of a key went on. Entries of tokens that were taken back are told by their key.
    fn find(&self, key: &[TokenId; N]) -> Option<usize> {
        let at = *self.after.get(key)?;
        let is_there = at < self.tokens.len() && self.tokens[..at].last_chunk() == Some(key);
        is_there.then_some(at)
    }
}

/// How often guesses were right, or would have been, by how many before them were.
#[derive(Debug)]
struct Record([[f64; 2]; 4]);

impl Default for Record {
    fn default() -> Self {
        Self([[1.0, 1.0], [1.5, 0.5], [1.8, 0.2], [1.9, 0.1]])
    }
}

impl Record {
    fn level(run: usize) -> usize {
        match run {
            0 => 0,
            1..4 => 1,
            4..12 => 2,
            _ => 3,
        }
    }

    fn see(&mut self, run: usize, right: bool) {
        let counts = &mut self.0[Self::level(run)];
        counts.iter_mut().for_each(|count| *count *= 0.98);
        counts[usize::from(!right)] += 1.0;
    }

    /// The chance that the next guess is right, after `run` that were.
    fn chance(&self, run: usize) -> f64 {
        let [right, wrong] = self.0[Self::level(run)];
        right / (right + wrong)
    }
}

/// What a longer pass must bring.
#[derive(Debug, Clone, Default)]
struct Worth {
    rows: usize,
    arity: usize,
    times: StepTimes,
}

impl Worth {
    /// The length of a guess that yields the most tokens per time, up to `most`.
    fn length(&self, record: &Record, run: usize, most: usize) -> usize {
        let (rows, arity) = (self.rows.max(1), self.arity.max(1));
        let sequences = (rows / arity).max(1) as f64;
        let (mut best, mut most_per_time) = (0, sequences);
        let (mut kept, mut chance) = (0.0, 1.0);
        for length in 1..=most {
            chance *= record.chance(run + length - 1);
            kept += chance;
            let per_time = (sequences + kept) / self.times.ratio(rows, rows + arity * length);
            if per_time > most_per_time {
                (best, most_per_time) = (length, per_time);
            }
        }
        best
    }
}

/// Of one sequence.
struct Looking {
    of: NGrams,
    /// Stream 0 of the prompt and the output.
    own: Pool,
    prompt: usize,
    followed: Option<Followed>,
    worth: Worth,
}

/// What is expected to come next: the tokens from `at`, after `run` that came.
#[derive(Debug, Clone, Copy)]
struct Followed {
    in_drafts: bool,
    at: usize,
    run: usize,
}

impl Looking {
    /// Takes in what was generated, and notes whether it would have been guessed.
    fn follow(&mut self, past: &[TokenId]) {
        let mut known = self.own.tokens.len() - self.prompt;
        if past.len() <= known {
            // Something was taken back.
            let own = &self.own.tokens[self.prompt..];
            known = own.iter().zip(past).take_while(|(own, past)| own == past).count();
            self.own.tokens.truncate(self.prompt + known);
            self.followed = None;
        }
        let drafts = lock(&self.of.drafts);
        let mut record = lock(&self.of.record);
        for token in &past[known..] {
            if let Some(followed) = &mut self.followed {
                let pool = if followed.in_drafts { &*drafts } else { &self.own };
                let right = pool.tokens.get(followed.at) == Some(token);
                record.see(followed.run, right);
                (followed.at, followed.run) = (followed.at + 1, followed.run + 1);
                if !right {
                    self.followed = None;
                }
            }
            self.own.extend(&[*token]);
            if self.followed.is_none()
                && let Some(key) = self.own.tokens.last_chunk()
            {
                let own = self.own.find(key).map(|at| Followed { in_drafts: false, at, run: 0 });
                let in_drafts = || drafts.find(key);
                self.followed =
                    own.or_else(|| in_drafts().map(|at| Followed { in_drafts: true, at, run: 0 }));
            }
        }
    }
}

impl Speculator for Looking {
    fn look_ahead(&mut self, ahead: &Ahead<'_>) {
        self.worth = Worth { rows: ahead.rows, arity: ahead.arity, times: ahead.times.clone() };
    }

    fn propose(&mut self, past: &[TokenId], room: usize, out: &mut Vec<TokenId>) {
        if self.worth.rows > NGrams::MOST_ROWS {
            return;
        }
        self.follow(past);
        let Some(Followed { in_drafts, at, run }) = self.followed else { return };
        let length = self.worth.length(&lock(&self.of.record), run, room.min(LONGEST));
        let drafts = lock(&self.of.drafts);
        let tokens = if in_drafts { &drafts.tokens } else { &self.own.tokens };
        let before = out.len();
        for place in at..at + length {
            // Output that repeats itself goes on with what has just been guessed.
            let guessed = || out.get(before + place - tokens.len()).filter(|_| !in_drafts);
            let Some(&token) = tokens.get(place).or_else(guessed) else { break };
            out.push(token);
        }
    }

    fn verified(&mut self, _: usize, _: usize) {}
}

impl Drop for Looking {
    /// The drafts that follow may be alike.
    fn drop(&mut self) {
        let output = &self.own.tokens[self.prompt..];
        if output.len() > N {
            lock(&self.of.drafts).extend(output);
        }
    }
}

/// Guesses may be wrong, so whatever a thread that panicked has left is good enough.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ROOM: usize = 20;

    fn propose(speculator: &mut dyn Speculator, past: &[TokenId]) -> Vec<TokenId> {
        let mut out = vec![];
        speculator.propose(past, ROOM, &mut out);
        out
    }

    #[test]
    fn what_repeats_itself_is_guessed_beyond_its_end() {
        let mut speculator = NGrams::default().begin(&[&[1]], 0);
        let past: Vec<TokenId> = [7, 8, 9].repeat(20);
        let mut guesses = vec![];
        for len in 1..=past.len() {
            guesses = propose(&mut *speculator, &past[..len]);
        }
        assert_eq!(guesses, [7, 8, 9].repeat(5), "it has been right for so long that 15 pay");
    }

    #[test]
    fn earlier_drafts_of_the_task_are_looked_at_and_no_others() {
        let known = NGrams::default();
        let draft = [1, 2, 3, 4, 5, 6];
        propose(&mut *known.begin(&[&[9]], 0), &draft);
        assert!(propose(&mut *known.begin(&[&[9]], 1), &[1, 2, 3]).starts_with(&[4]));
        assert_eq!(propose(&mut *known.for_task().begin(&[&[9]], 1), &[1, 2, 3]), []);
    }

    #[test]
    fn what_was_taken_back_is_forgotten() {
        let mut speculator = NGrams::default().begin(&[&[1]], 0);
        propose(&mut *speculator, &[2, 3, 4, 5, 6]);
        assert_eq!(propose(&mut *speculator, &[2, 3]), []);
        // 2 3 4 went on with 5, which is gone.
        assert_eq!(propose(&mut *speculator, &[2, 3, 2, 3, 4]), []);
        let guess = propose(&mut *speculator, &[2, 3, 2, 3, 4, 8, 2, 3, 4]);
        assert_eq!(guess.first(), Some(&8));
    }

    #[test]
    fn many_rows_are_not_added_to() {
        let mut speculator = NGrams::default().begin(&[&[5, 6, 7, 8, 5, 6]], 0);
        let times = StepTimes::default();
        let mut guesses = |rows| {
            speculator.look_ahead(&Ahead { rows, arity: 1, times: &times });
            propose(&mut *speculator, &[7]).len()
        };
        assert!(guesses(NGrams::MOST_ROWS) > 0);
        assert_eq!(guesses(NGrams::MOST_ROWS + 1), 0);
    }

    #[test]
    fn a_guess_is_no_longer_than_it_pays() {
        let mut dear = StepTimes::default();
        dear.see(1, Duration::from_millis(1));
        dear.see(2, Duration::from_millis(3));
        let length = |times: &StepTimes, arity| {
            let worth = Worth { rows: arity, arity, times: times.clone() };
            worth.length(&Record::default(), 0, LONGEST)
        };
        assert_eq!(length(&dear, 1), 0, "two rows take three times as long as one");
        let cheap = StepTimes::default();
        assert!(length(&cheap, 2) < length(&cheap, 1), "a token costs two rows under a contrast");
    }

    /// Three tokens in a row are met again and go on otherwise five times of six.
    #[test]
    fn where_guesses_are_mostly_wrong_next_to_none_is_made() {
        let mut speculator = NGrams::default().begin(&[&[0]], 0);
        let mut times = StepTimes::default();
        times.see(1, Duration::from_millis(10));
        times.see(2, Duration::from_millis(15));
        let (mut past, mut state, mut guessed) = (vec![], 1u32, 0);
        for _ in 0..4_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            past.push((state >> 24) % 6);
            speculator.look_ahead(&Ahead { rows: 1, arity: 1, times: &times });
            guessed += usize::from(!propose(&mut *speculator, &past).is_empty());
        }
        assert!(guessed < 40, "{guessed} passes of 4,000 were made longer");
    }
}
