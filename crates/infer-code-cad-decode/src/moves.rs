use std::any::Any;

use crate::log_prob::{Chosen, choose};
use crate::{BranchId, Rooms, TokenId};

/// What a decoding asks of the engine. None of it belongs to a technique.
///
/// Of every branch that has not ended one call of [`Decoding::advance`](crate::Decoding::advance) must
/// [`extend`](Moves::extend), [`drop`](Moves::drop) or [`rewind`](Moves::rewind) it, or
/// [`finish`](Moves::finish) the sequence. Forks are made first, since they copy what was shown; the other moves
/// count in their order.
#[derive(Debug)]
pub struct Moves<'a> {
    book: &'a mut MoveBook,
    rooms: &'a mut Rooms,
    settles: bool,
}

impl Moves<'_> {
    /// Appends a token to a branch, once per call.
    ///
    /// `row` is what the token was chosen from, before temperature and cuts: log-probabilities are taken
    /// from it, at temperature 1. Under a mix it is the mixed row.
    pub fn extend(&mut self, branch: BranchId, token: TokenId, row: &[f32]) {
        let chosen = choose(row, token, self.book.top);
        self.book.moves.push(Move::Extend { branch, chosen });
    }

    /// Copies the branch as it was shown, before any move of this call, and appends a token to the copy.
    ///
    /// `row` is as in [`Moves::extend`]. Together the branches of a sequence, ended ones included, must not
    /// be more than [`Decoder::branches`](crate::Decoder::branches) when the call is over.
    pub fn fork(&mut self, branch: BranchId, token: TokenId, row: &[f32]) -> BranchId {
        let chosen = choose(row, token, self.book.top);
        let to = self.book.name();
        self.book.moves.push(Move::Fork { from: branch, to, chosen });
        to
    }

    /// Gives a branch up. The last one cannot be.
    pub fn drop(&mut self, branch: BranchId) {
        self.book.moves.push(Move::Drop { branch });
    }

    /// Takes a branch back to `len` generated tokens, of which none that was settled may be lost. It may be
    /// extended in the same call. An ended branch goes on then. Random numbers are not set back.
    pub fn rewind(&mut self, branch: BranchId, len: usize) {
        self.book.moves.push(Move::Rewind { branch, len });
    }

    /// Ends the sequence: the first `len` tokens of this branch are the completion.
    pub fn finish(&mut self, branch: BranchId, len: usize) {
        self.book.moves.push(Move::Finish { branch, len });
    }

    /// The first `len` tokens are final and may be shown to a reader.
    pub fn settle(&mut self, branch: BranchId, len: usize) {
        if self.settles {
            self.book.moves.push(Move::Settle { branch, len });
        }
    }

    /// The same moves for an inner decoding whose [`Moves::settle`] counts for nothing: a wrapper that may
    /// still rewind settles by itself.
    pub fn unsettled(&mut self) -> Moves<'_> {
        Moves { book: self.book, rooms: self.rooms, settles: false }
    }

    /// A scratch value of the thread, as it was given back, or a new one.
    pub fn take<R: Any + Default + Send>(&mut self) -> Box<R> {
        self.rooms.take()
    }

    /// Gives a scratch value back.
    pub fn give<R: Any + Send>(&mut self, room: Box<R>) {
        self.rooms.give(room);
    }
}

/// One of the [`Moves`], as an engine reads it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Move {
    /// [`Moves::extend`].
    Extend {
        /// Which branch.
        branch: BranchId,
        /// Its next token.
        chosen: Chosen,
    },
    /// [`Moves::fork`].
    Fork {
        /// The branch as it was shown.
        from: BranchId,
        /// The copy.
        to: BranchId,
        /// The copy's next token.
        chosen: Chosen,
    },
    /// [`Moves::drop`].
    Drop {
        /// Which branch.
        branch: BranchId,
    },
    /// [`Moves::rewind`].
    Rewind {
        /// Which branch.
        branch: BranchId,
        /// Tokens that stay.
        len: usize,
    },
    /// [`Moves::finish`].
    Finish {
        /// Which branch.
        branch: BranchId,
        /// Tokens of the completion.
        len: usize,
    },
    /// [`Moves::settle`].
    Settle {
        /// Which branch.
        branch: BranchId,
        /// Tokens that are final.
        len: usize,
    },
}

/// The moves of one sequence and the names of its branches; an engine keeps one per sequence.
#[derive(Debug, Clone, Default)]
pub struct MoveBook {
    moves: Vec<Move>,
    named: u32,
    top: usize,
}

impl MoveBook {
    /// For a sequence of which each choice reports its `top` most probable alternatives.
    pub fn new(top: usize) -> Self {
        Self { top, ..Self::default() }
    }

    /// A name that no branch of the sequence had yet.
    pub fn name(&mut self) -> BranchId {
        let id = BranchId(self.named);
        self.named += 1;
        id
    }

    /// A decoding's view; the moves of an earlier call are forgotten.
    pub fn moves<'a>(&'a mut self, rooms: &'a mut Rooms) -> Moves<'a> {
        self.moves.clear();
        Moves { book: self, rooms, settles: true }
    }

    /// The moves of the last view.
    pub fn made(&self) -> &[Move] {
        &self.moves
    }

    /// What was made of the last view. The room for it is kept.
    pub fn drain(&mut self) -> impl Iterator<Item = Move> {
        self.moves.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapper_holds_back_what_its_inner_decoding_settles() {
        let (mut book, mut rooms) = (MoveBook::new(0), Rooms::default());
        let id = book.name();
        let mut moves = book.moves(&mut rooms);
        moves.unsettled().settle(id, 3);
        moves.unsettled().extend(id, 1, &[0.0, 0.0]);
        moves.settle(id, 1);
        let made: Vec<Move> = book.drain().collect();
        assert!(matches!(made[..], [Move::Extend { .. }, Move::Settle { len: 1, .. }]), "{made:?}");
    }

    #[test]
    fn names_are_never_used_twice() {
        let (mut book, mut rooms) = (MoveBook::new(0), Rooms::default());
        let first = book.name();
        let mut moves = book.moves(&mut rooms);
        let (a, b) = (moves.fork(first, 0, &[0.0]), moves.fork(first, 0, &[0.0]));
        let c = book.moves(&mut rooms).fork(a, 0, &[0.0]);
        assert!([first, a, b, c].is_sorted() && first < a && a < b && b < c);
    }
}
