use std::borrow::Cow;

use infer_code_cad_decode::TokenId;

use super::branch::Branch;
use super::plan::Plan;
use super::text::CompletionText;
use crate::{Event, MoveError};

/// What a reader may see of a sequence: tokens that are final, and the text that they make certain.
#[derive(Debug)]
pub(super) struct Shown {
    tokens: Vec<TokenId>,
    text: CompletionText,
    /// Tokens that are to be told, each with the end of its text.
    fresh: Vec<(TokenId, f64, usize)>,
    told: usize, // bytes
}

impl Shown {
    pub(super) fn new(plan: &Plan) -> Self {
        let (tokens, fresh) = Default::default();
        Self { tokens, text: CompletionText::new(&plan.stops), fresh, told: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether a branch begins with what was settled.
    pub(super) fn agrees_with(&self, branch: &Branch) -> bool {
        branch.tokens.starts_with(&self.tokens)
    }

    /// Takes a branch's first `len` tokens as final.
    pub(super) fn settle(
        &mut self,
        branch: &Branch,
        len: usize,
        plan: &Plan,
    ) -> Result<(), MoveError> {
        let has = branch.tokens.len();
        if len > has {
            return Err(MoveError::TooLong { branch: branch.id, len, has });
        }
        let known = self.tokens.len().min(len);
        if self.tokens[..known] != branch.tokens[..known] {
            return Err(MoveError::SettledOtherwise { branch: branch.id });
        }
        for at in known..len {
            let token = branch.tokens[at];
            if !plan.request.eos.contains(&token) {
                self.text.push(plan.vocabulary.token_bytes(token));
            }
            self.tokens.push(token);
            self.fresh.push((token, branch.scores[at].log_prob, self.text.as_str().len()));
        }
        Ok(())
    }

    /// Releases what was held back in case more came.
    pub(super) fn end(&mut self) {
        self.text.flush();
        if let Some(last) = self.fresh.last_mut() {
            last.2 = self.text.as_str().len();
        }
    }

    /// Whether the first token is among those that are new.
    pub(super) fn begins(&self) -> bool {
        !self.fresh.is_empty() && self.fresh.len() == self.tokens.len()
    }

    /// Tells of the tokens that are new.
    pub(super) fn tell(&mut self, sample: usize, sink: &mut dyn FnMut(Event<'_>)) {
        for (token, log_prob, end) in self.fresh.drain(..) {
            let text = Cow::Borrowed(&self.text.as_str()[self.told..end]);
            self.told = end;
            sink(Event::Token { sample, token, log_prob, text });
        }
    }

    /// The text, once all was told.
    pub(super) fn into_text(mut self) -> String {
        self.text.take()
    }
}
