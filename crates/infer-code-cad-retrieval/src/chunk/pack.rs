use std::borrow::Cow;
use std::ops::Range;

use super::units::{Unit, units};
use crate::Document;

/// No token is longer than this many bytes on the average of a chunk: as far as a line is looked at to cut it.
const BYTES_PER_TOKEN: usize = 32;

/// Titles and texts of chunks of at most `max` tokens; see [`Chunking::Tokens`](super::Chunking::Tokens).
pub(super) fn by_tokens(
    document: &Document,
    max: usize,
    overlap: usize,
    count: &dyn Fn(&str) -> usize,
) -> Vec<(String, String)> {
    let (title, text) = short_title(document, max, count);
    if text.trim().is_empty() {
        return if title.trim().is_empty() { vec![] } else { vec![(title, String::new())] };
    }
    // What an embedder adds to each text is counted once a chunk, with the title.
    let added = count("");
    let used = count(&format!("{title}\n"));
    let room = max.saturating_sub(used).max(1);
    let packer = Packer { text: &text, title: &title, max, room, overlap, added, count };
    let pieces = packer.pieces();
    packer
        .pack(&pieces)
        .into_iter()
        .map(|range| (title.clone(), trim(&text[range]).to_owned()))
        .collect()
}

/// A title takes at most half a chunk: of a longer one the begin, and the whole of it as the text's first paragraph.
fn short_title<'a>(
    document: &'a Document,
    max: usize,
    count: &dyn Fn(&str) -> usize,
) -> (String, Cow<'a, str>) {
    let Document { title, text, .. } = document;
    if count(title) <= max / 2 {
        return (title.clone(), Cow::Borrowed(text));
    }
    let fits = |end: &usize| count(&title[..*end]) <= max / 2;
    let short = longest(&word_ends(title), fits).or_else(|| longest(&char_ends(title), fits));
    (title[..short.unwrap_or(0)].to_owned(), Cow::Owned(format!("{title}\n\n{text}")))
}

/// Without blank lines around it; the indentation of the first line stays.
fn trim(text: &str) -> &str {
    let text = text.trim_end();
    let blank = text.len() - text.trim_start().len();
    let start = text[..blank].rfind('\n').map_or(0, |at| at + 1);
    &text[start..]
}

/// A part of a text that is not cut any more.
#[derive(Debug, Clone)]
struct Piece {
    range: Range<usize>,
    tokens: usize,
    example: bool,
}

struct Packer<'a> {
    text: &'a str,
    title: &'a str,
    max: usize,
    /// Tokens beside the title.
    room: usize,
    overlap: usize,
    /// Tokens that are added to each text.
    added: usize,
    count: &'a dyn Fn(&str) -> usize,
}

