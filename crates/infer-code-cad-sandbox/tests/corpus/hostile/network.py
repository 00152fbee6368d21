# Sockets of every family. @PORT@ listens on the host, @SOCKET@ is a socket there, both on the path and in
# the abstract names; neither hears anything.
#= verdicts: passed
#: assert (reached := found()) == [], reached
import os
import socket

def opened(*families):
    reached = []
    for family in families:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            for protocol in (0, 1, 15, 16):
                try:
                    socket.socket(family, kind, protocol).close()
                    reached.append((family, kind, protocol))
                except OSError:
                    pass
    return reached

def done(*acts):
    reached = []
    for act in acts:
        try:
            reached.append(repr(act()))
        except OSError:
            pass
    return reached

#= name: internet
def found():
    return opened(socket.AF_INET)

#= name: internet_6
def found():
    return opened(socket.AF_INET6)

#= name: unix
def found():
    return opened(socket.AF_UNIX)

#= name: netlink
def found():
    return opened(16)

#= name: packet
def found():
    return opened(17)

#= name: virtual_machine
def found():
    return opened(40)

#= name: bluetooth_and_can
def found():
    return opened(31, 29, 21)

#= name: kernel_crypto
def found():
    return opened(38)

#= name: every_family
def found():
    return opened(*range(50))

#= name: connects
def found():
    return done(
        lambda: socket.create_connection(("127.0.0.1", @PORT@), 1),
        lambda: socket.create_connection(("::1", @PORT@), 1),
        lambda: socket.create_connection(("192.0.2.1", 80), 1),
    )

#= name: listens
def found():
    return done(lambda: socket.create_server(("127.0.0.1", 0)), lambda: socket.create_server(("", 8080)))

#= name: names_are_looked_up
def found():
    return done(lambda: socket.getaddrinfo("example.com", 80), lambda: socket.gethostbyname("example.com"))

#= name: unix_socket_on_a_path
def found():
    def reach(address):
        with socket.socket(socket.AF_UNIX) as mine:
            mine.connect(address)

    addresses = ("@SOCKET@", "\0@SOCKET@", "/run/systemd/journal/stdout", "/var/run/docker.sock")
    return done(*[lambda address=address: reach(address) for address in addresses])

#= name: pair_sent_elsewhere
def found():
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return done(
        lambda: one.sendto(b"x", "@SOCKET@"),
        lambda: one.sendto(b"x", "\0@SOCKET@"),
        lambda: one.connect("\0@SOCKET@"),
        lambda: one.connect("@SOCKET@"),
        lambda: one.bind("bound"),
        lambda: one.bind("\0icc-bound"),
    )

#= name: pairs_of_other_families
def found():
    return done(*[lambda family=family: socket.socketpair(family) for family in (2, 10, 16, 30, 38, 40)])

#= name: descriptors_passed
def found():
    one, other = socket.socketpair()
    return done(lambda: one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, bytes(4))]))

#= name: credentials_feigned
import struct

def found():
    one, other = socket.socketpair()
    return done(lambda: one.sendmsg([b"x"], [(socket.SOL_SOCKET, 2, struct.pack("iii", 1, 0, 0))]))

#= name: by_system_call
#= machine: x86_64
import ctypes

def found():
    libc = ctypes.CDLL(None)
    calls = [(41, 2, 1, 0), (41, 10, 2, 0), (41, 1, 1, 0), (41, 16, 3, 0), (42, 0, b"", 0), (49, 0, b"", 0)]
    calls += [(50, 0, 1), (43, 0, None, None), (288, 0, None, None, 0), (46, 0, None, 0), (307, 0, None, 0, 0)]
    return [call for call in calls if libc.syscall(*call) >= 0]

#= name: rings
#= machine: x86_64
import ctypes

def found():
    libc, parameters = ctypes.CDLL(None), (ctypes.c_uint32 * 30)()
    return [number for number in (425, 426, 427) if libc.syscall(number, 8, parameters, 0, 0, 0) >= 0]

#= name: url
import urllib.request

def found():
    return done(lambda: urllib.request.urlopen("http://127.0.0.1:@PORT@/", timeout=1))

#= name: file_url
import urllib.request

def found():
    return done(*[lambda path=path: urllib.request.urlopen("file://" + path) for path in ("@CANARY@/secret", "/etc/passwd")])

#= name: server_of_the_library
def found():
    import http.server
    import xmlrpc.client

    return done(
        lambda: http.server.HTTPServer(("", 0), http.server.BaseHTTPRequestHandler),
        lambda: xmlrpc.client.ServerProxy("http://127.0.0.1:@PORT@/").f(),
    )

#= name: asyncio_connection
import asyncio

def found():
    async def reach():
        await asyncio.wait_for(asyncio.open_connection("127.0.0.1", @PORT@), 1)

    return done(lambda: asyncio.run(reach()))

#= name: many_datagrams
#= verdicts: failed
while True:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", @PORT@))

#= name: interfaces
import fcntl

def found():
    one, _ = socket.socketpair()
    others = lambda: [name for _, name in socket.if_nameindex() if name != "lo"]
    return [found for found in done(lambda: fcntl.ioctl(one, 0x8913, bytes(40)), others) if found != "[]"]
