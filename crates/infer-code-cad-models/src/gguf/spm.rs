use tokenizers::models::bpe::Merges;

/// The merges of a SentencePiece vocabulary, best first.
///
/// SentencePiece keeps no merges: at each step it joins the two neighbours whose concatenation is the
/// piece of the highest score. So each way to cut a piece in two pieces is a merge, ranked by the
/// score of the piece. Between equal scores the longer left part goes first, as in `transformers`.
///
/// `is_piece` says whether a text is one of `pieces`.
///
/// Kudo and Richardson, [SentencePiece](https://arxiv.org/abs/1808.06226).
pub(super) fn merges_by_score(pieces: &[(&str, f32)], is_piece: impl Fn(&str) -> bool) -> Merges {
    let mut occurs =
        vec![false; pieces.iter().map(|(piece, _)| piece.len() + 1).max().unwrap_or(0)];
    pieces.iter().for_each(|(piece, _)| occurs[piece.len()] = true);
    let mut merges = Vec::new();
    for &(piece, score) in pieces {
        // Hashing only parts of a length that occurs keeps one huge piece from costing its square.
        let cuts = (1..piece.len()).filter(|&cut| occurs[cut] && occurs[piece.len() - cut]);
        for (left, right) in cuts.filter_map(|cut| piece.split_at_checked(cut)) {
            if is_piece(left) && is_piece(right) {
                let lens = [left, right].map(|part| part.chars().count());
                merges.push(Merge { score, lens, left, right });
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
        let is_piece = |text: &str| pieces.iter().any(|(piece, _)| *piece == text);
        let merges = merges_by_score(pieces, is_piece);
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
