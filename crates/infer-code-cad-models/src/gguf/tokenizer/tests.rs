use std::path::{Path, PathBuf};
use std::{env, fs};

use infer_code_cad_decode::TokenId;
use serde::Deserialize;

use super::*;

/// A vocabulary and what a trusted tokenizer makes of some texts.
#[derive(Deserialize)]
struct Fixture {
    vocabulary: GgufVocabulary,
    cases: Vec<Case>,
}

/// `ids` are framed by BOS and EOS, `plain` are not.
#[derive(Deserialize)]
struct Case {
    text: String,
    ids: Option<Vec<TokenId>>,
    plain: Option<Vec<TokenId>>,
}

fn fixtures(directory: &Path) -> Vec<(PathBuf, Fixture)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let fixture = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        (path, fixture)
    };
    files.into_iter().map(read).collect()
}

fn check(path: &Path, fixture: Fixture) -> usize {
    let start = std::time::Instant::now();
    let tokenizer = fixture.vocabulary.into_tokenizer().unwrap();
    eprintln!("{} built in {:?}", path.display(), start.elapsed());
    let mut bad = 0;
    let n = fixture.cases.len();
    let start = std::time::Instant::now();
    for case in fixture.cases {
        if let Some(mut ids) = case.ids {
            if ids.len() > 1 && ids[0] == ids[1] && Some(ids[0]) == tokenizer.bos() {
                ids.remove(0);
            }
            let got = tokenizer.encode(&case.text).unwrap();
            if got != ids {
                bad += 1;
                if bad < 8 {
                    let diff = got.iter().zip(&ids).position(|(a, b)| a != b).unwrap_or(0);
                    let show = |v: &[u32]| {
                        v.iter()
                            .skip(diff.saturating_sub(2))
                            .take(8)
                            .map(|&i| {
                                (i, String::from_utf8_lossy(tokenizer.token_bytes(i)).into_owned())
                            })
                            .collect::<Vec<_>>()
                    };
                    eprintln!(
                        "{:?}\n  got  {:?}\n  want {:?}",
                        case.text.chars().take(80).collect::<String>(),
                        show(&got),
                        show(&ids)
                    );
                }
            }
        }
        if let Some(plain) = case.plain {
            let got = tokenizer.encode_plain(&case.text).unwrap();
            if got != plain {
                bad += 1;
                if bad < 8 {
                    eprintln!("PLAIN {:?}\n {got:?}\n {plain:?}", case.text);
                }
            }
        }
    }
    eprintln!("{}: {bad} of {n} differ, {:?}", path.display(), start.elapsed());
    bad
}

#[test]
fn by_hand() {
    let mut bad = 0;
    for (path, fixture) in fixtures(Path::new("/tmp/tokdump")) {
        bad += check(&path, fixture);
    }
    assert_eq!(bad, 0);
}
