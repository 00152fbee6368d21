use std::fs;
use std::process::Command;

use super::*;

const PACKAGE: &str = r#"
"""A package that makes noise."""
import sys, os
print("noise"); os.write(1, b'{"done": true}\n'); sys.stdin.read()
from _mine import hidden_home
from json import dumps
from mine.parts import Shape as Form, area

def greet(name, punctuation="!", *, loud: bool = False) -> str:
    """Greets.

    >>> greet("you")
    'hello you!'
    """

def _private(): "No."
"#;

const PARTS: &str = r#"
class Shape:
    """A shape."""

    def __init__(self, sides=4):
        """With so many sides."""

    def turn(self, angle):
        """Turns it."""

    @property
    def sides(self):
        """How many."""

    @classmethod
    def square(cls): pass

class Square(Shape):
    def turn(self, angle):
        """Less often."""

def area(shape=object()): "Its area."
"#;

/// An interpreter of a virtual environment with a package of these modules, or a note on what is missing.
fn environment(modules: &[(&str, &str)]) -> Option<(tempfile::TempDir, PythonEnvironment)> {
    let folder = tempfile::tempdir().unwrap();
    let made =
        Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(folder.path()).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("not run: python3 with venv is missing");
        return None;
    }
    let interpreter = folder.path().join("bin/python");
    let print = "import sysconfig; print(sysconfig.get_paths()['purelib'])";
    let site = Command::new(&interpreter).args(["-c", print]).output().unwrap().stdout;
    let site = PathBuf::from(String::from_utf8(site).unwrap().trim());
    for (file, text) in modules {
        fs::create_dir_all(site.join(file).parent().unwrap()).unwrap();
        fs::write(site.join(file), text).unwrap();
    }
    let info = site.join("my_lib-1.5.dist-info");
    fs::create_dir_all(&info).unwrap();
    fs::write(info.join("METADATA"), "Metadata-Version: 2.1\nName: My_Lib\nVersion: 1.5\n")
        .unwrap();
    fs::write(info.join("top_level.txt"), "mine\n_mine\n").unwrap();
    let mut source = PythonEnvironment::new(interpreter);
    source.packages = vec!["my-lib".to_owned()];
    source.patience = Duration::from_secs(20);
    Some((folder, source))
}

fn read(source: &PythonEnvironment) -> (Vec<Document>, Vec<String>) {
    let (documents, skipped): (Vec<_>, Vec<_>) =
        source.documents().unwrap().partition(Result::is_ok);
    let skipped = skipped.into_iter().map(|skipped| skipped.unwrap_err().to_string());
    (documents.into_iter().map(Result::unwrap).collect(), skipped.collect())
}

#[test]
fn public_objects_with_their_shortest_names() {
    let modules = [
        ("mine/__init__.py", PACKAGE),
        ("mine/parts.py", PARTS),
        ("_mine.py", "def hidden_home(): 'Lives elsewhere.'"),
        ("mine/tests/__init__.py", "raise SystemError"),
    ];
    let Some((_folder, source)) = environment(&modules) else { return };
    let (documents, skipped) = read(&source);
    assert_eq!(skipped, [""; 0]);
    let told: Vec<(&str, &str)> = documents
        .iter()
        .map(|document| (document.title.as_str(), document.text.as_str()))
        .collect();
    let greet = "Greets.\n\n>>> greet(\"you\")\n'hello you!'";
    let expected = [
        ("mine", "A package that makes noise."),
        ("mine.Form(sides=4)", "A shape.\n\nWith so many sides.\n\nAlso: mine.parts.Shape"),
        ("mine.Form.sides", "How many."),
        ("mine.Form.square()", ""),
        ("mine.Form.turn(angle)", "Turns it."),
        ("mine.area(shape=<object object>)", "Its area.\n\nAlso: mine.parts.area"),
        ("mine.greet(name, punctuation='!', *, loud: bool = False) -> str", greet),
        ("mine.hidden_home()", "Lives elsewhere."),
        ("mine.parts.Square(sides=4)", ""),
        ("mine.parts.Square.turn(angle)", "Less often."),
    ];
    assert_eq!(told, expected);
    let turn = &documents[4];
    assert_eq!((turn.id.as_str(), turn.origin.as_str()), ("My_Lib:mine.Form.turn", "My_Lib"));
    assert_eq!((turn.version.as_str(), turn.location.as_str()), ("1.5", "mine/parts.py:8"));
    assert_eq!(documents[8].location, "mine/parts.py:18");
}

