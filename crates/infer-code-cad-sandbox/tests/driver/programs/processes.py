import os, time
try:
    pid = os.fork()
except OSError:
    pid = None
if pid == 0:
    deny()
    try:
        os.fork()
    except OSError:
        os._exit(3)
    os._exit(4)
if pid:
    assert os.waitpid(pid, 0)[1] == 3 << 8
    for n in range(2):  # what is left behind
        if os.fork() == 0:
            deny()
            try:
                os.fork()
                os._exit(9)
            except OSError:
                time.sleep(1000)
