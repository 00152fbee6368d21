"""Tells what packages an interpreter has, and what a package's public objects are.

Reads one JSON object from its input and writes JSON lines to what was its output when it began. Imported modules may
print, read, exit or crash; none of it gets into the lines.
"""
import sys

# Modules of the folder that this runs in are not installed.
sys.path[:] = [folder for folder in sys.path if folder]

import json, os

ask = json.load(sys.stdin)
lines = os.fdopen(os.dup(1), "w", encoding="ascii")
quiet = os.open(os.devnull, os.O_RDWR)
for stream in (0, 1, 2):
    os.dup2(quiet, stream)
own_process = os.getpid()

import ast, importlib, importlib.machinery, importlib.metadata, importlib.util, inspect, pkgutil, re, shutil, tempfile, types, warnings

warnings.simplefilter("ignore")
SKIPPED_PARTS = {"test", "tests", "conftest", "idlelib", "turtledemo", "antigravity", "this"}
EXTENSIONS = tuple(suffix for suffix in importlib.machinery.EXTENSION_SUFFIXES if suffix != ".so")
LONG = 200
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def tell(**fields):
    if os.getpid() == own_process:  # a module may have forked
        lines.write(json.dumps(fields) + "\n")
        lines.flush()


def clean(text):
    # Half a surrogate pair is no text.
    return text.encode("utf-8", "replace").decode("utf-8")


def reason(error):
    """The first line of what an error says; over several lines nothing is said that is needed."""
    try:
        return clean(f"{type(error).__name__}: {error}".splitlines()[0])
    except BaseException:
        return type(error).__name__


def attribute(value, name):
    """None where there is none; modules and objects that make up their attributes may raise anything."""
    try:
        return getattr(value, name, None)
    except BaseException:
        return None


def guarded(name, do, *given):
    """What belongs to others may raise anything at any time; that costs it alone."""
    try:
        do(*given)
    except BaseException as error:
        tell(skipped=name, why=reason(error))


def public(name):
    return not any(part.startswith("_") or part in SKIPPED_PARTS for part in name.split("."))


# What there is


def standard_modules():
    names = getattr(sys, "stdlib_module_names", None)
    if names is None:  # before Python 3.10
        folder = os.path.dirname(os.__file__)
        names = {module.name for module in pkgutil.iter_modules([folder])} | set(sys.builtin_module_names)
    return sorted(names)


def own_modules(distribution):
    """The outermost modules that a distribution alone has: of `google/protobuf/__init__.py` without an `__init__.py` in
    `google`, which others put modules into as well, `google.protobuf`."""
    # Without a RECORD the files are those of a checkout, below folders of another name.
    installed = distribution.files or () if distribution.read_text("RECORD") else ()
    files = [file for file in installed if file.suffix in (".py", ".so", ".pyd")]
    packages = {file.parts[:-1] for file in files if file.name == "__init__.py"}
    found = set()
    for file in files:
        folders = file.parts[:-1]
        package = next((folders[:n] for n in range(1, len(folders) + 1) if folders[:n] in packages), None)
        # In a folder that is no package a mere .so is a library for programs.
        if package or not folders or file.suffix == ".py" or file.name.endswith(EXTENSIONS):
            found.add(package or (*folders, file.name.split(".")[0]))
    found = {".".join(parts) for parts in found if all(part.isidentifier() for part in parts)}
    elsewhere = not installed or any(file.suffix == ".pth" for file in installed)
    return modules_elsewhere(distribution) if elsewhere and not any(map(public, found)) else sorted(found)


def modules_elsewhere(distribution):
    """Of an editable installation, whose files are in a checkout, and of one that does not list its files."""
    listed = (distribution.read_text("top_level.txt") or "").split()
    guess = re.sub("[-.]+", "_", distribution.metadata["Name"])
    names = listed or [guess, guess.lower()]
    return sorted({name for name in names if name.isidentifier() and is_there(name)})


def is_there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except BaseException:  # a finder of someone's
        return False


def packages():
    tell(package="python", version=sys.version.split()[0], modules=standard_modules())
    seen = set()
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name and name.lower() not in seen:
            seen.add(name.lower())
            tell(package=name, version=distribution.version or "", modules=own_modules(distribution))


