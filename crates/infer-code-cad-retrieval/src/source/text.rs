//! Files of unknown encoding as text.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest file that is read, in bytes, where a source says nothing else.
pub(super) const FILE_LIMIT: u64 = 16 << 20;

/// A file's text and, where it is not Unicode, how it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) note: Option<&'static str>,
}

/// Reads a file of at most `limit` bytes: UTF-8, UTF-16 with its byte order mark, else Latin-1. The error says what is
/// wrong with the file.
pub(super) fn read(path: &Path, limit: u64) -> Result<Text, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    // One byte more than allowed, whatever the file's length says of a file that grows or of a device.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(format!("larger than {limit} bytes"));
    }
    decode(&bytes)
}

fn decode(bytes: &[u8]) -> Result<Text, String> {
    if let Some(utf16) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16_text(utf16, u16::from_le_bytes);
    }
    if let Some(utf16) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16_text(utf16, u16::from_be_bytes);
    }
    if bytes.contains(&0) {
        return Err("holds zero bytes, so it is no text".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (text, note) = match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(_) => {
            let text = bytes.iter().map(|byte| char::from(*byte)).collect();
            (Cow::Owned(text), Some("not UTF-8; it was read as Latin-1"))
        }
    };
    Ok(Text { text: unix_lines(&text), note })
}

fn utf16_text(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Text, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let text = String::from_utf16(&units).ok().filter(|_| rest.is_empty());
    let text = text.ok_or("begins as UTF-16 but is not")?;
    Ok(Text { text: unix_lines(&text), note: None })
}

fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let text = |bytes: &[u8]| decode(bytes).map(|text| text.text);
        assert_eq!(text(b"\xef\xbb\xbfa\r\nb\rc"), Ok("a\nb\nc".to_owned()));
        assert_eq!(text(b"\xff\xfea\0\xe9\0"), Ok("aé".to_owned()));
        assert_eq!(text(b"\xfe\xff\0a\0\xe9"), Ok("aé".to_owned()));
        assert!(text(b"\xff\xfea").unwrap_err().contains("UTF-16"));
        assert!(text(b"\x7fELF\0").unwrap_err().contains("no text"));
        let latin = decode(b"caf\xe9").unwrap();
        assert_eq!((latin.text.as_str(), latin.note.is_some()), ("café", true));
    }

    #[test]
    fn the_limit_is_the_bytes_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "12345").unwrap();
        assert_eq!(read(file.path(), 5).unwrap().text, "12345");
        assert_eq!(read(file.path(), 4).unwrap_err(), "larger than 4 bytes");
        assert!(read(Path::new("no/such"), 4).unwrap_err().contains("No such file"));
    }
}
