use std::collections::BTreeSet;

use html5gum::{Token, Tokenizer};

use crate::{report, synthetic};

/// Elements that have no end.
const VOID: [&str; 2] = ["meta", "br"];

#[test]
fn the_page_is_nested_as_it_should_be_and_asks_for_nothing() {
    let study = synthetic::study(24);
    let html = report(&study).html().unwrap();
    let mut open: Vec<String> = vec![];
    let mut seen = BTreeSet::new();
    for Ok(token) in Tokenizer::new(html.as_str()) {
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8(tag.name.0.clone()).unwrap();
                for attribute in tag.attributes.keys() {
                    let attribute = String::from_utf8(attribute.0.clone()).unwrap();
                    assert!(
                        !["src", "href", "srcset", "data", "action"].contains(&attribute.as_str())
                    );
                }
                if !tag.self_closing && !VOID.contains(&name.as_str()) {
                    open.push(name.clone());
                }
                seen.insert(name);
            }
            Token::EndTag(tag) => {
                let name = String::from_utf8(tag.name.0.clone()).unwrap();
                assert_eq!(open.pop(), Some(name));
            }
            Token::Error(error) => panic!("{error:?}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for element in ["h1", "table", "svg", "details", "pre", "figure"] {
        assert!(seen.contains(element), "{element}");
    }
    assert!(
        !html.contains("url(")
            && !html.contains("@import")
            && !html.contains("http://www.w3.org/1999")
    );
    assert!(html.contains("default-src 'none'") && html.contains("prefers-color-scheme:dark"));
}

#[test]
fn every_row_has_a_cell_for_every_column() {
    let study = synthetic::study(5);
    let html = report(&study).html().unwrap();
    let mut tables = 0;
    for table in html.split("<table>").skip(1) {
        let table = table.split("</table>").next().unwrap();
        let columns = table.matches("<th ").count();
        let rows = table.split("<tr>").skip(2);
        rows.for_each(|row| assert_eq!(row.matches("<td").count(), columns, "{row}"));
        tables += 1;
    }
    assert!(tables >= 6, "{tables}");
}

#[test]
fn programs_are_compared_where_arms_differ() {
    let study = synthetic::study(24);
    let html = report(&study).html().unwrap();
    assert!(html.contains("<span class=\"del\">-             if a - b &lt; limit:</span>"));
    assert!(html.contains("Prompt of 1 vanilla, 5 sc"));
}

#[test]
fn equal_studies_give_equal_bytes() {
    let all = || {
        let study = synthetic::study(12);
        let mut forms = crate::forms(&study);
        forms.push(study.to_json().unwrap());
        forms
    };
    assert_eq!(all(), all());
}

#[test]
fn drawings_have_axes_with_units_numbers_and_a_legend() {
    let study = synthetic::study(24);
    let figures = report(&study).figures();
    assert_eq!(figures.len(), 2);
    let svg = figures[0].svg().unwrap();
    let drawing = roxmltree::Document::parse(&svg).unwrap();
    let texts: Vec<String> = drawing
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .map(|node| node.text().unwrap_or_default().trim().to_owned())
        .collect();
    for expected in ["throughput (tokens/s)", "pass@1 (share of problems)", "3  cad", "4"] {
        assert!(texts.iter().any(|text| text == expected), "{expected} in {texts:?}");
    }
    assert!(
        svg.starts_with("<svg ")
            && svg.contains("<title>Accuracy against throughput, HumanEval</title>")
    );
}

#[cfg(feature = "png")]
#[test]
fn pictures_are_the_same_every_time_and_hold_text() {
    let study = synthetic::study(12);
    let figures = report(&study).figures();
    let png = figures[0].png().unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 20_000, "{}", png.len());
    assert_eq!(png, figures[0].png().unwrap());
}