# Modules


def load(name):
    tell(loading=name)
    try:
        return importlib.import_module(name)
    except BaseException as error:  # sys.exit is one too
        tell(skipped=name, why=reason(error))
        return None


def modules(tops, left_out):
    """Names and modules, packages before what is in them."""
    waiting = sorted((top for top in tops if public(top)), reverse=True)
    while waiting:
        name = waiting.pop()
        if name in left_out:
            continue
        module = load(name)
        if module is None:
            continue
        yield name, module
        try:
            inner = {found.name for found in pkgutil.iter_modules(module.__path__, name + ".")}
        except Exception:  # no package, or one whose path is no list of folders
            continue
        waiting.extend(sorted(filter(public, inner), reverse=True))


def members(holder):
    """Public names and values of a module."""
    given = attribute(holder, "__all__")
    listed = given if isinstance(given, (list, tuple)) else ()
    names = listed if listed is given else [n for n in vars(holder) if not n.startswith("_")]
    for name in sorted({name for name in names if isinstance(name, str)}):
        try:
            yield name, getattr(holder, name), name in listed
        except BaseException:
            continue


# Objects


def doc_of(value):
    try:
        doc = value.__doc__
        own = type(value).__doc__
    except BaseException:
        return ""
    if not isinstance(doc, str) or (doc is own and not isinstance(value, type)):
        return ""
    return clean(inspect.cleandoc(doc))


def documented(value):
    if isinstance(value, (type, types.ModuleType)) or inspect.isroutine(value):
        return True
    return callable(value) and bool(doc_of(value))


def signature(value, doc, name, method):
    """As it is called, and the docstring without the signature that C functions begin with."""
    first, _, rest = doc.partition("\n")
    if re.match(re.escape(name) + r"\s?\(.*\)", first):
        given = first[len(name):].strip()
        if len(given) <= LONG and not callable_in_python(value):
            return given, rest.strip("\n")
    try:
        found = inspect.signature(value)
    except BaseException:
        return "", doc
    parameters = list(found.parameters.values())
    if method and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    try:
        found = found.replace(parameters=parameters)
        text = str(found)
        if len(text) > LONG:
            bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
            text = str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    except BaseException:
        return "", doc
    return clean(ADDRESS.sub("", text)), doc


def callable_in_python(value):
    return isinstance(inspect.unwrap(value) if callable(value) else value, types.FunctionType)


class Places:
    """Files and lines of definitions, relative to the folder of installed packages."""

    def __init__(self):
        self.folders = sorted((os.path.join(p, "") for p in sys.path if p), key=len, reverse=True)
        self.classes = {}

    def relative(self, file):
        for folder in self.folders:
            if file.startswith(folder):
                return file[len(folder):].replace(os.sep, "/")
        return os.path.basename(file)

    def of(self, value):
        try:
            if isinstance(value, types.ModuleType):
                return self.relative(value.__file__)
            if isinstance(value, type):
                file = sys.modules[value.__module__].__file__
                line = self.lines_of_classes(file).get(value.__qualname__)
                return f"{self.relative(file)}:{line}" if line else self.relative(file)
            if isinstance(value, property):
                value = value.fget
            code = inspect.unwrap(value).__code__
            return f"{self.relative(code.co_filename)}:{code.co_firstlineno}"
        except BaseException:
            return ""

    def lines_of_classes(self, file):
        if file not in self.classes:
            found = self.classes[file] = {}
            try:
                with open(file, "rb") as source:
                    waiting = [("", ast.parse(source.read()))]
            except (OSError, SyntaxError, ValueError, RecursionError):
                waiting = []
            while waiting:
                within, node = waiting.pop()
                for child in ast.iter_child_nodes(node):
                    name = within
                    if isinstance(child, ast.ClassDef):
                        name = f"{within}.{child.name}" if within else child.name
                        found.setdefault(name, child.lineno)
                    if not isinstance(child, (ast.expr, ast.FunctionDef, ast.AsyncFunctionDef)):
                        waiting.append((name, child))
        return self.classes[file]


