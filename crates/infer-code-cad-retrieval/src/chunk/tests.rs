use proptest::prelude::*;

use super::units::units;
use super::*;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// An embedder's count: two marks around the text, and long words in parts.
fn tokens(text: &str) -> usize {
    2 + text.split_whitespace().map(|word| word.chars().count().div_ceil(4)).sum::<usize>()
}

fn cut(chunking: Chunking, document: &Document) -> Vec<Passage> {
    Chunker::new(chunking, &tokens).unwrap().cut(document)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_text_of_a_chunking_reads_back() {
    for text in ["words:500", "words:500:50", "tokens:256", "tokens:256:32"] {
        assert_eq!(text.parse::<Chunking>().unwrap().to_string(), text);
    }
    assert_eq!(Chunking::default().to_string(), "words:500");
    for text in ["", "words", "lines:3", "words:x", "words:5:1:1", "tokens:-1"] {
        let error = text.parse::<Chunking>().unwrap_err().to_string();
        assert!(error.contains("expected words:SIZE, tokens:SIZE"), "{error}");
    }
    assert_eq!("tokens:8".parse::<Chunking>(), Err(ChunkError::Size { size: 8, least: 16 }));
    assert_eq!("words:9:5".parse::<Chunking>(), Err(ChunkError::Overlap { overlap: 5, most: 4 }));
}

#[test]
fn words_overlap() {
    let document = Document::new("d", "T", " a b\nc  d e ");
    let cut = cut(Chunking::Words { words: 3, overlap: 1 }, &document);
    let texts: Vec<&str> = cut.iter().map(|passage| passage.text.as_str()).collect();
    assert_eq!(texts, ["a b\nc", "c  d e"]);
    assert!(cut.iter().all(|passage| passage.title == "T"));
}

#[test]
fn seen_texts_are_dropped_and_ids_stay_unique() {
    let mut chunker = Chunker::new(Chunking::default(), &words).unwrap();
    let mut ids = |document: &Document| -> Vec<String> {
        chunker.cut(document).into_iter().map(|passage| passage.id).collect()
    };
    assert_eq!(ids(&Document::new("a", "A", "one text")), ["a"]);
    assert_eq!(ids(&Document::new("b", "B", " one\ntext")), [""; 0]);
    assert_eq!(ids(&Document::new("a", "A", "another")), ["a~2"]);
    assert_eq!(ids(&Document::new("e", "E", "")), ["e"]);
    assert_eq!(ids(&Document::new("f", "F", " ")), ["f"]);
    assert_eq!(ids(&Document::new("g", "", "")), [""; 0]);
    let object =
        |title| Document { kind: DocumentKind::Object, ..Document::new(title, title, "one text") };
    assert_eq!(ids(&object("f(x)")), ["f(x)"]);
    assert_eq!(ids(&object("f(x)")), [""; 0]);
    let version = |version: &str| Document {
        origin: "lib".to_owned(),
        version: version.to_owned(),
        ..Document::new(version, "T", "one text")
    };
    assert_eq!(ids(&version("1")), ["1"]);
    assert_eq!(ids(&version("2")), ["2"]);
    assert_eq!(ids(&version("1")), [""; 0]);
    let counts = chunker.counts();
    assert_eq!((counts.documents, counts.chunks, counts.duplicates), (11, 10, 3));
}

#[test]
fn paragraphs_stay_whole_where_they_fit() {
    let text = "one two three four\n\nfive six seven\n\neight nine ten\n\n>>> f(1)\n1\n";
    let cut = cut(Chunking::Tokens { max: 16, overlap: 0 }, &Document::new("d", "T", text));
    let texts: Vec<&str> = cut.iter().map(|passage| passage.text.as_str()).collect();
    assert_eq!(texts, ["one two three four\n\nfive six seven\n\neight nine ten", ">>> f(1)\n1"]);
}

#[test]
fn an_overlap_repeats_whole_lines_or_sentences() {
    let text = "aa bb. cc dd. ee ff.\n\ngg hh ii jj kk ll mm nn oo\n\npp";
    let cut = cut(Chunking::Tokens { max: 16, overlap: 4 }, &Document::new("d", "T", text));
    let texts: Vec<&str> = cut.iter().map(|passage| passage.text.as_str()).collect();
    assert_eq!(texts[1], "cc dd. ee ff.\n\ngg hh ii jj kk ll mm nn oo");
    assert_eq!(texts.len(), 3);
}

#[test]
fn a_long_title_takes_half_a_chunk_and_is_not_lost() {
    let title = format!("f({})", (0..40).map(|n| format!("a{n}=0")).collect::<Vec<_>>().join(", "));
    let cut = cut(Chunking::Tokens { max: 32, overlap: 0 }, &Document::new("d", &title, "Text."));
    assert!(cut.iter().all(|passage| tokens(&passage.content()) <= 32));
    assert!(cut[0].title.starts_with("f(a0=0") && tokens(&cut[0].title) <= 16);
    let whole: Vec<&str> = cut.iter().map(|passage| passage.text.as_str()).collect();
    assert_eq!(squeezed(&whole.join(" ")), format!("{title} Text."));
    let solid = "x".repeat(4000);
    let cut = super::tests::cut(
        Chunking::Tokens { max: 16, overlap: 0 },
        &Document::new("d", &solid, ""),
    );
    assert!(cut.iter().all(|passage| tokens(&passage.content()) <= 16));
}

#[test]
fn a_text_of_one_line_of_a_megabyte_is_cut_in_time() {
    let text = "word ".repeat(40_000) + &"x".repeat(200_000);
    let document = Document::new("d", "T", text);
    let cut = pack::by_tokens(&document, 256, 32, &tokens);
    assert!(cut.len() > 300);
}

fn text() -> impl Strategy<Value = String> {
    let paragraph = "([a-z]{1,9}[.]?[ \n]){1,30}";
    let code = "(x = [a-z]{1,20}\n{1,2}){1,12}";
    let part = prop_oneof![
        3 => paragraph.prop_map(|text| text + "\n"),
        1 => code.prop_map(|code| format!("```\n{code}```\n")),
        1 => "(>>> [a-z]{1,9}\n[0-9]{1,5}\n){1,9}".prop_map(|text| text + "\n"),
        1 => "[a-zé]{1,300}".prop_map(|text| text + "\n"),
        1 => "(  [a-z ]{1,30}\n){1,4}".prop_map(|block| format!("So::\n\n{block}\nx\n")),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn nothing_is_lost(text in text(), max in 16usize..60, size in 1usize..50) {
        let document = Document::new("d", "T", &text);
        for chunking in [Chunking::Tokens { max, overlap: 0 }, Chunking::Words { words: size, overlap: 0 }] {
            let mut chunks = match chunking {
                Chunking::Words { words, .. } => whole(&document, |text| by_words(text, words, 0)),
                Chunking::Tokens { max, .. } => pack::by_tokens(&document, max, 0, &tokens),
            };
            let joined: String = chunks.drain(..).map(|(_, text)| text).collect();
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(solid(&joined), solid(&text));
        }
    }

    #[test]
    fn chunks_keep_the_limit_and_examples_whole(text in text(), max in 16usize..60, part in 0usize..4) {
        let overlap = max * part / 8;
        let document = Document::new("d", "T", &text);
        let chunks = pack::by_tokens(&document, max, overlap, &tokens);
        let examples: Vec<&str> =
            units(&text).into_iter().filter(|unit| unit.example).map(|unit| text[unit.range].trim_end()).collect();
        for (_, chunk) in &chunks {
            prop_assert!(tokens(&format!("T\n{chunk}")) <= max || examples.contains(&chunk.as_str()), "{chunk:?}");
        }
        for example in examples {
            prop_assert!(chunks.iter().any(|(_, chunk)| chunk.contains(example)), "{example:?} in {chunks:?}");
        }
    }

    #[test]
    fn an_overlap_is_what_stood_before(text in text(), max in 16usize..60) {
        chunks_follow_one_another(&text, max)?;
    }
}

#[test]
fn an_overlap_of_equal_letters_is_what_stood_before() {
    chunks_follow_one_another(&("é".repeat(118) + "\n"), 32).unwrap();
}

/// Each chunk begins at or before the end of the last and ends behind it, up to the end of the text.
fn chunks_follow_one_another(text: &str, max: usize) -> Result<(), TestCaseError> {
    let mut chunks = pack::by_tokens(&Document::new("d", "T", text), max, max / 2, &tokens);
    chunks.retain(|(_, chunk)| !chunk.is_empty());
    // A chunk may read the same at several places: each is followed.
    let mut ends = vec![0];
    for (_, chunk) in &chunks {
        let follows = |start: usize, last: usize| {
            start + chunk.len() > last && text[last.min(start)..start].trim().is_empty()
        };
        let reads = |at: &usize| text.as_bytes()[*at..].starts_with(chunk.as_bytes());
        let mut starts: Vec<usize> = (0..text.len()).filter(reads).collect();
        starts.retain(|start| ends.iter().any(|last| follows(*start, *last)));
        prop_assert!(!starts.is_empty(), "{chunk:?} after one of {ends:?} of {text:?}");
        ends = starts.into_iter().map(|start| start + chunk.len()).collect();
    }
    prop_assert!(ends.iter().any(|end| text[*end..].trim().is_empty()), "{chunks:?} of {text:?}");
    Ok(())
}
