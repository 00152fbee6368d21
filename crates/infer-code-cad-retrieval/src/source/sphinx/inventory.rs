use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::ZlibDecoder;

use crate::source::SourceError;

/// The largest inventory that is read, in bytes before compression: ten times the largest one published.
const LIMIT: u64 = 256 << 20;

/// What a site defines, by page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inventory {
    pub(super) project: String,
    pub(super) version: String,
    pub(super) pages: BTreeMap<String, Vec<Object>>,
}

/// A thing with a name, and where it is defined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// `os.path.join`
    pub(super) name: String,
    /// `py:function`
    pub(super) role: String,
    /// The id of its element; empty for a page as a whole.
    pub(super) anchor: String,
}

impl Inventory {
    pub(super) fn load(file: &Path) -> Result<Self, SourceError> {
        let input = File::open(file).map_err(|source| SourceError::io(file, source))?;
        Self::read(BufReader::new(input))
            .map_err(|why| SourceError::Inventory { file: file.display().to_string(), why })
    }

    /// Version 2: four lines of header, then compressed lines `name domain:role priority page#anchor title`.
    fn read(mut input: impl BufRead) -> Result<Self, String> {
        let first = header(&mut input)?;
        if first.trim_end() != "# Sphinx inventory version 2" {
            return Err("does not begin with \"# Sphinx inventory version 2\"".to_owned());
        }
        let project = field(&mut input, "# Project: ")?;
        let version = field(&mut input, "# Version: ")?;
        if !header(&mut input)?.contains("zlib") {
            return Err("does not say that zlib compresses it".to_owned());
        }
        let mut bytes = Vec::new();
        ZlibDecoder::new(input)
            .take(LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("holds damaged zlib data ({error})"))?;
        if bytes.len() as u64 > LIMIT {
            return Err(format!("is larger than {} MiB", LIMIT >> 20));
        }
        let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
        let mut pages: BTreeMap<String, Vec<Object>> = BTreeMap::new();
        for (page, object) in text.lines().filter_map(object) {
            pages.entry(page).or_default().push(object);
        }
        // Of several names of one place the shortest is taken.
        pages.values_mut().for_each(|objects| objects.sort_by_key(|object| object.name.len()));
        Ok(Self { project, version, pages })
    }
}

fn header(input: &mut impl BufRead) -> Result<String, String> {
    let mut line = Vec::new();
    input.take(4096).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
    if !line.ends_with(b"\n") {
        return Err("ends within its header".to_owned());
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn field(input: &mut impl BufRead, name: &str) -> Result<String, String> {
    let line = header(input)?;
    let value =
        line.strip_prefix(name.trim_end()).ok_or_else(|| format!("lacks the line {name:?}"))?;
    Ok(value.trim().to_owned())
}

/// The page and object of a line, `None` for one that is none. The name may hold spaces: the role is the first word
/// with a colon that a number follows.
fn object(line: &str) -> Option<(String, Object)> {
    let mut ends = line.match_indices(' ').map(|(at, _)| at);
    let (name, rest) = ends.find_map(|at| {
        let (name, rest) = (line[..at].trim(), &line[at + 1..]);
        let mut words = rest.split(' ');
        let role = words.next()?.contains(':');
        let number = words.next()?.parse::<i64>().is_ok();
        (role && number && !name.is_empty()).then_some((name, rest))
    })?;
    let mut words = rest.split(' ');
    let (role, _, place) = (words.next()?, words.next()?, words.next()?);
    let place = match place.strip_suffix('$') {
        Some(place) => format!("{place}{name}"),
        None => place.to_owned(),
    };
    let (page, anchor) = place.split_once('#').unwrap_or((&place, ""));
    // A page of a site with addresses like `page/` is a file all the same.
    let page = if page.is_empty() || page.ends_with('/') {
        format!("{page}index.html")
    } else {
        page.to_owned()
    };
    let object = Object { name: name.to_owned(), role: role.to_owned(), anchor: anchor.to_owned() };
    Some((page, object))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "# Sphinx inventory version 2\n# Project: My Lib\n# Version: 1.2\n\
        # The remainder of this file is compressed using zlib.\n";

    fn packed(lines: &str) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(HEADER.as_bytes().to_vec(), Compression::default());
        encoder.write_all(lines.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_with_spaces_and_abbreviations() {
        let lines = "os.path.join py:function 1 library/os.path.html#$ -\n\
            a b: c std:term -1 glossary.html#term-a-b Shown name\nwhat\nx std:doc 1 x/ -\n";
        let inventory = Inventory::read(packed(lines).as_slice()).unwrap();
        assert_eq!((inventory.project.as_str(), inventory.version.as_str()), ("My Lib", "1.2"));
        let object = |name: &str, role: &str, anchor: &str| {
            let owned = str::to_owned;
            vec![Object { name: owned(name), role: owned(role), anchor: owned(anchor) }]
        };
        let pages = [
            ("glossary.html".to_owned(), object("a b: c", "std:term", "term-a-b")),
            (
                "library/os.path.html".to_owned(),
                object("os.path.join", "py:function", "os.path.join"),
            ),
            ("x/index.html".to_owned(), object("x", "std:doc", "")),
        ];
        assert_eq!(inventory.pages, BTreeMap::from(pages));
    }

    #[test]
    fn damage_is_named() {
        let whole = packed("a py:data 1 a.html#$ -\n");
        let error = |bytes: &[u8]| Inventory::read(bytes).unwrap_err();
        assert!(error(&whole[..whole.len() - 9]).starts_with("holds damaged zlib data"));
        assert_eq!(error(&whole[..40]), "ends within its header");
        assert_eq!(error(b""), "ends within its header");
        assert!(error(b"# Sphinx inventory version 1\n").contains("version 2"));
    }

    proptest! {
        #[test]
        fn any_bytes_and_lines_are_read(line in ".{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            object(&line);
            let _ = Inventory::read([HEADER.as_bytes(), &bytes].concat().as_slice());
            prop_assert!(Inventory::read(bytes.as_slice()).is_err());
        }
    }
}
