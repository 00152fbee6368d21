use serde::Deserialize;

#[derive(Deserialize)]
struct Notebook {
    cells: Vec<Cell>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    language_info: Language,
}

#[derive(Deserialize, Default)]
struct Language {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    source: Lines,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Many(Vec<String>),
}

/// A notebook of format 4 as Markdown: code between fences, outputs left out.
pub(super) fn markdown(json: &str) -> Result<String, String> {
    let notebook: Notebook =
        serde_json::from_str(json).map_err(|error| format!("no notebook of format 4: {error}"))?;
    let language = match notebook.metadata.language_info.name.as_str() {
        "" => "python",
        name => name,
    };
    let mut text = String::new();
    for Cell { cell_type, source } in &notebook.cells {
        let source = match source {
            Lines::One(source) => source.clone(),
            Lines::Many(lines) => lines.concat(),
        };
        let source = source.trim_matches('\n');
        match cell_type.as_str() {
            _ if source.trim().is_empty() => {}
            // Longer than any fence that may stand in a string of the code.
            "code" => text += &format!("````{language}\n{source}\n````\n\n"),
            _ => text += &format!("{source}\n\n"),
        }
    }
    Ok(text)
}
