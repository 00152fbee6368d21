# Programs that solve their task and do something forbidden beside it, which must come to nothing in silence.
#= verdicts: passed
#: assert f(17) == 18
import os

def f(x):
    return x + 1

def silently(act, *args):
    try:
        act(*args)
    except (OSError, ValueError, RuntimeError, AttributeError):
        pass

#= name: writes_beside
#= never: file @CANARY@/icc-beside
silently(open, "@CANARY@/icc-beside", "w")
silently(open, "/tmp/icc-beside", "w")
silently(os.unlink, "@CANARY@/secret")

#= name: forks_beside
#= never: file @CANARY@/icc-forked
def fork():
    if os.fork() == 0:
        open("@CANARY@/icc-forked", "w").close()
        os._exit(0)

silently(fork)

#= name: calls_home
import socket

silently(socket.create_connection, ("127.0.0.1", @PORT@), 1)

#= name: kills_beside
import signal

for target in (os.getppid(), @VICTIM@, -1, 0):
    silently(os.kill, target, signal.SIGKILL)

#= name: runs_a_shell_beside
#= never: file @CANARY@/icc-shell
silently(os.system, "touch @CANARY@/icc-shell")

#= name: writes_at_exit
#= never: file @CANARY@/icc-exit
import atexit

atexit.register(silently, open, "@CANARY@/icc-exit", "w")

#= name: writes_in_a_thread_later
#= never: file @CANARY@/icc-later
import threading
import time

def later():
    while True:
        silently(open, "@CANARY@/icc-later", "w")
        time.sleep(0.05)

threading.Thread(target=later, daemon=True).start()

#= name: writes_in_a_destructor
#= never: file @CANARY@/icc-destructor
class Trap:
    def __del__(self, silently=silently, act=open):
        silently(act, "@CANARY@/icc-destructor", "w")

trap = Trap()

#= name: prints_secrets
def secrets():
    print(open("@CANARY@/secret").read(), os.environ, flush=True)

silently(secrets)

#= name: opens_a_terminal
silently(os.openpty)

#= name: waits_for_a_signal_handler
#= never: file @CANARY@/icc-term
import signal

signal.signal(signal.SIGTERM, lambda *_: silently(open, "@CANARY@/icc-term", "w"))
signal.signal(signal.SIGHUP, lambda *_: silently(open, "@CANARY@/icc-term", "w"))
