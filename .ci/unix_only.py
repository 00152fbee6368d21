"""Prints what only unix has in Rust files (arguments) where no `cfg` says so, and then exits with 1.

It stands in for `cargo check` where a target's standard library is not at hand, and goes by indentation, which rustfmt
sees to: a line is covered by the attributes of its own statement and of every block around it.
"""

import re
import sys
from pathlib import Path

# Not `/proc` and `/dev`: they are files that may be absent, no error of a compiler.
ONLY_UNIX = re.compile(
    r"\bstd::os::(unix|linux|fd)\b|\b(libc|nix|rustix)::|advise_range|UncheckedAdvice|\.pre_exec\("
)
COVERS = re.compile(r"#!?\[cfg\(.*\b(unix|linux|target_os|target_family)\b")


def indent(line):
    return len(line) - len(line.lstrip())


def around(lines, at):
    """The line and the first lines of the blocks around it, innermost first."""
    depth = indent(lines[at])
    yield at
    for above in range(at - 1, -1, -1):
        if lines[above].strip() and indent(lines[above]) < depth:
            depth = indent(lines[above])
            yield above


def attributes(lines, at):
    """The lines above a statement that are its attributes and comments."""
    while at > 0 and re.match(r"\s*(#\[|//)", lines[at - 1]):
        at -= 1
        yield lines[at]


def is_covered(lines, at):
    inner = any(COVERS.match(line) for line in lines if line.startswith("#!["))
    blocks = (line for block in around(lines, at) for line in attributes(lines, block))
    return inner or any(COVERS.search(line) for line in blocks)


def declaration(path):
    """The lines of the file that has this one as a module, and which of them says so."""
    is_folder = path.stem == "mod"
    name = path.parent.name if is_folder else path.stem
    folder = path.parent.parent if is_folder else path.parent
    for parent in [folder / "lib.rs", folder / "mod.rs", folder.with_suffix(".rs")]:
        lines = parent.read_text().splitlines() if parent.is_file() and parent != path else []
        for at, line in enumerate(lines):
            if re.match(rf"\s*(pub(\(.*\))? )?mod {name};", line):
                return lines, at
    return None


def main():
    found = False
    for path in map(Path, sys.argv[1:]):
        declared = declaration(path)
        if declared and is_covered(*declared):
            continue
        lines = path.read_text().splitlines()
        for at, line in enumerate(lines):
            if ONLY_UNIX.search(line.split("//")[0]) and not is_covered(lines, at):
                print(f"{path}:{at + 1}: only unix has this, and no cfg says so: {line.strip()}")
                found = True
    sys.exit(found)


main()
