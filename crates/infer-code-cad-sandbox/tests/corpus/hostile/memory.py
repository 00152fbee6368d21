# Memory bombs. What is allocated in the candidate is bounded, and the judge does not grow with it.
#= verdicts: memory
#: assert f(17) == 7402918365018273

#= name: bytes_at_once
x = bytearray(1 << 34)

#= name: string_multiplied
def f(x):
    return "x" * (1 << 34)

#= name: list_multiplied
def f(x):
    return [0] * (1 << 33)

#= name: list_grown
def f(x):
    held = []
    while True:
        held.append(bytes(100_000))

#= name: dicts_in_dicts
#= verdicts: memory, timeout
def f(x):
    held = {}
    while True:
        held = {n: held for n in range(1000)}

#= name: memory_errors_swallowed
#= verdicts: memory, timeout, failed
def f(x):
    held = []
    while True:
        try:
            held.append(bytearray(1 << 24))
        except MemoryError:
            pass

#= name: memory_error_hidden
#= verdicts: failed, memory
def f(x):
    try:
        return bytes(1 << 34)
    except MemoryError:
        return "hidden"

#= name: in_threads
#= verdicts: memory, failed, crashed, timeout
import threading

def eat():
    held = []
    while True:
        held.append(bytearray(1 << 20))

def f(x):
    threads = [threading.Thread(target=eat) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

#= name: anonymous_maps
#= verdicts: failed, memory
import mmap

def f(x):
    held = []
    while True:
        held.append(mmap.mmap(-1, 1 << 26))

#= name: shared_maps
#= verdicts: failed, memory
import mmap

def f(x):
    return mmap.mmap(-1, 1 << 34, flags=mmap.MAP_SHARED)

#= name: map_of_a_sparse_file
#= verdicts: failed, memory
import mmap

def f(x):
    with open("sparse", "wb+") as file:
        file.truncate(1 << 34)
        return len(mmap.mmap(file.fileno(), 1 << 34))

#= name: malloc_through_c
#= verdicts: failed, crashed, memory
import ctypes

def f(x):
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    while True:
        block = libc.malloc(1 << 26)
        if not block:
            return 0
        ctypes.memset(block, 1, 1 << 26)

#= name: huge_answer
#= verdicts: failed, memory, output limit
def f(x):
    return "x" * (100 << 20)

#= name: answer_of_millions
#= verdicts: failed, memory, output limit, timeout
def f(x):
    return list(range(4_000_000))

#= name: small_answer_that_unfolds
#= verdicts: failed, memory, output limit, timeout
def f(x):
    held = [0] * 10
    for _ in range(9):
        held = [held] * 10
    return held

#= name: answer_of_many_objects
#= verdicts: failed, memory, output limit, timeout
def f(x):
    return [object() for _ in range(300_000)]

#= name: answers_kept_for_ever
#= verdicts: failed, memory, timeout
#: for turn in range(10_000):
#:     assert f(turn) is not None
#: assert f(1) == 7402918365018273
held = []

def f(x):
    held.append(bytearray(1 << 20))
    return object()

#= name: huge_integer_as_the_answer
#= verdicts: failed, memory, output limit, timeout
def f(x):
    return 1 << (1 << 30)

#= name: huge_reason
#= verdicts: failed, memory
def f(x):
    raise ValueError("x" * (100 << 20))

#= name: file_cache_instead
#= verdicts: failed
def f(x):
    for number in range(100):
        with open(str(number), "wb") as file:
            file.write(bytes(4 << 20))
    return 0

#= name: stack_of_threads
#= verdicts: failed, memory
import threading
import time

def f(x):
    threading.stack_size(64 << 20)
    for _ in range(60):
        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
    return 0

#= name: format_width
def f(x):
    return "{:>99999999999}".format(1)

#= name: compressed_bomb
#= verdicts: memory, timeout
import zlib

def f(x):
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(600)) + packer.flush()
    return zlib.decompress(packed)
