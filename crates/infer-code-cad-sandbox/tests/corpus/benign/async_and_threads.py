# Concurrency that ordinary programs use.

#= name: asyncio_gather
#: assert f(10) == [n * n for n in range(10)]
import asyncio

async def square(n):
    await asyncio.sleep(0.001)
    return n * n

def f(n):
    async def all_of_them():
        return list(await asyncio.gather(*(square(k) for k in range(n))))

    return asyncio.run(all_of_them())

#= name: asyncio_queue_and_threads
#: assert f(20) == 190
import asyncio

def f(n):
    async def work():
        queue = asyncio.Queue()
        loop = asyncio.get_running_loop()
        for k in range(n):
            await loop.run_in_executor(None, lambda k=k: loop.call_soon_threadsafe(queue.put_nowait, k))
        return sum([await queue.get() for _ in range(n)])

    return asyncio.run(work())

#= name: threads_with_a_lock
#: assert f(8, 500) == 4000
import threading

def f(threads, turns):
    total = 0
    lock = threading.Lock()

    def work():
        nonlocal total
        for _ in range(turns):
            with lock:
                total += 1

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return total

#= name: thread_pool_of_default_size
#: assert f(range(200)) == [n + 1 for n in range(200)]
from concurrent.futures import ThreadPoolExecutor

def f(values):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda n: n + 1, values))

#= name: thread_pool_of_a_large_machine
#: assert f() == 36
import threading
from concurrent.futures import ThreadPoolExecutor

def f():
    barrier = threading.Barrier(36)
    with ThreadPoolExecutor(36) as pool:
        return len({future.result() for future in [pool.submit(lambda: barrier.wait(20)) for _ in range(36)]})

#= name: queue_between_threads
#: assert f([3, 1, 2]) == [9, 1, 4]
import queue
import threading

def f(values):
    todo, done = queue.Queue(), queue.Queue()

    def work():
        while True:
            item = todo.get()
            if item is None:
                return
            done.put(item * item)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    for value in values:
        todo.put(value)
    todo.put(None)
    thread.join()
    return [done.get() for _ in values]

#= name: daemon_thread_left_running
#: assert f() == "ready"
import threading
import time

def f():
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return "ready"

#= name: thread_local_values
#: assert f() == [0, 1, 2, 3]
import threading

def f():
    local, seen = threading.local(), []

    def work(n):
        local.value = n
        seen.append(local.value)

    for n in range(4):
        thread = threading.Thread(target=work, args=(n,))
        thread.start()
        thread.join()
    return seen

#= name: contextvars_and_timers
#: assert f() == ["timer", "main"]
import contextvars
import threading

def f():
    name = contextvars.ContextVar("name", default="main")
    seen = []

    def ring():
        name.set("timer")
        seen.append(name.get())

    timer = threading.Timer(0.001, ring)
    timer.start()
    timer.join()
    return seen + [name.get()]

#= name: alarm_handler
#: assert f() == "rung"
import signal
import time

def f():
    rung = []
    signal.signal(signal.SIGALRM, lambda *_: rung.append("rung"))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.1)
    return rung[0]

#= name: alarm_as_a_time_limit
#: assert f() == "too long"
import signal

class TooLong(Exception):
    pass

def raise_it(*_):
    raise TooLong

def f():
    signal.signal(signal.SIGALRM, raise_it)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        while True:
            pass
    except TooLong:
        return "too long"

#= name: socket_pair_and_selectors
#: assert f(b"hello") == b"HELLO"
import selectors
import socket

def f(data):
    one, other = socket.socketpair()
    with selectors.DefaultSelector() as selector:
        selector.register(other, selectors.EVENT_READ)
        one.sendall(data)
        selector.select(5)
        return other.recv(100).upper()
