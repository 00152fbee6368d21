//! A guard that takes a line back when it does not like it.

use std::sync::Arc;

use infer_code_cad::decode::rand_core::Rng;
use infer_code_cad::decode::{
    Branch, ContextAware, DecodeError, Decoder, Decoding, Moves, Nucleus, Opening, Settings,
    Vocabulary,
};
use infer_code_cad::engine::{Request, TableModel};

use crate::complete;

/// Rewinds to the start of a line that holds a word which must not be there.
#[derive(Debug)]
struct Guard<D> {
    word: &'static str,
    inner: D,
}

struct Guarding {
    word: &'static str,
    inner: Box<dyn Decoding>,
    vocabulary: Arc<dyn Vocabulary>,
    line_start: usize,
}

impl<D: Decoder> Decoder for Guard<D> {
    fn arity(&self) -> usize {
        self.inner.arity()
    }

    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        Ok(Box::new(Guarding {
            word: self.word,
            inner: self.inner.begin(opening)?,
            vocabulary: Arc::clone(opening.vocabulary),
            line_start: 0,
        }))
    }

    fn settings(&self) -> Settings {
        Settings::new("guard").with("word", self.word).with("inner", self.inner.settings())
    }
}

impl Decoding for Guarding {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        let Branch { id, past, .. } = branches[0];
        let bytes =
            past[self.line_start..].iter().flat_map(|&token| self.vocabulary.token_bytes(token));
        let line = String::from_utf8_lossy(&bytes.copied().collect::<Vec<u8>>()).into_owned();
        if line.contains(self.word) {
            moves.rewind(id, self.line_start);
            return Ok(());
        }
        if line.ends_with('\n') {
            self.line_start = past.len();
            moves.settle(id, past.len());
        }
        self.inner.advance(branches, &mut moves.unsettled(), rng)
    }
}

/// Four words, as likely as one another everywhere.
fn words() -> (Arc<TableModel>, Arc<Vec<&'static str>>) {
    (Arc::new(TableModel::new(4)), Arc::new(vec!["good ", "bad ", "\n", "fine "]))
}

fn guarded(decoder: Arc<dyn Decoder>) -> Vec<(infer_code_cad::engine::Completion, String)> {
    let (model, vocabulary) = words();
    let streams = (0..decoder.arity()).map(|stream| vec![stream as u32]).collect();
    let mut request = Request::new("guard", streams, decoder);
    (request.samples, request.max_new_tokens) = (0..40, 60);
    complete(model, vocabulary, request)
}

#[test]
fn no_line_with_the_word_is_kept_and_nothing_shown_is_taken_back() {
    let plain = Guard { word: "bad", inner: Nucleus::default() };
    let outside = ContextAware::new(0.5, Guard { word: "bad", inner: Nucleus::default() });
    let inside = Guard { word: "bad", inner: ContextAware::new(0.5, Nucleus::default()) };
    let decoders: [Arc<dyn Decoder>; 3] = [Arc::new(plain), Arc::new(outside), Arc::new(inside)];
    for decoder in decoders {
        let settings = decoder.settings().to_string();
        let completions = guarded(decoder);
        let mut thrown_away = 0;
        for (completion, seen) in &completions {
            let whole = completion.text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            assert!(!whole.contains("bad"), "{settings}: {whole:?}");
            assert_eq!(*seen, completion.text, "{settings}");
            thrown_away += completion.cost.thrown_away;
        }
        assert!(thrown_away > 100, "{settings}: {thrown_away} tokens were taken back");
    }
}

/// Where the contrast stands makes no difference: the guard sees tokens, the contrast logits.
#[test]
fn a_guard_is_the_same_inside_and_outside_a_contrast() {
    let outside = ContextAware::new(0.5, Guard { word: "bad", inner: Nucleus::default() });
    let inside = Guard { word: "bad", inner: ContextAware::new(0.5, Nucleus::default()) };
    assert_eq!(guarded(Arc::new(outside)), guarded(Arc::new(inside)));
}
