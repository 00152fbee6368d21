use std::cmp::Reverse;

use tokenizers::models::bpe::Merges;

/// The merges of a SentencePiece vocabulary, best first.
///
/// SentencePiece keeps no merges: at each step it joins the two neighbours whose concatenation is the
/// piece of the highest score. So each way to cut a piece in two pieces is a merge, ranked by the
/// score of the piece. Between equal scores the longer left part goes first, as in `transformers`
/// (SentencePiece itself takes what is further left in the text, which no order of merges can say).
///
/// `is_piece` says whether a text is one of `pieces`.
///
/// Kudo and Richardson, [SentencePiece](https://arxiv.org/abs/1808.06226).
pub(super) fn merges_by_score(
    mut pieces: Vec<(&str, f32)>,
    is_piece: impl Fn(&str) -> bool,
) -> Merges {
    let mut occurs =
        vec![false; pieces.iter().map(|(piece, _)| piece.len() + 1).max().unwrap_or(0)];
    pieces.iter().for_each(|(piece, _)| occurs[piece.len()] = true);
    pieces.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let mut merges = Vec::new();
    for equals in pieces.chunk_by(|(_, a), (_, b)| a == b) {
        let first = merges.len();
        for &(piece, _) in equals {
            // Hashing only parts of a length that occurs keeps one huge piece from costing its square.
            let cuts = (1..piece.len()).filter(|&cut| occurs[cut] && occurs[piece.len() - cut]);
            let pairs = cuts.filter_map(|cut| piece.split_at_checked(cut));
            merges.extend(pairs.filter(|(left, right)| is_piece(left) && is_piece(right)));
        }
        merges[first..].sort_by_cached_key(|pair: &(&str, &str)| {
            Reverse([pair.0.chars().count(), pair.1.chars().count()])
        });
    }
    merges.into_iter().map(|(left, right)| (left.to_owned(), right.to_owned())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn merges(pieces: &[(&str, f32)]) -> Vec<String> {
        let is_piece = |text: &str| pieces.iter().any(|(piece, _)| *piece == text);
        let merges = merges_by_score(pieces.to_vec(), is_piece);
        merges.into_iter().map(|(left, right)| format!("{left} {right}")).collect()
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
