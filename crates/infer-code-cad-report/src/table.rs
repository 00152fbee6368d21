/// A table, before it is HTML or Markdown. Its texts are still to be escaped.
pub(crate) struct Table {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    /// Sentences below it.
    pub(crate) notes: Vec<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) is_number: bool,
}

/// What a cell says, and what it says in lines of small print.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) main: String,
    pub(crate) detail: String,
}

impl Cell {
    pub(crate) fn detailed(main: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { main: main.into(), detail: detail.into() }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(main: T) -> Self {
        Self { main: main.into(), detail: String::new() }
    }
}

/// The number of an arm, columns of words, then columns of numbers.
pub(crate) fn numbered<'a>(
    words: impl IntoIterator<Item = &'a str>,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Vec<Column> {
    let mut columns = columns(words, numbers);
    columns.insert(0, Column { name: "#".to_owned(), is_number: true });
    columns
}

/// Columns of words, then columns of numbers.
pub(crate) fn columns<'a>(
    words: impl IntoIterator<Item = &'a str>,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Vec<Column> {
    let column = |is_number| move |name: &str| Column { name: name.to_owned(), is_number };
    words.into_iter().map(column(false)).chain(numbers.into_iter().map(column(true))).collect()
}
