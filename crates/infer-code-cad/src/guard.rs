//! Takes lines back that no continuation makes Python of, and draws them again.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
mod watch;

use std::sync::Arc;

use infer_code_cad_decode::rand_core::Rng;
use infer_code_cad_decode::{
    Branch, DecodeError, Decoder, Decoding, Moves, Opening, Settings, TokenId, Vocabulary,
};

use watch::Watch;

/// A sampler whose lines of Python are drawn again where they are broken.
///
/// Where a line ends outside of brackets and strings, and [`PythonPrefix`](crate::tasks::PythonPrefix) says that
/// nothing that follows can mend it, the line is taken back and drawn anew, with random numbers that go on. This is
/// rejection: a line comes out with the probability that the model gives it, conditional on what stands before it
/// and on being alive. A mask of tokens would give other probabilities
/// (Lipkin et al., [Fast Controlled Generation](https://arxiv.org/abs/2504.05410)).
///
/// * A line begins with the token that ends the line before, since that token may hold its first characters. It is
///   drawn again too, on the condition that it ends that line again, alive.
/// * Code is what follows [`Opening::written`], and where that is empty, or has a fence, what stands in the first
///   fence of Python, by the names that extraction knows ([`AnswerLine`](crate::tasks::AnswerLine)). A fence without a
///   language is one where what it holds begins as code does and it stands where the answer begins, or behind an empty
///   line or a colon; elsewhere, and behind a line of code, it closes what none has opened, as small models write.
///   Prose, output, other languages, and all behind the closing fence are let be; so is a completion without a fence.
///   Strings have no fences, and where thinking ends the answer begins anew.
/// * The fence that closes a block ends the program: behind an open bracket, or a header without its block, it is drawn
///   again. A block whose first line is indented goes on with a function; one in a list or a quotation is read without
///   its margin.
/// * A last line without a newline is not judged.
/// * After one dead draw of a line more than `retries`, or when it has taken back 16 times the longest completion, the
///   guard gives up: the line stays, and the rest is not judged. [`Decoder::remark`] says so, and where there was no
///   fence of Python, and results have it beside the choice. How often tokens were taken back is in
///   [`Cost::thrown_away`](crate::engine::Cost::thrown_away).
/// * A greedy decoder would draw the same line again, so it is refused.
///
/// Readers see whole lines, once they are alive. No process is started.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad::SyntaxGuard;
/// use infer_code_cad::decode::{ContextAware, Decoder, Greedy, Nucleus, Opening, Vocabulary};
///
/// let guard = SyntaxGuard::new(ContextAware::new(0.5, Nucleus::default()));
/// assert!(guard.settings().to_string().starts_with("guard(retries=10,inner=cad("));
///
/// let vocabulary: Arc<dyn Vocabulary> = Arc::new(vec!["x"]);
/// let error = SyntaxGuard::new(Greedy).begin(&Opening::new(&[], &vocabulary)).err();
/// assert!(error.is_some_and(|error| error.to_string().contains("greedy")));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SyntaxGuard<D> {
    /// How often a line is drawn again, at least 1.
    pub retries: usize,
    /// Whether the completion ends where the function does that [`Opening::written`] has opened: before the first
    /// statement that is indented no more than its `def`.
    pub stop_at_dedent: bool,
    /// Draws the tokens.
    pub inner: D,
}

impl<D> SyntaxGuard<D> {
    /// Draws a line up to ten times again, and does not end completions.
    pub fn new(inner: D) -> Self {
        Self { retries: 10, stop_at_dedent: false, inner }
    }
}

impl<D: Decoder> Decoder for SyntaxGuard<D> {
    fn arity(&self) -> usize {
        self.inner.arity()
    }

    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        if self.retries == 0 {
            let expected = "a whole number of at least 1";
            return Err(DecodeError::Parameter { name: "retries", value: 0.0, expected });
        }
        let (branches, settings) = (self.inner.branches(), self.inner.settings());
        if branches != 1 {
            return Err(DecodeError::other(format!(
                "a guard takes back lines of one branch, and {settings} has {branches}; \
                 put the guard inside of it"
            )));
        }
        if is_greedy(&settings) {
            return Err(DecodeError::other(format!(
                "a guard draws lines again, and {settings} would draw the same; take a sampler"
            )));
        }
        let (watch, seen) = Watch::new(opening.written);
        let function = if self.stop_at_dedent { watch.function() } else { None };
        Ok(Box::new(Guarding {
            inner: self.inner.begin(opening)?,
            vocabulary: Arc::clone(opening.vocabulary),
            start: Start { len: 0, watch: watch.clone(), ends_a_line: false },
            watch,
            read: 0,
            function,
            retries: self.retries,
            rejected: 0,
            budget: opening.max_new_tokens.saturating_mul(16),
            is_off: seen.dead, // what is written cannot be taken back
        }))
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new("guard").with("retries", self.retries);
        let settings = if self.stop_at_dedent { settings.with("stop", "dedent") } else { settings };
        settings.with("inner", self.inner.settings())
    }

    fn remark(&self, written: &str, completion: &str) -> Option<String> {
        let (mut watch, seen) = Watch::new(written);
        let stands = seen.dead || watch.feed(completion.as_bytes()).dead;
        let remark = match (stands, watch.has_code()) {
            (true, _) => "the guard gave up: a line that nothing makes Python stands",
            (false, false) => "the guard found no fence of Python",
            (false, true) => return None,
        };
        Some(remark.to_owned())
    }
}

