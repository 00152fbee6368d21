# Messages between trusted processes: 4 bytes length (big endian), then JSON; descriptors may come along.
import array
import json
import os
import socket
import struct


def send(to, message, descriptors=()):
    """To a socket, with descriptors, or to a plain descriptor."""
    data = json.dumps(message).encode()
    data = struct.pack(">I", len(data)) + data
    if descriptors:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
        data = data[to.sendmsg([data], [rights]) :]
    if isinstance(to, socket.socket):
        to.sendall(data)
        return
    while data:
        data = data[os.write(to, data) :]


def send_descriptor(link, other):
    link.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [other.fileno()]))])


def receive(descriptor):
    (length,) = struct.unpack(">I", read_exactly(descriptor, 4))
    return json.loads(read_exactly(descriptor, length))


def receive_with_descriptors(link):
    """A message from a socket and what came along, at most one descriptor."""
    data, descriptors = receive_descriptors(link, 4)
    data += read_exactly(link.fileno(), 4 - len(data))
    (length,) = struct.unpack(">I", data)
    return json.loads(read_exactly(link.fileno(), length)), descriptors


def receive_descriptors(link, most):
    data, notes, _, _ = link.recvmsg(most, socket.CMSG_SPACE(array.array("i").itemsize))
    if not data:
        raise EOFError
    descriptors = array.array("i")
    for level, kind, content in notes:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return data, list(descriptors)


def read_exactly(descriptor, length):
    chunks = []
    while length:
        chunk = os.read(descriptor, min(length, 1 << 20))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