#[test]
fn imports_that_fail_exit_crash_or_hang_cost_themselves_alone() {
    let modules = [
        ("mine/__init__.py", "def good(): 'Here.'"),
        ("mine/a_fails.py", "import no_such_module"),
        ("mine/b_exits.py", "import sys; sys.exit('bye')"),
        ("mine/c_crashes.py", "import os; os._exit(3)"),
        ("mine/d_hangs.py", "import time; time.sleep(1000)"),
        ("mine/e_is_broken.py", "def ("),
        ("mine/f_forks.py", "import os, time\nif os.fork() == 0: time.sleep(1)"),
        ("mine/g.py", "def also(): 'Here too.'"),
    ];
    let Some((_folder, mut source)) = environment(&modules) else { return };
    source.patience = Duration::from_secs(3);
    let (documents, skipped) = read(&source);
    let titles: Vec<&str> = documents.iter().map(|document| document.title.as_str()).collect();
    assert_eq!(titles, ["mine.g.also()", "mine.good()"]);
    assert_eq!(skipped[0], "mine.c_crashes: ended the interpreter (exit status: 3)");
    assert_eq!(skipped[1], "mine.d_hangs: says nothing for 3 s");
    assert_eq!(skipped[2], "mine.a_fails: ModuleNotFoundError: No module named 'no_such_module'");
    assert_eq!(skipped[3], "mine.b_exits: SystemExit: bye");
    assert!(skipped[4].starts_with("mine.e_is_broken: SyntaxError: "), "{skipped:?}");
    assert_eq!(skipped.len(), 5);
}

#[test]
fn objects_that_raise_cost_themselves_alone() {
    let hostile = r#"
import sys
class Number: __doc__ = 5
class Meta(type):
    @property
    def __doc__(cls): raise SystemExit("no")
class Raises(metaclass=Meta): "Hidden."
class Anything:
    @property
    def __class__(self): raise RuntimeError("no class")
    def __getattr__(self, name): raise ValueError(name)
class Holder:
    x = Anything()
    def a(self): "Before it."
class Text(str):
    def split(self, *a): raise KeyboardInterrupt
def f(surrogate="\ud800"): pass
f.__doc__, f.__module__ = Text("Plain."), 7
__all__ = ["Number", "Raises", "Holder", "f", "missing", 5, "anything"]
anything = Anything()
"#;
    let replaced = "import sys\nclass M:\n    def __getattr__(self, name): raise OSError(name)\n\
        sys.modules[__name__] = M()";
    let modules = [
        ("mine/__init__.py", "def good(): 'Here.'"),
        ("mine/hostile.py", hostile),
        ("mine/replaced.py", replaced),
    ];
    let Some((_folder, source)) = environment(&modules) else { return };
    let (documents, skipped) = read(&source);
    let titles: Vec<&str> = documents.iter().map(|document| document.title.as_str()).collect();
    let expected = [
        "mine.good()",
        "mine.hostile.Holder()",
        "mine.hostile.Holder.a()",
        "mine.hostile.Number()",
        "mine.hostile.Raises()",
        "mine.hostile.f(surrogate='\\ud800')",
    ];
    assert_eq!(titles, expected);
    assert_eq!(skipped, ["mine.hostile.Holder: RuntimeError: no class"]);
}

#[test]
fn a_folder_of_several_distributions_and_a_checkout() {
    let about = |name: &str| format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1\n");
    let [a, b, checkout] = ["ns-a", "ns-b", "In-A.Checkout"].map(about);
    let modules = [
        ("ns/a/__init__.py", "def fa(): 'A.'"),
        ("ns/b.py", "def fb(): 'B.'"),
        ("ns_a-1.dist-info/METADATA", a.as_str()),
        ("ns_a-1.dist-info/RECORD", "ns/a/__init__.py,,\nns/lib/libx.so,,\n"),
        ("ns_b-1.dist-info/METADATA", b.as_str()),
        ("ns_b-1.dist-info/RECORD", "ns/b.py,,\n"),
        ("checkout/src/in_a_checkout.py", "def fc(): 'C.'"),
        ("_in_a_checkout.pth", "checkout/src\n"),
        ("in_a_checkout-1.dist-info/METADATA", checkout.as_str()),
        ("in_a_checkout-1.dist-info/RECORD", "_in_a_checkout.pth,,\n"),
    ];
    let Some((_folder, mut source)) = environment(&modules) else { return };
    for (names, expected) in [
        (&["ns"][..], &["ns-a:ns.a.fa", "ns-b:ns.b.fb"][..]),
        (&["ns-b", "in-a-checkout"][..], &["In-A.Checkout:in_a_checkout.fc", "ns-b:ns.b.fb"][..]),
    ] {
        source.packages = names.iter().map(|name| (*name).to_owned()).collect();
        let (documents, skipped) = read(&source);
        let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
        assert_eq!((ids, skipped), (expected.to_vec(), vec![]));
    }
}

#[test]
fn what_is_not_there_is_named() {
    let error = |source: &PythonEnvironment| source.documents().err().unwrap().to_string();
    let none = PythonEnvironment::new("no/such/python");
    assert!(error(&none).starts_with("no/such/python: No such file"), "{}", error(&none));
    let none = PythonEnvironment::new("/bin/true");
    assert!(
        error(&none).starts_with("/bin/true: ended the interpreter (exit status: 0); expected")
    );
    let Some((_folder, mut source)) = environment(&[]) else { return };
    source.packages = vec!["numpy".to_owned()];
    assert!(
        error(&source)
            .ends_with("has no package \"numpy\"; install it there, or name another interpreter")
    );
}
