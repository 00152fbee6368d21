//! What a change costs, and that the files do not tell how they came about.

use std::sync::Arc;

use infer_code_cad_retrieval::{
    Chunking, Document, Documents, FlatConfig, FlatIndex, Query, Skipped, Source, SourceError,
    SourceSummary, Store, StoreError, StoreWriter, VectorIndex,
};

use super::*;

#[test]
fn a_store_holds_what_was_given() {
    let directory = tempfile::tempdir().unwrap();
    let embedder = Fake::default();
    let given = passages(0..50, "a");
    let report = build(directory.path(), given.clone(), Some(&embedder)).unwrap();
    assert_eq!((report.passages, report.embedded, report.reused, report.removed), (50, 50, 0, 0));
    let store = Store::open(directory.path()).unwrap();
    let held: Vec<Passage> = store.passages().iter().map(|held| Passage::clone(held)).collect();
    assert_eq!(held, given);
    let made = store.manifest().embedder.as_ref().unwrap();
    assert_eq!((made.dimension, made.settings.as_str()), (DIMENSION, "fake(name=\"\")"));
    let cut = given.iter().map(|it| embedder.token_count(&it.content()).saturating_sub(300));
    assert_eq!(made.cut_tokens, cut.clone().sum::<usize>() as u64);
    assert_eq!(made.cut_passages, cut.filter(|cut| *cut > 0).count());
    assert!(made.cut_passages > 5 && !directory.path().join("building").exists());
}

#[test]
fn the_vectors_are_those_of_the_embedder_in_the_file_of_a_flat_index() {
    let directory = tempfile::tempdir().unwrap();
    let given = passages(0..30, "a");
    build(directory.path(), given.clone(), Some(&Fake::default())).unwrap();
    let texts: Vec<String> = given.iter().map(Passage::content).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = Fake::default().embed(&texts, TextRole::Passage).unwrap().vectors;
    let mut index = FlatIndex::new(DIMENSION, FlatConfig::default());
    let rows: Vec<i64> = (0..30).collect();
    index.add(&rows, vectors.view()).unwrap();
    let path = directory.path().join("saved");
    index.save(&path).unwrap();
    assert_eq!(files(directory.path())["vectors.faiss"], std::fs::read(path).unwrap());
    let store = Store::open(directory.path()).unwrap();
    let found = store.index().unwrap().search(vectors.view(), 1).unwrap();
    let found: Vec<i64> = found.iter().map(|nearest| nearest[0].id).collect();
    assert_eq!(found, rows);
}

#[test]
fn one_percent_changed_is_one_percent_embedded() {
    let directory = tempfile::tempdir().unwrap();
    let mut given = passages(0..1000, "a");
    build(directory.path(), given.clone(), Some(&Fake::default())).unwrap();
    let mut changed = passages(0..1000, "b");
    for id in (0..1000).step_by(100) {
        given[id] = std::mem::take(&mut changed[id]);
    }
    let embedder = Fake::default();
    let report = build(directory.path(), given.clone(), Some(&embedder)).unwrap();
    assert_eq!((report.embedded, report.reused, embedder.texts()), (10, 990, 10));
    let anew = tempfile::tempdir().unwrap();
    build(anew.path(), given, Some(&Fake::default())).unwrap();
    assert_eq!(files(directory.path()), files(anew.path()));
}

#[test]
fn equal_texts_are_embedded_once_and_a_second_run_embeds_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut given = passages(0..20, "a");
    given.extend(passages(0..20, "a").into_iter().map(|mut passage| {
        passage.id += "-again";
        passage
    }));
    let report = build(directory.path(), given.clone(), Some(&Fake::default())).unwrap();
    assert_eq!((report.passages, report.embedded), (40, 20));
    let before = files(directory.path());
    let embedder = Fake::default();
    build(directory.path(), given, Some(&embedder)).unwrap();
    assert_eq!((embedder.texts(), files(directory.path())), (0, before));
}