/// Whether the innermost decoder is [`Greedy`](crate::decode::Greedy).
fn is_greedy(settings: &Settings) -> bool {
    let inner = settings.get("inner").and_then(|inner| inner.parse().ok());
    inner.map_or(settings.name == "greedy", |inner: Settings| is_greedy(&inner))
}

struct Guarding {
    inner: Box<dyn Decoding>,
    vocabulary: Arc<dyn Vocabulary>,
    /// Where the line began that is being drawn.
    start: Start,
    watch: Watch,
    /// How many tokens the watch has read.
    read: usize,
    /// The column of the function at whose end the completion ends.
    function: Option<usize>,
    retries: usize,
    /// Dead draws of this line.
    rejected: usize,
    /// Tokens that may still be taken back.
    budget: usize,
    is_off: bool,
}

/// A place to go back to.
struct Start {
    /// Tokens before it.
    len: usize,
    /// As it was there.
    watch: Watch,
    /// Its first token must end the line before, as the one did that was first drawn: all but the first line's.
    ends_a_line: bool,
}

/// What the tokens that were drawn come to.
enum Drawn {
    Alive,
    Dead,
    /// The function had ended before the last token.
    Done,
}

impl Guarding {
    fn read(&mut self, past: &[TokenId]) -> Drawn {
        if past.len() < self.read {
            self.restart(); // the inner decoding took something back by itself
        }
        while self.read < past.len() {
            match self.token(past[self.read]) {
                Drawn::Alive => {}
                drawn => return drawn,
            }
        }
        Drawn::Alive
    }

    fn token(&mut self, token: TokenId) -> Drawn {
        let bytes = self.vocabulary.token_bytes(token);
        let before = bytes.contains(&b'\n').then(|| self.watch.clone());
        let seen = self.watch.feed(bytes);
        let at = self.read;
        self.read += 1;
        let is_first = at == self.start.len && self.start.ends_a_line;
        if seen.dead || (is_first && !seen.ended) {
            // A token that goes on with the line before is no draw of this one.
            self.rejected += usize::from(seen.dead);
            return Drawn::Dead;
        }
        if let Some(watch) = before.filter(|_| seen.ended && !is_first) {
            self.start = Start { len: at, watch, ends_a_line: true };
            self.rejected = 0;
        }
        if self.function.is_some_and(|column| self.watch.leaves(column)) {
            return Drawn::Done;
        }
        Drawn::Alive
    }

    fn restart(&mut self) {
        self.watch = self.start.watch.clone();
        self.read = self.start.len;
    }

    /// Goes back to where the line began. False where the guard gives up instead.
    fn goes_back(&mut self, drawn: usize) -> bool {
        let lost = drawn - self.start.len;
        if self.rejected > self.retries || lost > self.budget {
            self.is_off = true;
            return false;
        }
        self.budget -= lost;
        self.restart();
        true
    }
}

impl Decoding for Guarding {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        let [Branch { id, past, .. }] = *branches else {
            return Err(DecodeError::other("a guard was shown several branches of a sequence"));
        };
        if !self.is_off {
            match self.read(past) {
                Drawn::Dead if self.goes_back(past.len()) => {
                    moves.rewind(id, self.start.len);
                    return Ok(());
                }
                Drawn::Done => {
                    moves.finish(id, self.read - 1);
                    return Ok(());
                }
                Drawn::Dead | Drawn::Alive => {}
            }
        }
        if self.is_off {
            moves.settle(id, past.len());
            return self.inner.advance(branches, moves, rng);
        }
        let settled = if self.watch.is_after_code() { past.len() } else { self.start.len };
        moves.settle(id, settled);
        self.inner.advance(branches, &mut moves.unsettled(), rng)
    }
}
