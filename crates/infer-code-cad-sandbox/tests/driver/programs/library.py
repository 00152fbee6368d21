import ctypes.util, datetime, decimal, fractions, hashlib, random, sched, sqlite3, statistics, zlib, lzma, bz2, uuid, unicodedata, colorsys, difflib, xml.dom.minidom, http.client, ssl, csv, calendar, queue, select, selectors, multiprocessing.dummy, locale
assert hashlib.sha256(b"").hexdigest().startswith("e3b0")
try:
    import zoneinfo
    zoneinfo.ZoneInfo("Europe/Berlin")
except ImportError:
    pass
assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
open("/dev/null", "w").write("x")
assert len(open("/dev/urandom", "rb").read(8)) == 8
import os
assert os.cpu_count() and os.urandom(4) and os.times() and os.getcwd()
