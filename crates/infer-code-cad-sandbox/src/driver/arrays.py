# Arrays and scalars of numpy by value, where it is installed and was let in.
import re

ARRAYS = set()


def share_numpy(numpy):
    """Teaches both sides numpy's values: plain numbers, texts and moments, never objects."""
    SHARED_PACKAGES.add("numpy")
    ARRAYS.update((numpy.ndarray, numpy.generic))
    WRITERS[numpy.ndarray] = WRITERS[numpy.generic] = write_array
    READERS["array"] = lambda decoder, content, depth: read_array(numpy, decoder, content, depth)


def is_of_numpy(value):
    return any(base in ARRAYS for base in type(value).__mro__)


def write_array(encoder, value, depth):
    kind = value.dtype.str
    if kind[1] not in "biufcUSmM":
        return {"array": [None, encoder.tree(value.tolist(), depth + 1), False]}
    scalar = not hasattr(type(value), "__setitem__")
    return {"array": [kind, [list(value.shape), value.tobytes().hex()], scalar]}


def read_array(numpy, decoder, content, depth):
    kind, parts, scalar = content
    if kind is None:
        return numpy.array(decoder.value(parts, depth), dtype=object)
    expect(type(kind) is str and re.fullmatch(r"[<>|=][biufcUSmM]\d+(\[\w+\])?", kind))
    shape, data = parts
    array = numpy.frombuffer(bytes.fromhex(data), dtype=numpy.dtype(kind)).reshape(shape)
    return array[()] if scalar else array.copy()


