use html5gum::{Token, Tokenizer};
use infer_code_cad_report::{Prompt, Role, Sample, Speed, Study};

use crate::{against, arm, forms, study};

const HOSTILE: &str = "</script></style></pre></title>\"'`><img src=x onerror=alert(1)>&amp;|<!-- \0\u{1b}[2J\u{202e}\r\n]]>\u{ffff}";

fn hostile() -> Study {
    let long = "x".repeat(100_000);
    let mut arms = vec![arm("a", Role::Control, &[0, 2]), arm(HOSTILE, against("a"), &[3, 2])];
    for arm in &mut arms {
        arm.model = HOSTILE.into();
        arm.benchmark = HOSTILE.into();
        arm.speed = Speed { tokens_per_second: Some(3.0), ..Speed::default() };
        arm.settings.insert(HOSTILE.into(), HOSTILE.into());
        for problem in &mut arm.problems {
            problem.task_id += HOSTILE;
            problem.prompts =
                vec![Prompt { name: HOSTILE.into(), text: format!("{HOSTILE}{long}") }];
            for Sample { verdict, reason, program, .. } in &mut problem.samples {
                *reason = HOSTILE.into();
                *program = Some(format!("{verdict}\n{HOSTILE}\n{long}\n"));
                if verdict == "failed" {
                    *verdict = HOSTILE.into();
                }
            }
        }
    }
    let mut study = study(arms);
    study.title = HOSTILE.into();
    study.notes = vec![HOSTILE.into()];
    study.environment.insert(HOSTILE.into(), HOSTILE.into());
    study
}

#[test]
fn foreign_text_makes_no_element_and_no_attribute() {
    let html = &forms(&hostile())[0];
    let (mut texts, mut tags) = (0, 0);
    for Ok(token) in Tokenizer::new(html.as_str()) {
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8(tag.name.0.clone()).unwrap();
                assert!(
                    !["script", "img", "iframe", "object", "link"].contains(&name.as_str()),
                    "{name}"
                );
                for attribute in tag.attributes.keys() {
                    let attribute = String::from_utf8(attribute.0.clone()).unwrap();
                    assert!(!attribute.starts_with("on"), "{name} {attribute}");
                }
                tags += 1;
            }
            Token::String(text) => {
                let text = String::from_utf8(text.value.0.clone()).unwrap();
                texts += text.matches("onerror=alert(1)").count();
            }
            Token::Error(error) => panic!("{error:?}"),
            Token::Comment(_) => panic!("a comment"),
            _ => {}
        }
    }
    assert!(tags > 100 && texts > 20, "{tags} {texts}");
}

#[test]
fn drawings_stay_well_formed() {
    let forms = forms(&hostile());
    assert!(forms.len() > 5);
    for svg in &forms[5..] {
        roxmltree::Document::parse(svg).unwrap();
    }
}

#[test]
fn nothing_invisible_is_left() {
    let forms = forms(&hostile());
    for form in forms[..2].iter().chain(&forms[5..]) {
        assert!(!form.contains(['\0', '\u{1b}', '\u{202e}', '\r', '\u{ffff}']));
    }
}

#[test]
fn rows_of_markdown_stay_rows() {
    let markdown = &forms(&hostile())[1];
    assert!(!markdown.contains('<') && !markdown.contains("\0"));
    let pipes = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut table: Option<usize> = None;
    for line in markdown.lines() {
        table = line.starts_with('|').then(|| pipes(line)).inspect(|now| {
            assert_eq!(table.unwrap_or(*now), *now, "{line}");
        });
    }
}

#[test]
fn what_is_long_is_cut_on_the_page_alone() {
    let forms = forms(&hostile());
    assert!(forms[0].len() < 400_000, "{}", forms[0].len());
    assert!(forms[4].len() > 1_000_000);
}
