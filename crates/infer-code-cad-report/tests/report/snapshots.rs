use infer_code_cad_report::{Memory, PaperFigures, Role, Speed, Study};

use crate::{against, arm, report, study};

fn small() -> Study {
    let mut arms = vec![
        arm("control", Role::Control, &[0, 2, 4, 1, 0, 3]),
        arm("cad, plain", against("control"), &[1, 3, 4, 1, 1, 4]),
        arm("sc|5", Role::Exploratory { control: Some("control".into()) }, &[0, 2, 4, 0, 0, 3]),
    ];
    arms[0].speed = Speed { tokens_per_second: Some(70.0), ..Speed::default() };
    arms[0].memory = Memory { peak_bytes: Some(412_000_000), ..Memory::default() };
    arms[1].paper = Some(PaperFigures { pass_at: vec![(1, 0.23)], ..PaperFigures::default() });
    arms[1].settings.insert("alpha".into(), "0.5".into());
    let mut study = study(arms);
    study.settings.insert("seed".into(), "0".into());
    study
}

/// Compares with `tests/report/expected`; with `UPDATE_EXPECTED=1` writes it.
fn is_expected(name: &str, text: &str) {
    let path = format!("{}/tests/report/expected/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, expected, "{name} has changed: UPDATE_EXPECTED=1 writes it anew");
}

#[test]
fn markdown() {
    is_expected("small.md", &report(&small()).markdown());
}

#[test]
fn arms() {
    is_expected("arms.csv", &report(&small()).arms_csv());
}

#[test]
fn problems() {
    is_expected("problems.csv", &report(&small()).problems_csv());
}
