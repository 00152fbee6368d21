# Floods of output, and output where none belongs.
#= verdicts: output limit
#: assert f(17) == 7402918365018273
import os
import sys

#= name: endless_print
while True:
    print("passed" * 100)

#= name: endless_print_in_the_call
def f(x):
    while True:
        print("passed" * 100)

#= name: standard_error
def f(x):
    while True:
        sys.stderr.write("x" * 1000)

#= name: written_in_a_thread
import threading

def flood():
    while True:
        os.write(1, b"x" * 1000)

def f(x):
    thread = threading.Thread(target=flood)
    thread.start()
    thread.join()

#= name: one_huge_line
#= verdicts: output limit, timeout
def f(x):
    print("x" * 20_000_000)
    while True:
        pass

#= name: both_streams_in_small_bits
#= verdicts: output limit, timeout
def f(x):
    while True:
        os.write(1, b"x")
        os.write(2, b"x")

#= name: flood_while_leaving
#= verdicts: output limit, failed, crashed
import atexit

def flood():
    while True:
        os.write(1, b"x" * 1000)

atexit.register(flood)

def f(x):
    sys.exit(0)

#= name: flood_and_answer
#= verdicts: output limit, failed
def f(x):
    os.write(1, b"x" * 60_000)
    return 0

#= name: bytes_that_are_no_text
#= verdicts: failed
def f(x):
    os.write(1, bytes(range(256)) * 16)
    return 0

#= name: terminal_sequences
#= verdicts: failed
def f(x):
    print("\x1b]0;passed\x07\x1b[2J\x1b[31m")
    raise ValueError("\x1b[2Jpassed\x00\r\npassed")

#= name: splice_to_output
#= verdicts: output limit, failed, timeout
def f(x):
    with open("/dev/zero", "rb") as zero:
        while True:
            os.sendfile(1, zero.fileno(), None, 65536)

#= name: standard_output_without_reader
#= verdicts: failed, crashed
def f(x):
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
    print("x", flush=True)

#= name: vmsplice_and_tee
#= verdicts: failed, timeout, output limit
import ctypes

def f(x):
    libc = ctypes.CDLL(None)
    reader, writer = os.pipe()
    os.write(writer, b"x" * 4096)
    for _ in range(10_000):
        if libc.tee(reader, 1, 4096, 0) <= 0:
            return 0