#[test]
fn another_embedder_takes_over_nothing() {
    let directory = tempfile::tempdir().unwrap();
    build(directory.path(), passages(0..20, "a"), Some(&Fake::named("one"))).unwrap();
    let embedder = Fake::named("two");
    let report = build(directory.path(), passages(0..20, "a"), Some(&embedder)).unwrap();
    assert_eq!((report.embedded, report.reused), (20, 0));
    // Without one the vectors go, and so does their file.
    build(directory.path(), passages(0..20, "a"), None).unwrap();
    assert!(!directory.path().join("vectors.faiss").exists());
    assert!(Store::open(directory.path()).unwrap().manifest().embedder.is_none());
}

#[test]
fn appending_is_building_of_both() {
    let [grown, whole] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    build(whole.path(), passages(0..60, "a"), Some(&Fake::default())).unwrap();
    build(grown.path(), passages(0..40, "a"), Some(&Fake::default())).unwrap();
    let embedder = Fake::default();
    let mut writer = StoreWriter::open(grown.path()).unwrap();
    let more = contents(passages(40..60, "a"));
    let report = writer.append(more, Some(&embedder), &mut go_on).unwrap();
    assert_eq!((report.passages, report.reused, embedder.texts()), (60, 40, 20));
    assert_eq!(files(grown.path()), files(whole.path()));
    // An id that is there already: the new passage takes its place, at the end.
    let newer = contents(passages(0..1, "b"));
    let report = writer.append(newer, Some(&embedder), &mut go_on).unwrap();
    assert_eq!((report.passages, report.removed, report.embedded), (60, 0, 1));
    let store = Store::open(grown.path()).unwrap();
    assert_eq!(store.passages()[59].text, "b ");
}

/// Two folders may both have a README.md.
#[test]
fn an_id_of_another_origin_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = StoreWriter::open(directory.path()).unwrap();
    let passage = |origin: &str, text: &str| {
        let mut passage = Passage::new("README.md", "title", text);
        passage.origin = origin.to_owned();
        contents(vec![passage])
    };
    writer.build(passage("a", "one"), None, &mut go_on).unwrap();
    for (origin, text) in [("b", "two"), ("c", "three"), ("b", "TWO"), ("a", "ONE")] {
        writer.append(passage(origin, text), None, &mut go_on).unwrap();
    }
    let store = Store::open(directory.path()).unwrap();
    let held = store.passages().iter().map(|held| (held.id.as_str(), held.text.as_str()));
    let expected = [("README.md~3", "three"), ("README.md~2", "TWO"), ("README.md", "ONE")];
    assert_eq!(held.collect::<Vec<_>>(), expected);
}

#[test]
fn appending_needs_the_embedder_of_the_vectors() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = StoreWriter::open(directory.path()).unwrap();
    let more = || contents(passages(20..30, "a"));
    let none = writer.append(more(), None, &mut go_on).unwrap_err();
    assert!(matches!(none, StoreError::NoStore { .. }), "{none}");
    writer.build(contents(passages(0..20, "a")), Some(&Fake::named("one")), &mut go_on).unwrap();
    let before = files(directory.path());
    let other = writer.append(more(), Some(&Fake::named("two")), &mut go_on).unwrap_err();
    assert_eq!(
        other.to_string(),
        "the vectors were made by fake(name=one), this embedder is fake(name=two); take that one, or build the \
         index again"
    );
    let missing = writer.append(more(), None, &mut go_on).unwrap_err();
    assert!(matches!(missing, StoreError::NoEmbedder { .. }));
    assert_eq!(files(directory.path()), before);
}