impl Packer<'_> {
    fn tokens(&self, range: Range<usize>) -> usize {
        (self.count)(&self.text[range]).saturating_sub(self.added)
    }

    fn piece(&self, range: Range<usize>, example: bool) -> Piece {
        Piece { tokens: self.tokens(range.clone()), range, example }
    }

    /// Paragraphs and examples; of what does not fit lines, or parts of lines.
    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for Unit { range, example } in units(self.text) {
            let piece = self.piece(range.clone(), example);
            if example || piece.tokens <= self.room {
                pieces.push(piece);
                continue;
            }
            let mut start = range.start;
            for line in self.text[range].split_inclusive('\n') {
                self.cut_line(start..start + line.len(), &mut pieces);
                start += line.len();
            }
        }
        pieces
    }

    /// A line, or parts of it that fit: up to the end of a sentence if that is beyond half of what fits, else of a
    /// word, else of a character.
    fn cut_line(&self, line: Range<usize>, pieces: &mut Vec<Piece>) {
        let mut rest = line;
        while !rest.is_empty() {
            let near = self.floor(rest.end.min(rest.start + self.room * BYTES_PER_TOKEN));
            let start = rest.start;
            let fits = |end: &usize| self.tokens(start..start + *end) <= self.room;
            let window = &self.text[start..near];
            let end = if near == rest.end && fits(&window.len()) {
                window.len()
            } else {
                longest(&word_ends(window), fits)
                    .map(|end| sentence_end(window, end / 2, end).unwrap_or(end))
                    .or_else(|| longest(&char_ends(window), fits))
                    .unwrap_or_else(|| window.chars().next().map_or(1, char::len_utf8))
            };
            pieces.push(self.piece(start..start + end, false));
            rest.start += end;
        }
    }

    fn floor(&self, at: usize) -> usize {
        (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// As many pieces a chunk as fit, each with its overlap before it.
    fn pack(&self, pieces: &[Piece]) -> Vec<Range<usize>> {
        let mut chunks = Vec::new();
        let mut first = 0;
        while first < pieces.len() {
            let lead = if first == 0 { 0 } else { self.lead(pieces, first) };
            let start = pieces[first].range.start - lead;
            let mut tokens = self.tokens(start..pieces[first].range.start);
            let fits = |piece: &&Piece| {
                tokens += piece.tokens;
                tokens <= self.room
            };
            let mut end = first + pieces[first..].iter().take_while(fits).count().max(1);
            // Tokens are not always those of the parts; this is what the embedder will see.
            while end > first + 1 && !self.fits(start..pieces[end - 1].range.end) {
                end -= 1;
            }
            let range = start..pieces[end - 1].range.end;
            chunks.push(if self.fits(range.clone()) {
                range
            } else {
                pieces[first].range.start..range.end
            });
            first = end;
        }
        chunks.retain(|range| !self.text[range.clone()].trim().is_empty());
        chunks
    }

    fn fits(&self, range: Range<usize>) -> bool {
        (self.count)(&format!("{}\n{}", self.title, trim(&self.text[range]))) <= self.max
    }

    /// Bytes before the piece `first` that its chunk repeats: whole pieces, then lines or sentences of the one before,
    /// as long as they and the piece fit.
    fn lead(&self, pieces: &[Piece], first: usize) -> usize {
        let end = pieces[first].range.start;
        let most = self.overlap.min(self.room.saturating_sub(pieces[first].tokens));
        let fits = |start: &usize| self.tokens(*start..end) <= most;
        let mut start = end;
        for piece in pieces[..first].iter().rev() {
            if !fits(&piece.range.start) {
                if !piece.example {
                    let inside = line_and_sentence_starts(&self.text[piece.range.clone()]);
                    let mut starts = inside.into_iter().map(|at| piece.range.start + at);
                    start = starts.find(fits).unwrap_or(start);
                }
                break;
            }
            start = piece.range.start;
        }
        end - start
    }
}

/// The largest of ascending ends that fits, by halving.
fn longest(ends: &[usize], fits: impl Fn(&usize) -> bool) -> Option<usize> {
    let fitting = ends.partition_point(fits);
    fitting.checked_sub(1).map(|last| ends[last])
}

/// Behind each run of white space, and at the end.
fn word_ends(text: &str) -> Vec<usize> {
    let mut ends =
        starts_after(text, |before, next| before.is_whitespace() && !next.is_whitespace());
    ends.retain(|end| !text[..*end].trim().is_empty());
    ends
}

fn char_ends(text: &str) -> Vec<usize> {
    text.char_indices().map(|(at, c)| at + c.len_utf8()).collect()
}

/// The last end of a sentence within `from..=to`, with the white space after it.
fn sentence_end(text: &str, from: usize, to: usize) -> Option<usize> {
    let ends = word_ends(&text[..to]);
    let ends_sentence = |end: &usize| text[..*end].trim_end().ends_with(['.', '!', '?', ':', ';']);
    ends.into_iter().rev().filter(|end| *end >= from && *end < to).find(ends_sentence)
}

/// Where lines begin and, after all of them, where sentences do.
fn line_and_sentence_starts(text: &str) -> Vec<usize> {
    let mut starts = starts_after(text, |before, next| before == '\n' && next != '\n');
    let sentence = |at: &usize| text[..*at].trim_end().ends_with(['.', '!', '?']);
    starts.extend(word_ends(text).into_iter().filter(sentence));
    starts
}

/// Where a character begins that follows another so.
fn starts_after(text: &str, border: impl Fn(char, char) -> bool) -> Vec<usize> {
    let pairs = text.char_indices().zip(text.chars().skip(1));
    pairs.filter(|((_, c), next)| border(*c, *next)).map(|((at, c), _)| at + c.len_utf8()).collect()
}
