//! What searches refuse, and what they make of odd rows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use infer_code_cad_decode::{
    AdaDec, Beam, Branch, DecodeError, Decoder, Logits, Move, MoveBook, Opening, Rooms, Vocabulary,
    pick,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(0)
}

/// What a decoder does with its first row.
fn first_moves(decoder: &dyn Decoder, row: &[f32]) -> Result<Vec<Move>, DecodeError> {
    let vocabulary: Arc<dyn Vocabulary> = Arc::new(Vec::<Vec<u8>>::new());
    let mut decoding = decoder.begin(&Opening::new(&[], &vocabulary))?;
    let (mut book, mut rooms) = (MoveBook::new(0), Rooms::default());
    let branch = Branch::new(book.name(), Logits::new(row, 1, row.len())?, &[], 0.0);
    decoding.advance(&[branch], &mut book.moves(&mut rooms), &mut rng())?;
    Ok(book.drain().collect())
}

#[test]
fn bad_parameters_are_named() {
    let named = |decoder: &dyn Decoder| match first_moves(decoder, &[0.0, 1.0]) {
        Err(DecodeError::Parameter { name, .. }) => name,
        other => panic!("{other:?} names no parameter"),
    };
    assert_eq!(named(&Beam { beams: 0, ..Beam::default() }), "beams");
    for length_penalty in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(named(&Beam { length_penalty, ..Beam::default() }), "length_penalty");
    }
    for threshold in [f32::NAN, -0.1, -1e-45, f32::NEG_INFINITY] {
        assert_eq!(named(&AdaDec { threshold, ..AdaDec::default() }), "threshold");
    }
    assert_eq!(named(&AdaDec { candidates: 0, ..AdaDec::default() }), "candidates");
    let lookahead = AdaDec::MOST_LOOKAHEAD + 1;
    assert_eq!(named(&AdaDec { lookahead, ..AdaDec::default() }), "lookahead");
}

#[test]
fn a_row_without_a_distribution_is_a_fault() {
    for decoder in [&Beam::default() as &dyn Decoder, &AdaDec::default()] {
        let fault = |row: &[f32]| first_moves(decoder, row).unwrap_err();
        assert!(matches!(fault(&[0.0, f32::NAN]), DecodeError::NotANumber { token: 1, .. }));
        assert!(matches!(fault(&[f32::INFINITY, 0.0]), DecodeError::PositiveInfinity { .. }));
        assert!(matches!(fault(&[f32::NEG_INFINITY; 2]), DecodeError::NoCandidate { .. }));
        let two = pick(decoder, Logits::new(&[0.0; 4], 2, 2).unwrap(), &mut rng()).unwrap_err();
        assert!(matches!(two, DecodeError::Arity { expected: 1, actual: 2 }), "{two}");
    }
}

#[test]
fn a_search_wider_than_the_vocabulary_takes_what_is_possible() {
    let row = [0.0, f32::NEG_INFINITY, 0.5];
    let wide = AdaDec { threshold: 0.0, candidates: 9, lookahead: 2 };
    for decoder in [&Beam { beams: 9, length_penalty: 1.0 } as &dyn Decoder, &wide] {
        let mut tokens: Vec<u32> = first_moves(decoder, &row)
            .unwrap()
            .into_iter()
            .filter_map(|made| match made {
                Move::Extend { chosen, .. } | Move::Fork { chosen, .. } => Some(chosen.token),
                _ => None,
            })
            .collect();
        tokens.sort_unstable();
        assert_eq!(tokens, [0, 2], "{decoder:?}");
    }
}

/// A row of one possible token has no entropy, not even less than none.
#[test]
fn a_sure_row_is_followed_at_any_threshold() {
    let mut row = vec![f32::NEG_INFINITY; 300];
    row[7] = 3.0;
    for threshold in [0.0, 1e-9, f32::INFINITY] {
        let decoder = AdaDec { threshold, ..AdaDec::default() };
        assert_eq!(pick(&decoder, Logits::new(&row, 1, 300).unwrap(), &mut rng()).unwrap(), 7);
    }
}
