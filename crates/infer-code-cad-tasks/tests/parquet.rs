//! Problems in parquet files are those of the same rows in JSON.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_tasks::{MbppSplit, load_humaneval, load_mbpp};

#[cfg(not(feature = "parquet"))]
#[test]
fn without_the_feature_the_message_names_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"PAR1....PAR1").unwrap();
    for error in [load_humaneval(file.path()).err(), load_mbpp(file.path(), MbppSplit::All).err()] {
        let error = error.unwrap().to_string();
        assert!(error.contains("build with --features parquet, or convert the file"), "{error}");
    }
}

#[cfg(feature = "parquet")]
mod read {
    use super::*;
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use std::fs::File;
    use std::path::Path;
    use std::sync::Arc;

    const SCHEMA: &str = "message schema {
        optional int32 task_id;
        optional binary text (UTF8);
        optional binary code (UTF8);
        optional group test_list (LIST) { repeated group list { optional binary element (UTF8); } }
        optional binary test_setup_code (UTF8);
    }";

    fn bytes(texts: &[&str]) -> Vec<ByteArray> {
        texts.iter().map(|text| ByteArray::from(*text)).collect()
    }

    /// Two problems of MBPP, the second with two tests.
    fn write(path: &Path) {
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let file = File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Default::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[511, 512], Some(&[1, 1]), None).unwrap();
        column.close().unwrap();
        let code = ["def f(n):\n  return -n", "def g(s):\n  return s"];
        for texts in [["Negate \u{e9}.", "Return s."], code] {
            let mut column = group.next_column().unwrap().unwrap();
            let typed = column.typed::<ByteArrayType>();
            typed.write_batch(&bytes(&texts), Some(&[1, 1]), None).unwrap();
            column.close().unwrap();
        }
        let mut column = group.next_column().unwrap().unwrap();
        let tests = bytes(&["assert f(1) == -1", "assert g('') == ''", "assert g('a') == 'a'"]);
        let typed = column.typed::<ByteArrayType>();
        typed.write_batch(&tests, Some(&[3, 3, 3]), Some(&[0, 0, 1])).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let setup = column.typed::<ByteArrayType>();
        setup.write_batch(&bytes(&["import re"]), Some(&[1, 0]), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn problems_are_those_of_the_same_rows_in_json() {
        let directory = tempfile::tempdir().unwrap();
        let [parquet, json] = ["m.parquet", "m.jsonl"].map(|name| directory.path().join(name));
        write(&parquet);
        let rows = [
            serde_json::json!({"task_id": 511, "text": "Negate \u{e9}.", "code": "def f(n):\n  return -n",
                "test_list": ["assert f(1) == -1"], "test_setup_code": "import re"}),
            serde_json::json!({"task_id": 512, "text": "Return s.", "code": "def g(s):\n  return s",
                "test_list": ["assert g('') == ''", "assert g('a') == 'a'"]}),
        ];
        std::fs::write(&json, rows.map(|row| format!("{row}\n")).concat()).unwrap();
        let load = |path| load_mbpp(path, MbppSplit::Validation).unwrap();
        assert_eq!(load(&parquet), load(&json));
        let error = load_humaneval(&parquet).unwrap_err().to_string();
        assert!(error.contains("m.parquet, line 1") && error.contains("prompt"), "{error}");
    }

    #[test]
    fn damage_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.parquet");
        write(&path);
        let whole = std::fs::read(&path).unwrap();
        for length in (4..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = load_mbpp(&path, MbppSplit::All).unwrap_err().to_string();
            assert!(error.contains("not readable as parquet"), "{length}: {error}");
        }
    }
}
