# Files in the program's own directory, its input and its output.

#= name: temporary_file
#: assert f("text") == "text"
import tempfile

def f(text):
    with tempfile.TemporaryFile("w+") as file:
        file.write(text)
        file.seek(0)
        return file.read()

#= name: named_temporary_file_and_directory
#: assert f() == ["a.txt", "b.txt"]
import os
import tempfile

def f():
    with tempfile.TemporaryDirectory() as place, tempfile.NamedTemporaryFile() as other:
        other.write(b"x")
        for name in ("a.txt", "b.txt"):
            with open(os.path.join(place, name), "w") as file:
                file.write(name)
        return sorted(os.listdir(place))

#= name: own_file_written_and_read
#: assert f(["a", "b"]) == ["a\n", "b\n"]
#: assert f(["c"]) == ["c\n"]
def f(lines):
    with open("lines.txt", "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    with open("lines.txt", encoding="utf-8") as file:
        return file.readlines()

#= name: paths_and_globs
#: assert f() == ["one.py", "two.py"]
import pathlib
import shutil

def f():
    place = pathlib.Path("folder/deep")
    place.mkdir(parents=True, exist_ok=True)
    (place / "one.py").write_text("1")
    shutil.copyfile(place / "one.py", place / "two.py")
    found = sorted(path.name for path in pathlib.Path(".").rglob("*.py"))
    shutil.rmtree("folder")
    return found

#= name: modes_and_times_copied
# The weaker tiers have no chmod: a program may have the user's own id there.
#= tiers: full
#: assert f() == (0o640, 5.0)
import os
import shutil

def f():
    with open("one", "w") as file:
        file.write("1")
    os.chmod("one", 0o640)
    os.utime("one", (5, 5))
    shutil.copy2("one", "two")
    seen = os.stat("two")
    return seen.st_mode & 0o777, seen.st_mtime

#= name: archives_and_databases
#: assert f() == (3, b"content", 2)
import io
import sqlite3
import zipfile

def f():
    with sqlite3.connect("numbers.db") as base:
        base.execute("create table t (n integer)")
        base.executemany("insert into t values (?)", [(1,), (2,)])
        total = base.execute("select sum(n) from t").fetchone()[0]
        count = base.execute("select count(*) from t").fetchone()[0]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("name", "content")
    return total, zipfile.ZipFile(buffer).read("name"), count

#= name: module_written_and_imported
#: assert f() == 42
import importlib
import sys

def f():
    with open("written_module.py", "w") as file:
        file.write("answer = 42\n")
    sys.path.insert(0, ".")
    importlib.invalidate_caches()
    return importlib.import_module("written_module").answer

#= name: empty_input
#: assert f() == ("", [])
import sys

def f():
    return sys.stdin.read(), sys.stdin.readlines()

#= name: input_with_a_default
#: assert f() == 7
def f():
    try:
        return int(input("number: "))
    except EOFError:
        return 7

#= name: prints_a_lot
#: assert f() == 500
import sys

def f():
    for number in range(500):
        print(number, "some words to fill the line " * 2)
        print("error", number, file=sys.stderr)
    return 500

#= name: prints_odd_characters
#: assert f("x") == "x"
def f(text):
    print("é 🐍 \x00 \x1b[31m", text, end="")
    return text

#= name: output_captured
#: assert f("hello") == "HELLO\n"
import contextlib
import io

def f(text):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print(text.upper())
    return out.getvalue()

#= name: standard_output_replaced
#: assert f() == 3
import sys

class Quiet:
    def write(self, text):
        return len(text)

    def flush(self):
        pass

sys.stdout = Quiet()

def f():
    print("nothing of this")
    return 3

#= name: csv_and_json
#: assert f([{"a": 1, "b": "x"}]) == '[{"a": "1", "b": "x"}]'
import csv
import io
import json

def f(rows):
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ["a", "b"])
    writer.writeheader()
    writer.writerows(rows)
    return json.dumps(list(csv.DictReader(io.StringIO(buffer.getvalue()))))

#= name: logging_and_warnings
#: assert f() == ["first", "second"]
import logging
import warnings

def f():
    seen = []

    class Keep(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    logging.getLogger("own").addHandler(Keep())
    logging.getLogger("own").warning("first")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("second")
    return seen + [str(caught[0].message)]

#= name: mapped_file
#: assert f(b"abcdef") == b"fedcba"
import mmap

def f(data):
    with open("mapped", "wb+") as file:
        file.write(data)
        file.flush()
        with mmap.mmap(file.fileno(), 0) as held:
            return held[::-1]
