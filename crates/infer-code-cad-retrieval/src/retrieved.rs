//! Answers that were searched for before, in a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_decode::Settings;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::replace::replace_by;
use crate::{Hit, Part, Passage, Query, RetrievalError, Retriever};

/// The answers that a retriever gave to some queries, read from a file: so that a run over a benchmark needs
/// neither the store nor the embedder.
///
/// The file is JSON lines, written by [`Retrieved::write`]. The first says who answered and how many hits it was asked
/// for, each further one has a query with its hits, or with the error in their place:
///
/// ```text
/// {"retriever":"bm25(...)","top_k":5}
/// {"query":"Sum a list.","hits":[{"passage":{"id":...,"title":...,"text":...},"score":7.1}]}
/// {"query":"?","error":"..."}
/// ```
///
/// # Examples
/// ```
/// use infer_code_cad_retrieval::{Bm25Config, Bm25Index, Passage, Query, Retrieved, Retriever};
///
/// let passages = vec![Passage::new("zip", "zip", "In parallel."), Passage::new("map", "map", "One by one.")];
/// let index = Bm25Index::new(passages, Bm25Config::default())?;
/// let mut file = vec![];
/// Retrieved::write(&index, &["in parallel"], 5, &mut file)?;
///
/// let retrieved = Retrieved::parse(std::str::from_utf8(&file)?)?;
/// let found = retrieved.search(&[Query::new("in parallel"), Query::new("backwards")], 1);
/// assert_eq!(found[0].as_ref().unwrap()[0].passage.id, "zip");
/// assert!(found[1].is_err(), "nobody searched for it");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Retrieved {
    header: Header,
    answers: HashMap<String, Result<Vec<Hit>, String>>,
    fingerprint: Fingerprint,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Header {
    retriever: String,
    top_k: usize,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hits: Option<Vec<StoredHit>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredHit {
    passage: Passage,
    score: f32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<StoredPart>,
}

#[derive(Serialize, Deserialize)]
struct StoredPart {
    retriever: String,
    rank: usize,
    score: f32,
}

impl From<Hit> for StoredHit {
    fn from(hit: Hit) -> Self {
        let part = |part: Part| {
            let Part { retriever, rank, score } = part;
            StoredPart { retriever, rank, score }
        };
        let parts = hit.parts.into_iter().map(part).collect();
        Self { passage: (*hit.passage).clone(), score: hit.score, parts }
    }
}

impl From<StoredHit> for Hit {
    fn from(stored: StoredHit) -> Self {
        let mut hit = Self::new(Arc::new(stored.passage), stored.score);
        let part = |part: StoredPart| Part::new(part.retriever, part.rank, part.score);
        hit.parts = stored.parts.into_iter().map(part).collect();
        hit
    }
}

impl Retrieved {
    /// Searches for the queries at once and writes the answers; a query that comes twice is written once.
    ///
    /// # Errors
    /// [`RetrievalError::ZeroTopK`], and [`RetrievalError::Write`] when `out` cannot be written to. An error in answer to a
    /// query is written in its place.
    pub fn write(
        retriever: &dyn Retriever,
        queries: &[&str],
        top_k: usize,
        out: &mut dyn Write,
    ) -> Result<(), RetrievalError> {
        if top_k == 0 {
            return Err(RetrievalError::ZeroTopK);
        }
        let mut seen = std::collections::HashSet::new();
        let queries: Vec<_> = queries.iter().filter(|text| seen.insert(**text)).collect();
        let asked: Vec<_> = queries.iter().map(|text| Query::new(text)).collect();
        let answers = retriever.search(&asked, top_k);
        if answers.len() != queries.len() {
            let (answers, queries) = (answers.len(), queries.len());
            return Err(RetrievalError::other(format!("{answers} answers to {queries} queries")));
        }
        let header = Header { retriever: retriever.settings().to_string(), top_k };
        let mut lines = vec![json(&header)];
        lines.extend(queries.iter().zip(answers).map(|(query, answer)| {
            let (hits, error) = match answer {
                Ok(hits) => (Some(hits.into_iter().map(StoredHit::from).collect()), None),
                Err(error) => (None, Some(error.to_string())),
            };
            json(&Answer { query: (**query).to_owned(), hits, error })
        }));
        let written =
            out.write_all((lines.join("\n") + "\n").as_bytes()).and_then(|()| out.flush());
        written.map_err(|source| RetrievalError::Write { source })
    }

    /// Writes the answers to a file that appears when all is written.
    ///
    /// # Errors
    /// Those of [`Retrieved::write`], and [`RetrievalError::Io`] when the file cannot be made.
    pub fn save(
        retriever: &dyn Retriever,
        queries: &[&str],
        top_k: usize,
        path: &Path,
    ) -> Result<(), RetrievalError> {
        let io = |source| RetrievalError::Io { file: path.display().to_string(), source };
        replace_by(path, io, |part| {
            let file = File::create(part).map_err(io)?;
            Self::write(retriever, queries, top_k, &mut BufWriter::new(&file))?;
            file.sync_all().map_err(io)
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RetrievalError::Io`], and [`RetrievalError::InFile`] with one of the errors of [`Retrieved::parse`].
    pub fn open(path: &Path) -> Result<Self, RetrievalError> {
        let file = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| RetrievalError::Io { file: file(), source })?;
        let in_file = |reason| RetrievalError::InFile { file: file(), reason: Box::new(reason) };
        Self::parse(&text).map_err(in_file)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`RetrievalError::Json`] naming the line that is neither header nor answer, as the last one is in a file that was
    /// cut, and [`RetrievalError::DuplicateQuery`].
    pub fn parse(jsonl: &str) -> Result<Self, RetrievalError> {
        let bad = |line: usize, source: Box<dyn std::error::Error + Send + Sync>| {
            RetrievalError::Json { line, source }
        };
        let mut lines = (1..).zip(jsonl.lines());
        let (_, first) = lines.next().unwrap_or((1, ""));
        let header = serde_json::from_str(first).map_err(|error| bad(1, error.into()))?;
        let mut answers = HashMap::new();
        for (line, text) in lines {
            let answer: Answer =
                serde_json::from_str(text).map_err(|error| bad(line, error.into()))?;
            let found = match (answer.hits, answer.error) {
                (Some(hits), None) => Ok(hits.into_iter().map(Hit::from).collect()),
                (None, Some(error)) => Err(error),
                _ => return Err(bad(line, "an answer has either hits or an error".into())),
            };
            if answers.insert(answer.query.clone(), found).is_some() {
                return Err(RetrievalError::DuplicateQuery { query: answer.query, line });
            }
        }
        Ok(Self { header, answers, fingerprint: Fingerprint::new().text(jsonl) })
    }

    fn answer(&self, query: &Query<'_>, top_k: usize) -> Result<Vec<Hit>, RetrievalError> {
        let held = self.header.top_k;
        if top_k == 0 {
            return Err(RetrievalError::ZeroTopK);
        }
        let answer = self.answers.get(query.text);
        let answer =
            answer.ok_or_else(|| RetrievalError::NotRetrieved { query: query.text.to_owned() })?;
        let hits = answer.as_ref().map_err(|error| RetrievalError::other(error.as_str()))?;
        // Fewer than were asked for are all there are.
        if top_k > held && hits.len() == held {
            return Err(RetrievalError::TooFewRetrieved { held, asked: top_k });
        }
        Ok(hits.iter().take(top_k).cloned().collect())
    }
}

impl Retriever for Retrieved {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        queries.iter().map(|query| self.answer(query, top_k)).collect()
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new("retrieved").with("by", &self.header.retriever);
        settings.with("top_k", self.header.top_k).with("fingerprint", self.fingerprint)
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers are JSON")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::{Bm25Config, Bm25Index};

    fn file(queries: &[&str], top_k: usize) -> String {
        let passages = ["one two", "two three", "three two"]
            .map(|text| Passage { origin: "o".into(), ..Passage::new(text, "", text) });
        let index = Bm25Index::new(passages.to_vec(), Bm25Config::default()).unwrap();
        let mut out = vec![];
        Retrieved::write(&index, queries, top_k, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn answers_are_those_of_the_retriever() {
        let text = file(&["two", "", "two", "none"], 2);
        assert_eq!(text.lines().count(), 4, "a query twice is one");
        let retrieved = Retrieved::parse(&text).unwrap();
        let ids = |query, top_k| {
            let found = retrieved.search(&[Query::new(query)], top_k).remove(0);
            found.map(|hits| hits.iter().map(|hit| hit.passage.id.clone()).collect::<Vec<_>>())
        };
        assert_eq!(ids("two", 2).unwrap(), ["one two", "two three"]);
        assert_eq!(ids("two", 1).unwrap(), ["one two"]);
        assert!(ids("", 2).unwrap().is_empty());
        assert!(ids("none", 9).unwrap().is_empty(), "all there are");
        let error = ids("two", 3).unwrap_err().to_string();
        assert_eq!(
            error,
            "the file holds 2 hits of a query, 3 were asked for; retrieve again with more"
        );
        let error = ids("one", 1).unwrap_err().to_string();
        assert!(error.starts_with("nobody searched for \"one\""), "{error}");
        assert!(matches!(ids("two", 0), Err(RetrievalError::ZeroTopK)));
        let settings = retrieved.settings().to_string();
        assert!(settings.starts_with("retrieved(by=bm25(k1="), "{settings}");
        let other = Retrieved::parse(&file(&["two", ""], 2)).unwrap();
        assert_ne!(other.settings(), retrieved.settings());
    }

    #[test]
    fn hits_come_back_whole_and_errors_in_their_places() {
        #[derive(Debug)]
        struct Fused;
        impl Retriever for Fused {
            fn search(
                &self,
                queries: &[Query<'_>],
                _: usize,
            ) -> Vec<Result<Vec<Hit>, RetrievalError>> {
                let answer = |query: &Query<'_>| match query.text {
                    "bad" => Err(RetrievalError::other("asleep")),
                    text => {
                        let mut hit = Hit::new(Passage::new("a", "t", text).into(), 0.1 + 0.2);
                        hit.parts = vec![Part::new("bm25", 3, 7.25)];
                        Ok(vec![hit])
                    }
                };
                queries.iter().map(answer).collect()
            }

            fn settings(&self) -> Settings {
                Settings::new("fused")
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("found.jsonl");
        Retrieved::save(&Fused, &["good", "bad"], 5, &path).unwrap();
        let queries = [Query::new("bad"), Query::new("good")];
        let found = Retrieved::open(&path).unwrap().search(&queries, 1);
        assert_eq!(found[1].as_ref().unwrap(), Fused.search(&queries, 1)[1].as_ref().unwrap());
        let error = found[0].as_ref().unwrap_err().to_string();
        assert_eq!(error, "the retriever failed: the retriever failed: asleep");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn damaged_files_name_the_line() {
        let text = file(&["two", "three"], 2);
        let message = |text: &str| Retrieved::parse(text).unwrap_err().to_string();
        assert!(message("").starts_with("line 1 is not"));
        assert!(message(&text[..text.len() - 9]).starts_with("line 3 is not"));
        let lines: Vec<&str> = text.lines().collect();
        let twice = [lines[0], lines[1], lines[1]].join("\n");
        assert_eq!(message(&twice), "line 3 repeats the query \"two\"; a query has one answer");
        let both = format!("{}\n{{\"query\": \"x\"}}", lines[0]);
        assert!(message(&both).contains("either hits or an error"));
    }
}
