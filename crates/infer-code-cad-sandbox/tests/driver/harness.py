"""Tries the isolation without Rust:
python3 harness.py FILTERS TIER [--library DIR].. [--emulate] [--without LAYER] [--landlock VERSION]

FILTERS: what `cargo test -p infer-code-cad-sandbox --lib print_programs -- --ignored --nocapture`
prints (the line with braces). `--emulate`: first takes away what a container's default profile does.
`--without`: leaves a layer out, which the self-test must find. `--landlock`: as on an older kernel.
"""
import json
import os
import pathlib
import subprocess
import sys

PARTS = ("kernel.py", "root.py", "scratch.py", "confine.py", "selftest.py")
DRIVER = pathlib.Path(__file__).resolve().parents[2] / "src" / "driver"
WARM = "import abc, asyncio, collections, ctypes, dataclasses, decimal, hashlib, json, random, re, socket, threading\n"


def emulate_container():
    """Answers EPERM to what needs CAP_SYS_ADMIN: a filter of our own for x86_64."""
    import ctypes
    import struct

    denied = (272, 308, 165, 166, 155, 428, 429, 430, 431, 432, 433, 442)  # unshare, setns, mounts
    code = [(0x20, 0, 0, 0)]
    code += [step for number in denied for step in ((0x15, 0, 1, number), (0x06, 0, 0, 0x50001))]
    code += [(0x15, 0, 3, 56), (0x20, 0, 0, 16), (0x45, 0, 1, 0x7E020000), (0x06, 0, 0, 0x50001)]
    code += [(0x06, 0, 0, 0x7FFF0000)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in code))
    program = struct.pack("@HP", len(code), ctypes.addressof(text))
    libc = ctypes.CDLL(None, use_errno=True)
    longs = [ctypes.c_ulong(value) for value in (1, 0, 0, 0)]
    assert libc.prctl(38, *longs) == 0 and libc.prctl(22, 2, program) == 0, ctypes.get_errno()


WITHOUT = {
    "seccomp": "def install_all(house, name): pass\n",
    "landlock": "def landlock_enter(version, allowed): pass\n",
    "limits": "def limit(kind, soft, hard=None): pass\n",
    "capabilities": "def drop_capabilities(): pass\n",
    "quota": "def mount_scratch(place, size, files): mount('tmpfs', place, 'tmpfs')\n",
}
MAIN = r"""
import json, os, sys, time, gc
def run(house):
    started = time.perf_counter()
    report = {}
    try:
        limits = dict(SELF_TEST_LIMITS, scratch_bytes=1 << 26, scratch_files=1024, threads=64, memory_bytes=1 << 29)
        for forks in (False, True):
            for name, text in PROGRAMS.items():
                started = time.perf_counter()
                fresh_scratch(house, limits if not forks else dict(limits, processes=3))
                fresh = time.perf_counter()
                pid = os.fork()
                if pid == 0:
                    try:
                        os.setsid()
                        now = time.perf_counter()
                        confine(house, limits if not forks else dict(limits, processes=3), forks)
                        if name == "nothing": os.write(2, ("confine %.0f us\n" % (1e6 * (time.perf_counter() - now))).encode())
                        exec(text, {"__name__": "candidate", "deny": lambda: deny_forks(house)})
                        os._exit(0)
                    except BaseException:
                        import traceback
                        traceback.print_exc()
                    finally:
                        os._exit(1)
                status = os.waitpid(pid, 0)[1]
                used = scratch_used(house)
                end_all(house)
                clear_scratch(house)
                ended = time.perf_counter()
                report["%s%s" % (name, " (fork)" if forks else "")] = [status, round(1e6 * (fresh - started)), round(1e6 * (ended - started)), used]
    except Refused as error:
        report["refused"] = [error.layer, error.answer, error.remedy]
    print(json.dumps(report, indent=1), flush=True)
    os._exit(0)
started = time.perf_counter()
try:
    house = isolate(PLAN)
    sys.path += PLAN["library"]
    print("isolate %.1f ms" % (1000 * (time.perf_counter() - started)), house["layers"], "landlock", house["landlock"], flush=True)
    started = time.perf_counter()
    pid = fork_zygote(house, run)
    print("self-test %.1f ms" % (1000 * (time.perf_counter() - started)), self_test(house), flush=True)
    os.waitpid(pid, 0)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            now = time.perf_counter()
            confine_judge(house, SELF_TEST_LIMITS)
            print("judge %.0f us" % (1e6 * (time.perf_counter() - now)))
            for act in (lambda: open("/tmp/x", "w"), lambda: open("/etc/passwd"), os.fork, lambda: __import__("socket").socket()):
                try: act()
                except OSError: continue
                print("judge: not refused", act)
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    print("judge", os.waitpid(pid, 0)[1])
except Refused as error:
    print("refused:", error)
    sys.exit(3)
"""


def main():
    filters = json.loads(pathlib.Path(sys.argv[1]).read_text())
    tier, rest = sys.argv[2], sys.argv[3:]
    library = [rest[at + 1] for at, word in enumerate(rest) if word == "--library"]
    scratch = os.path.abspath("scratch-%d" % os.getpid())
    os.mkdir(scratch, 0o711)
    os.chmod(scratch, 0o711)
    plan = {"tier": tier, "filters": filters, "library": library, "scratch": scratch}
    names = pathlib.Path(__file__).with_name("programs")
    programs = {path.stem: path.read_text() for path in sorted(names.glob("*.py"))}
    if not library:
        programs.pop("numeric", None)
    driver = WARM + "".join((DRIVER / part).read_text() for part in PARTS)
    for flag, word in zip(rest, rest[1:]):
        if flag == "--without":
            driver += WITHOUT[word]
        if flag == "--landlock":
            driver += "def landlock_version(): return %d\n" % int(word)
    driver += "PLAN, PROGRAMS = %r, %r\n" % (plan, programs) + MAIN
    if "--emulate" in rest:
        emulate_container()
    environment = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "1"}
    code = subprocess.call([sys.executable, "-s", "-S", "-B", "-c", driver], env=environment)
    assert os.listdir(scratch) == [], os.listdir(scratch)
    os.rmdir(scratch)
    sys.exit(code)


main()
