//! Writes the report of a made-up study into a folder: `cargo run --release --example synthetic -- FOLDER`.

#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

use std::path::Path;

use infer_code_cad_report::{ReportError, Statistics, StudyReport};

fn main() -> Result<(), ReportError> {
    let folder = std::env::args().nth(1).unwrap_or("report".to_owned());
    let study = synthetic::study(164);
    let report = StudyReport::new(&study, &Statistics::default())?;
    for path in report.write_to(Path::new(&folder))? {
        println!("{}", path.display());
    }
    Ok(())
}
