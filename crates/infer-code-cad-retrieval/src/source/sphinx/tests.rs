use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

const PAGE: &str = r##"<html><head><title>no</title></head><body><div class="related"><a>no</a></div><div class="body">
<section id="module-box"><span id="box-docs"></span><h1>box — Boxes<a class="headerlink" href="#">¶</a></h1>
<p>Keeps things.</p>
<dl class="py class"><dt class="sig sig-object py" id="box.Box">
<em class="property"><span class="pre">class</span> </em><span class="sig-prename descclassname">box.</span><span
class="sig-name descname">Box</span>(<em>size</em>, <em>lid=None</em>)<a class="headerlink">¶</a></dt>
<dd><p>A box.</p><div class="highlight-pycon"><div class="highlight"><pre>&gt;&gt;&gt; Box(1)
</pre></div></div>
<dl class="py method"><dt id="box.Box.open">open(<em>wide</em>)<a class="viewcode-link">[source]</a></dt><dd><p>Opens.</p></dd></dl>
</dd></dl>
<section id="notes"><h2>Notes</h2><p>Mind the lid.</p></section></section></div></body></html>"##;

fn site(lines: &str, pages: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (page, html) in pages {
        fs::create_dir_all(folder.path().join(page).parent().unwrap()).unwrap();
        fs::write(folder.path().join(page), html).unwrap();
    }
    let header = b"# Sphinx inventory version 2\n# Project: Box\n# Version: 2.0\n# zlib\n".to_vec();
    let mut encoder = ZlibEncoder::new(header, Compression::fast());
    encoder.write_all(lines.as_bytes()).unwrap();
    fs::write(folder.path().join("objects.inv"), encoder.finish().unwrap()).unwrap();
    folder
}

#[test]
fn objects_and_sections_of_a_site() {
    let lines = "box.Box py:class 1 lib/box.html#$ -\nbox.Box.open py:method 1 lib/box.html#$ -\n\
        box py:module 0 lib/box.html#module-$ -\nbox-docs std:label -1 lib/box.html#$ Boxes\n\
        box.gone py:function 1 lib/box.html#$ -\nx py:data 1 nowhere.html#$ -\n\
        genindex std:label -1 genindex.html# Index\nbox.lid py:data 1 own/#$ -\n";
    let site = site(
        lines,
        &[
            ("lib/box.html", PAGE),
            ("genindex.html", PAGE),
            ("_static/a.html", PAGE),
            ("lib/__main__.html", "<h1>Main</h1>runs"),
            ("own/index.html", "<dl><dt id=\"box.lid\">box.lid</dt><dd>Shut.</dd></dl>"),
            ("plain.html", "<h1>P</h1>text"),
        ],
    );
    let source = SphinxSite::new(site.path());
    let (documents, skipped): (Vec<_>, Vec<_>) =
        source.documents().unwrap().partition(Result::is_ok);
    let documents: Vec<Document> = documents.into_iter().map(Result::unwrap).collect();
    let told: Vec<(&str, &str)> = documents
        .iter()
        .map(|document| (document.title.as_str(), document.text.trim_start()))
        .collect();
    let expected = [
        ("Main", "runs"),
        ("box — Boxes", "Keeps things."),
        ("box.Box(size, lid=None)", "A box.\n\n    ```python\n    >>> Box(1)\n    ```"),
        ("box.Box.open(wide)", "Opens."),
        ("box — Boxes > Notes", "Mind the lid."),
        ("box.lid", "Shut."),
        ("P", "text"),
    ];
    assert_eq!(told, expected);
    assert_eq!(documents[3].id, "Box:py:method:box.Box.open");
    assert_eq!((documents[3].origin.as_str(), documents[3].version.as_str()), ("Box", "2.0"));
    assert_eq!(documents[3].location, "lib/box.html#box.Box.open");
    assert_eq!(documents[4].id, "Box:lib/box.html#notes");
    let skipped: Vec<String> =
        skipped.into_iter().map(|skipped| skipped.unwrap_err().to_string()).collect();
    assert!(
        skipped[0].ends_with("nowhere.html: is not there, so 1 objects have no text"),
        "{skipped:?}"
    );
    assert!(
        skipped[1].ends_with("box.html: does not hold 1 of the inventory's objects"),
        "{skipped:?}"
    );
}

#[test]
fn a_folder_without_inventory_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = |folder: &tempfile::TempDir| {
        SphinxSite::new(folder.path()).documents().err().unwrap().to_string()
    };
    assert!(error(&folder).contains("objects.inv: No such file"));
    fs::write(folder.path().join("objects.inv"), "# Sphinx").unwrap();
    assert!(
        error(&folder)
            .contains("objects.inv: ends within its header; build the documentation again")
    );
}

#[test]
fn titles_are_qualified_names_with_parameters() {
    let title = |role: &str, name: &str, signature: &str| {
        let object = Object { name: name.to_owned(), role: role.to_owned(), anchor: String::new() };
        super::title(&object, signature)
    };
    assert_eq!(title("py:function", "os.getcwd", "os.getcwd()"), "os.getcwd()");
    assert_eq!(title("py:method", "str.join", "str.join(iterable)"), "str.join(iterable)");
    assert_eq!(title("py:attribute", "m.C.x", "x: int = 3"), "m.C.x: int = 3");
    assert_eq!(title("py:data", "m.y", "something else"), "m.y");
    assert_eq!(
        title("c:function", "PyList_New", "PyObject *PyList_New(Py_ssize_t len)"),
        "PyObject *PyList_New(Py_ssize_t len)"
    );
    assert_eq!(title("std:cmdoption", "python.-c", "-c <command>"), "python.-c: -c <command>");
}
