# Links from the scratch directory to the host, for the program and for whoever clears up.
#= verdicts: passed
#: assert (reached := found()) == [], reached
import os

def done(*acts):
    reached = []
    for act in acts:
        try:
            reached.append(repr(act()))
        except OSError:
            pass
    return reached

#= name: symbolic_link_to_a_secret
def found():
    os.symlink("@CANARY@/secret", "secret")
    return done(lambda: open("secret").read(), lambda: open("secret", "a"))

#= name: symbolic_link_to_a_directory
def found():
    os.symlink("@CANARY@", "canary")
    return done(
        lambda: os.listdir("canary"),
        lambda: open("canary/icc-linked", "w"),
        lambda: os.unlink("canary/writable"),
    )

#= name: symbolic_link_left_behind
#= verdicts: passed
#: assert left() is None
def left():
    os.makedirs("a/b")
    os.symlink("@CANARY@", "a/b/canary")
    os.symlink("@CANARY@/secret", "a/secret")
    os.symlink("/", "a/root")
    os.symlink("..", "a/up")

#= name: directory_swapped_for_a_link
#= verdicts: passed
#: assert swapped() is None
import threading

def swapped():
    def swap():
        while True:
            try:
                os.mkdir("swap")
                os.rmdir("swap")
                os.symlink("@CANARY@", "swap")
                os.unlink("swap")
            except OSError:
                pass

    threading.Thread(target=swap, daemon=True).start()

#= name: hard_link_of_a_secret
def found():
    return done(lambda: os.link("@CANARY@/secret", "secret"), lambda: os.link("/etc/passwd", "passwd"))

#= name: link_through_proc
def found():
    return done(
        lambda: os.link("/proc/self/fd/1", "out", follow_symlinks=True),
        lambda: open("/proc/self/cwd/../../etc/passwd"),
    )

#= name: link_loops
#= verdicts: passed
#: assert len(found()) == 0
def found():
    os.symlink("b", "a")
    os.symlink("a", "b")
    return done(lambda: open("a"))

#= name: moved_out_of_the_scratch
def found():
    open("mine", "w").close()
    os.mkdir("folder")
    return done(
        lambda: os.rename("mine", "@CANARY@/icc-mine"),
        lambda: os.rename("folder", "@CANARY@/icc-folder"),
        lambda: os.link("mine", "@CANARY@/icc-link"),
    )

#= name: scratch_itself_moved
#= verdicts: passed
#: assert (reached := found()) == [], reached
def found():
    here = os.getcwd()
    return done(lambda: os.rename(here, here + "-icc"), lambda: os.rmdir(here), lambda: os.chmod("..", 0o777))