#[test]
fn removing_leaves_what_building_of_the_rest_gives() {
    let [cut, rest] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    build(cut.path(), passages(0..60, "a"), Some(&Fake::default())).unwrap();
    let mut writer = StoreWriter::open(cut.path()).unwrap();
    let by_origin = writer.remove(|passage| passage.origin == "origin1").unwrap();
    assert_eq!((by_origin.passages, by_origin.removed), (40, 20));
    let by_id = writer.remove(|passage| passage.id == "p0").unwrap();
    let by_location = writer.remove(|passage| passage.location.starts_with("folder2/")).unwrap();
    assert_eq!((by_id.removed, by_location.removed), (1, 4));
    let mut left = passages(1..60, "a");
    left.retain(|it| it.origin != "origin1" && !it.location.starts_with("folder2/"));
    build(rest.path(), left, Some(&Fake::default())).unwrap();
    assert_eq!(files(cut.path()), files(rest.path()));
    let all = writer.remove(|_| true).unwrap_err();
    assert!(matches!(all, StoreError::NoPassages), "{all}");
    assert_eq!(files(cut.path()), files(rest.path()));
}

#[test]
fn a_stopped_run_goes_on_where_it_was() {
    let [stopped, straight] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let given = || passages(0..600, "a");
    build(straight.path(), given(), Some(&Fake::default())).unwrap();
    let (mut done, mut stops) = (0, 0);
    loop {
        let embedder = Fake::default();
        let mut writer = StoreWriter::open(stopped.path()).unwrap();
        let stop_after_one = &mut |progress: &IndexProgress| match progress.done_passages {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        let outcome = writer.build(contents(given()), Some(&embedder), stop_after_one);
        done += embedder.texts();
        match outcome {
            Ok(report) => {
                assert_eq!((report.resumed + report.embedded, done), (600, 600));
                break;
            }
            Err(error) => assert!(matches!(error, StoreError::Cancelled { .. }), "{error}"),
        }
        assert!(matches!(Store::open(stopped.path()), Err(StoreError::NoStore { .. })));
        stops += 1;
    }
    assert!(stops > 3);
    assert_eq!(files(stopped.path()), files(straight.path()));
}

#[test]
fn progress_tells_rate_and_estimate() {
    let directory = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let mut writer = StoreWriter::open(directory.path()).unwrap();
    let on_progress = &mut |progress: &IndexProgress| {
        seen.push(*progress);
        ControlFlow::Continue(())
    };
    writer.build(contents(passages(0..600, "a")), Some(&Fake::default()), on_progress).unwrap();
    let last = seen.last().unwrap();
    assert_eq!(seen[0].done_tokens, 0);
    assert!(seen[0].remaining().is_none() && last.remaining().is_some());
    assert!(last.tokens_per_second().unwrap() > 0.0 && last.done_tokens < last.total_tokens);
    assert_eq!(last.total_passages, 600);
}

#[test]
fn contents_that_cannot_be_stored_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let empty = build(directory.path(), Vec::new(), None).unwrap_err();
    assert!(matches!(empty, StoreError::NoPassages));
    let twice = [passages(0..2, "a"), passages(1..2, "b")].concat();
    let twice = build(directory.path(), twice, None).unwrap_err();
    assert_eq!(twice.to_string(), "two passages have the id \"p1\"; ids must be unique");
    std::fs::write(directory.path().join("passages.jsonl"), "{}").unwrap();
    let foreign = build(directory.path(), passages(0..2, "a"), None).unwrap_err();
    assert!(matches!(foreign, StoreError::InTheWay { .. }), "{foreign}");
    assert_eq!(std::fs::read(directory.path().join("passages.jsonl")).unwrap(), b"{}");
}

/// An embedder that breaks its promises.
#[derive(Debug)]
struct Broken(fn(&mut Embeddings));

impl Embedder for Broken {
    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<Embeddings, EmbedError> {
        let mut embedded = Fake::default().embed(texts, role)?;
        (self.0)(&mut embedded);
        Ok(embedded)
    }

    fn token_count(&self, _: &str) -> usize {
        1
    }

    fn settings(&self) -> Settings {
        Settings::new("broken")
    }
}

