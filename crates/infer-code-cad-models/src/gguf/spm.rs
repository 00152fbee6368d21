use std::collections::{BTreeSet, HashSet};

use tokenizers::models::bpe::Merges;

/// The merges of a SentencePiece vocabulary, best first.
///
/// SentencePiece keeps no merges: at each step it joins the two neighbours whose concatenation is the
/// piece of the highest score. So each way to cut a piece in two pieces is a merge, ranked by the
/// score of the piece. Between equal scores the longer left part goes first, as in `transformers`.
///
/// Kudo and Richardson, [SentencePiece](https://arxiv.org/abs/1808.06226).
pub(super) fn merges_by_score(pieces: &[(&str, f32)]) -> Merges {
    let known: HashSet<&str> = pieces.iter().map(|&(piece, _)| piece).collect();
    // Only lengths that occur are tried, so that one huge piece does not cost its length squared.
    let lengths: BTreeSet<usize> = known.iter().map(|piece| piece.len()).collect();
    let mut merges = Vec::new();
    for &(piece, score) in pieces.iter().filter(|(piece, _)| piece.len() > 1) {
        for &cut in lengths.range(1..piece.len()) {
            if !piece.is_char_boundary(cut) || !lengths.contains(&(piece.len() - cut)) {
                continue;
            }
            let (left, right) = piece.split_at(cut);
            if known.contains(left) && known.contains(right) {
                merges.push(Merge {
                    score,
                    lens: [left, right].map(|p| p.chars().count()),
                    left,
                    right,
                });
            }
        }
    }
    merges.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| b.lens.cmp(&a.lens)));
    merges.into_iter().map(|merge| (merge.left.to_owned(), merge.right.to_owned())).collect()
}

struct Merge<'a> {
    score: f32,
    /// In characters.
    lens: [usize; 2],
    left: &'a str,
    right: &'a str,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn merges(pieces: &[(&str, f32)]) -> Vec<String> {
        merges_by_score(pieces).into_iter().map(|(left, right)| format!("{left} {right}")).collect()
    }

    #[test]
    fn merges_follow_the_score_of_what_they_make() {
        let pieces =
            [("a", -9.0), ("b", -9.0), ("ab", -2.0), ("ba", -1.0), ("aba", -3.0), ("x", 0.0)];
        assert_eq!(merges(&pieces), ["b a", "a b", "ab a", "a ba"]);
    }

    #[test]
    fn pieces_are_cut_between_characters() {
        assert_eq!(merges(&[("é", 0.0), ("\u{2581}", 0.0), ("\u{2581}é", 0.0)]), ["\u{2581} é"]);
        assert!(merges(&[]).is_empty());
    }

    #[test]
    fn a_huge_piece_costs_no_square_of_its_length() {
        let huge = "a".repeat(1 << 20);
        assert!(merges(&[(&huge, 0.0), ("a", 0.0), ("aa", 0.0)]).len() == 1);
    }
}