class Walk:
    def __init__(self, tops):
        self.tops = set(tops)
        # Of each object by identity: itself, so that the identity stays its own, and its names.
        self.objects = {}
        self.places = Places()

    def note(self, name, value):
        self.objects.setdefault(id(value), (value, []))[1].append(name)

    def ours(self, value, listed):
        """Whether the package defines it; one that hides where it is from counts where it is listed."""
        module = attribute(value, "__module__")
        if not isinstance(module, str):
            return listed or not isinstance(value, type)
        return self.within(module) or self.within(module.lstrip("_"))

    def within(self, module):
        parts = module.split(".")
        return any(".".join(parts[:n]) in self.tops for n in range(1, len(parts) + 1))

    def module(self, name, module, deep=True):
        self.note(name, module)
        for member, value, listed in members(module):
            try:
                if isinstance(value, types.ModuleType):
                    # os.path is a module of another name
                    inner = f"{name}.{member}"
                    if deep and listed and value.__name__ != inner and self.within(value.__name__):
                        self.module(inner, value, deep=False)
                elif documented(value) and self.ours(value, listed):
                    self.note(member if name == "builtins" else f"{name}.{member}", value)
            except BaseException:
                continue  # a value whose attributes cannot be asked for

    def tell(self):
        named = []
        for value, names in self.objects.values():
            # Of names as short as each other the one where it is defined.
            home = f"{attribute(value, '__module__')}.{attribute(value, '__qualname__')}"
            names = sorted(set(names), key=lambda name: (name.count("."), name != home, len(name), name))
            named.append((names[0], value, names[1:]))
        for name, value, others in sorted(named, key=lambda found: found[0]):
            guarded(name, self.describe, name, value, others, False)
            if isinstance(value, type):
                guarded(name, self.members_of, name, value)

    def members_of(self, name, owner, depth=0):
        """Methods and properties that the class itself defines, and classes in it."""
        for member in sorted(vars(owner)):
            value = vars(owner)[member]
            if member.startswith("_"):
                continue
            inner = f"{name}.{member}"
            if isinstance(value, type):
                if depth < 3 and value.__qualname__ == f"{owner.__qualname__}.{member}":
                    guarded(inner, self.describe, inner, value, [], False)
                    guarded(inner, self.members_of, inner, value, depth + 1)
                continue
            kept = isinstance(value, (staticmethod, classmethod))
            value = value.__func__ if kept and hasattr(value, "__func__") else value
            if inspect.isroutine(value) or isinstance(value, property) or inspect.isdatadescriptor(value):
                method = not isinstance(vars(owner)[member], staticmethod)
                guarded(inner, self.describe, inner, value, [], method)

    def describe(self, name, value, others, method):
        doc = doc_of(value)
        last = name.rpartition(".")[2]
        call = ""
        if isinstance(value, type):
            call, doc = signature(value, doc, last, True)
            init = vars(value).get("__init__")
            extra = doc_of(init) if callable_in_python(init) else ""
            doc = "\n\n".join(part for part in (doc, extra) if part)
        elif not isinstance(value, (types.ModuleType, property)) and callable(value):
            call, doc = signature(value, doc, last, method)
        if not doc and not call:
            return
        title = name + call
        if len(call) > LONG:
            title, doc = f"{name}(...)", f"{name}{call}\n\n{doc}"
        if others:
            doc = f"{doc}\n\nAlso: {', '.join(others)}".strip()
        location = self.places.of(value) or attribute(value, "__module__") or name.rpartition(".")[0]
        tell(name=name, title=title, text=doc, location=str(location))


def main():
    if ask["packages"]:
        packages()
    else:
        folder = tempfile.mkdtemp()  # for what modules write beside them
        try:
            os.chdir(folder)
            walk = Walk(ask["modules"])
            for name, module in modules(ask["modules"], set(ask["left_out"])):
                guarded(name, walk.module, name, module)
            tell(loading="")
            walk.tell()
        finally:
            os.chdir(os.sep)
            shutil.rmtree(folder, ignore_errors=True)
    tell(done=True)


main()
os._exit(0)  # not what modules do at the end, and no wait for their threads
