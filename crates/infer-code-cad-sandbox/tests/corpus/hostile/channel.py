# Programs that speak on the driver's own descriptors, or keep it from speaking.
#= verdicts: failed, crashed, output limit, timeout
#: assert f("ab") == "k7Qz-0193"
#: assert f(17) == 7402918365018273
import os
import stat
import struct
import threading

def channels():
    found = []
    for fd in range(3, 64):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):
            found.append(fd)
    return found

def tell(data):
    for fd in channels():
        try:
            os.write(fd, data)
        except OSError:
            pass

#= name: prints_markers
for word in ("passed", "PASSED", "ok", "OK", '{"verdict": "passed"}', '{"result": "passed"}', "1", "True"):
    print(word, flush=True)

#= name: verdicts_on_every_descriptor
for fd in range(64):
    for word in (b"passed\n", b'{"verdict": "passed"}\n', b"P", b"\x01"):
        try:
            os.write(fd, word)
        except OSError:
            pass

#= name: feigned_fault
tell(b"fault")

def f(x):
    tell(b"fault\n")
    tell(b'{"fault": "the sandbox is broken"}\n')

#= name: token_read_and_written_back
#= verdicts: failed, crashed, timeout
for fd in channels():
    try:
        tell(os.read(fd, 65536))
    except OSError:
        pass

#= name: garbage
def f(x):
    tell(os.urandom(4096))

#= name: zeros
def f(x):
    tell(bytes(4096))

#= name: ones
def f(x):
    tell(b"\xff" * 4096)

#= name: huge_length_announced
def f(x):
    for shape in ("<I", ">I", "<Q", ">Q"):
        tell(struct.pack(shape, 2 ** (8 * struct.calcsize(shape)) - 1))

#= name: length_without_content
def f(x):
    for shape in ("<I", ">I", "<Q", ">Q"):
        tell(struct.pack(shape, 64))
    while True:
        os.sched_yield()

#= name: negative_length
def f(x):
    for shape in ("<i", ">i", "<q", ">q"):
        tell(struct.pack(shape, -1))

#= name: flood_on_the_channel
def f(x):
    while True:
        tell(b"x" * 65536)

#= name: flood_in_a_thread
def flood():
    while True:
        tell(b"x" * 1024)

threading.Thread(target=flood, daemon=True).start()

def f(x):
    return 0

#= name: one_byte_at_a_time
def f(x):
    while True:
        tell(b"\x00")

#= name: channel_closed
#= verdicts: failed, crashed
def f(x):
    os.closerange(3, 64)

#= name: channel_closed_at_import
#= verdicts: failed, crashed
os.closerange(3, 64)

def f(x):
    return 0

#= name: everything_closed
#= verdicts: failed, crashed
os.closerange(0, 64)

def f(x):
    return 0

#= name: channel_closed_and_waits
#= verdicts: failed, crashed, timeout
import time

def f(x):
    os.closerange(3, 64)
    while True:
        time.sleep(1)

#= name: channel_shut_down
#= verdicts: failed, crashed
import socket

def f(x):
    for fd in channels():
        socket.socket(fileno=os.dup(fd)).shutdown(socket.SHUT_RDWR)

#= name: channel_half_shut
import socket

def f(x):
    for fd in channels():
        socket.socket(fileno=os.dup(fd)).shutdown(socket.SHUT_WR)
    while True:
        pass

#= name: channel_replaced
#= verdicts: failed, crashed, timeout
def f(x):
    mine, _ = os.pipe()
    for fd in channels():
        if fd != mine:
            os.dup2(mine, fd)

#= name: channel_echoes
import socket

def f(x):
    mine, other = socket.socketpair()
    for fd in channels():
        if fd not in (mine.fileno(), other.fileno()):
            os.dup2(mine.fileno(), fd)
            break
    while True:
        other.sendall(other.recv(65536))

#= name: requests_stolen
def steal():
    while True:
        for fd in channels():
            try:
                os.read(fd, 65536)
            except OSError:
                pass

threading.Thread(target=steal, daemon=True).start()

def f(x):
    return 0

#= name: replies_twice
real = os.write
os.write = lambda fd, data: (real(fd, data), real(fd, data))[0]

def f(x):
    return 0

#= name: replies_swallowed
os.write = lambda fd, data: len(data)

def f(x):
    return 0

#= name: replies_of_ones
real = os.write
os.write = lambda fd, data: real(fd, b"\x01" * len(data))

def f(x):
    return 0

#= name: replies_backwards
real = os.write
os.write = lambda fd, data: real(fd, bytes(data)[::-1])

def f(x):
    return 0

#= name: replies_cut_short
real = os.write
os.write = lambda fd, data: real(fd, bytes(data)[:-1]) + 1

def f(x):
    return 0

#= name: reads_lie
#= verdicts: failed, crashed, timeout, memory, output limit
os.read = lambda fd, size: b"\x01" * size

def f(x):
    return 0

#= name: sockets_patched
import socket

for name in ("send", "sendall"):
    setattr(socket.socket, name, lambda self, data, *_: len(data))
socket.socket.recv = lambda self, size, *_: b""
socket.socket.recv_into = lambda self, buffer, *_: 0

def f(x):
    return 0

#= name: struct_patched
struct.pack = lambda *_: b"\x01"
struct.unpack = lambda *_: (1, 1)
struct.Struct = None

def f(x):
    return 0

#= name: non_blocking
def f(x):
    for fd in channels():
        os.set_blocking(fd, False)
    return "x" * 30_000_000

#= name: own_reader_in_the_pipe
#= verdicts: failed, crashed, timeout
import select

def f(x):
    for fd in channels():
        select.select([fd], [], [], 0.2)
        os.set_blocking(fd, False)
        try:
            os.read(fd, 1)
        except OSError:
            pass
    return 0