#[test]
fn an_embedder_that_breaks_its_promises_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let outcome = |broken: fn(&mut Embeddings)| {
        build(directory.path(), passages(0..3, "a"), Some(&Broken(broken))).unwrap_err()
    };
    let nan = outcome(|embedded| embedded.vectors[[1, 5]] = f32::NAN);
    assert_eq!(
        nan.to_string(),
        "the vector of the passage \"p1\" holds NaN; check the embedder's weights"
    );
    let shape = outcome(|embedded| embedded.vectors = Array2::zeros((3, DIMENSION + 1)));
    assert!(matches!(shape, StoreError::Shape { shape: [3, 25], .. }), "{shape}");
    let cuts = outcome(|embedded| embedded.cut_tokens.clear());
    assert!(matches!(cuts, StoreError::Shape { cuts: 0, .. }), "{cuts}");
}

#[test]
fn a_store_is_searched_with_the_embedder_of_its_vectors_or_without() {
    let directory = tempfile::tempdir().unwrap();
    let of = |name| -> Arc<dyn Embedder> { Arc::new(Fake::named(name)) };
    build(directory.path(), passages(0..30, "a"), Some(&*of("one"))).unwrap();
    let store = Store::open(directory.path()).unwrap();
    let first = |embedder, text: &str| {
        let found = store.retriever(embedder).unwrap().search(&[Query::new(text)], 1).remove(0);
        found.unwrap().remove(0)
    };
    let words = first(None, "title 7");
    assert!(words.passage.id == "p7" && words.parts.is_empty());
    let both = first(Some(of("one")), &store.passages()[9].content());
    assert_eq!((both.passage.id.as_str(), both.parts.len()), ("p9", 2));
    let other = store.retriever(Some(of("two"))).unwrap_err();
    assert!(matches!(other, StoreError::OtherEmbedder { .. }), "{other}");
    build(directory.path(), passages(0..30, "a"), None).unwrap();
    let none = Store::open(directory.path()).unwrap().retriever(Some(of("one"))).unwrap_err();
    assert!(matches!(none, StoreError::NoVectors { .. }), "{none}");
}

/// Documents of its own, one of them unreadable.
#[derive(Debug)]
struct Shelf(&'static str, usize);

impl Source for Shelf {
    fn documents(&self) -> Result<Documents<'_>, SourceError> {
        let documents = (0..self.1).map(|number| match number {
            1 => Err(Skipped::new("book 1", "torn")),
            _ => Ok(Document::new(format!("book{number}"), self.0, format!("text {}", number % 4))),
        });
        Ok(Box::new(documents))
    }

    fn settings(&self) -> Settings {
        Settings::new("shelf").with("name", self.0)
    }
}

#[test]
fn sources_are_read_cut_and_counted() {
    let sources: [Box<dyn Source>; 2] = [Box::new(Shelf("a", 6)), Box::new(Shelf("b", 3))];
    let (mut told, count) = (0, |text: &str| text.len());
    let on_document = &mut |_: &SourceSummary| told += 1;
    let reading = Contents::read(&sources, Chunking::default(), &count, on_document).unwrap();
    let counts = |it: &SourceSummary| (it.documents, it.passages, it.duplicates, it.skipped);
    let counted: Vec<_> = reading.contents.sources.iter().map(counts).collect();
    assert_eq!((counted, told), (vec![(5, 4, 1, 1), (2, 0, 2, 1)], 9));
    assert_eq!(reading.skipped[0].to_string(), "book 1: torn");
    let ids: Vec<&str> = reading.contents.passages.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["book0", "book2", "book3", "book5"]);
    let directory = tempfile::tempdir().unwrap();
    let mut writer = StoreWriter::open(directory.path()).unwrap();
    writer.build(reading.contents, None, &mut go_on).unwrap();
    let store = Store::open(directory.path()).unwrap();
    let sources: Vec<&str> = store.manifest().sources.iter().map(|it| it.source.as_str()).collect();
    assert_eq!(sources, ["shelf(name=a)", "shelf(name=b)"]);
    assert_eq!(store.manifest().chunking, "words:500");
}
