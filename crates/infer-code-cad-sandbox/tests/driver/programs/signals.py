import signal, time
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
signal.alarm(1)
signal.setitimer(signal.ITIMER_REAL, 0.01)
time.sleep(0.05)
assert seen
