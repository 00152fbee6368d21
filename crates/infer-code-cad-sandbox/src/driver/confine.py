# Part of the driver: who is shut in, when, and in what order. The supervisor enters the tier once;
# it forks the zygote; the zygote's forks, the candidates, give up what is left.
import os
import resource
import signal
import sys

# An unused range of user ids (above 60000, below those that systemd hands out). Each worker takes
# one by its process id.
FIRST_USER, USERS = 60578, 606
# Room that only the driver unlocks, to report a MemoryError.
MEMORY_RESERVE = 16 << 20
JUDGE_MEMORY = 1 << 30
STACK_BYTES = 8 << 20
# Tasks besides the candidate's that RLIMIT_NPROC counts in a user namespace of its own: the
# supervisor, the judge, the zygote's parent, the zygote.
OWN_TASKS = 4
WEAKER = ("container", "no-userns")
SHUT = ("full",) + WEAKER  # the tiers with layers of the kernel's
LANDLOCK_REMEDY = "a kernel with Landlock is needed: Linux 5.13 for full, 6.2 for container and \
no-userns, with `landlock` among its security modules (lsm=)"
SECCOMP_REMEDY = "a kernel with seccomp filters is needed, on x86_64 or aarch64"


def isolate(plan):
    """Enters the tier, in the warm supervisor, before anything is forked. Returns what the other
    functions here need to know; raises Refused where a layer cannot be had."""
    tier = plan["tier"]
    if tier in SHUT and sys.platform != "linux":
        raise Refused("landlock", "this system is %s" % sys.platform, "ask for macos")
    if tier == "macos" and sys.platform != "darwin":
        raise Refused("sandbox-exec", "this system is %s" % sys.platform, "ask for full")
    root = os.geteuid() == 0 and tier in SHUT
    house = {
        "tier": tier,
        "supervisor": os.getpid(),
        "home": plan.get("scratch"),
        "user": FIRST_USER + os.getpid() % USERS if root else None,
        "base_bytes": virtual_bytes(),
        "landlock": 0,
        "allowed": [],
        "others": 0,
        "most_files": 0,
        "filters": {},
        "zygote": None,
        "tried": {},
        "scratch": None if tier == "full" else os.path.join(plan["scratch"], "candidate"),
    }
    if tier in SHUT:
        house["landlock"] = usable_landlock(tier)
        house["filters"] = usable_filters(plan)
    if tier == "full":
        house["shown"], house["scratch"] = enter_full(plan["library"], house["user"])
        house["allowed"] = [("/", FS_READ_FILE | FS_READ_DIR), ("/dev", FS_READ_FILE | FS_WRITE_FILE)]
    elif tier in WEAKER:
        house["allowed"] = readable_places(plan["library"], house["user"])
        with Layer("limits", "a /proc is needed"):
            children()
    if tier in SHUT:
        with Layer("user", "CAP_SETPCAP is needed where root starts the sandbox"):
            if tier == "full" or root:
                drop_bounding_set()
            prctl(PR_SET_DUMPABLE, 0)  # nobody of the same user looks into this process
            prctl(PR_SET_NO_NEW_PRIVS, 1)
    house["layers"] = layers_of(house)
    return house


def usable_landlock(tier):
    """The version of Landlock. Before version 3 a file can be cut short that cannot be written."""
    with Layer("landlock", LANDLOCK_REMEDY):
        version = landlock_version()
    if tier in WEAKER and version < 3:
        raise Refused("landlock", "version %d, without a right to truncate" % version, LANDLOCK_REMEDY)
    return version


def usable_filters(plan):
    """The seccomp filters, by what they are for: `worker` (for all processes from the zygote on),
    `allow` (on top of it for a candidate), `fork` (the same where it may make processes), `owner`
    (between, where a candidate has the rights of the user who started it)."""
    filters = plan["filters"]
    if not all(filters.get(name) for name in ("worker", "allow", "fork", "owner")):
        raise Refused("seccomp", "there is no filter for this architecture", SECCOMP_REMEDY)
    with Layer("seccomp", SECCOMP_REMEDY):
        numbered("seccomp")
    return {
        name: [filter_program(bytes.fromhex(text)) for text in texts] for name, texts in filters.items()
    }


def readable_places(library, user):
    """Where the root is the system's own: what a python program reads, by Landlock."""
    needed = needed_directories(library)
    closed = [name for _, real in needed for name in private_above(real)]
    if user is not None and closed:
        raise Refused("user", "%s is closed to other users" % closed[0], "use a python that all can read")
    places = [(real, FS_READ_FILE | FS_READ_DIR) for _, real in needed]
    places += [(path, FS_READ_FILE) for path in SMALL_FILES if os.path.isfile(path)]
    devices = ["/dev/" + name for name in DEVICES]
    return places + [(path, FS_READ_FILE | FS_WRITE_FILE) for path in devices if os.path.exists(path)]


def layers_of(house):
    """The layers by name, with what there is to say about each."""
    layers = {"limits": "CPU time, memory, files, processes, by setrlimit; a session of its own"}
    if house["landlock"]:
        layers["landlock"] = str(house["landlock"])
        layers["seccomp"] = "an allow list of system calls"
    if house["tier"] == "full":
        layers["user"] = "a user namespace, without capabilities for candidates"
        layers["mounts"] = "a read-only root with %d of the system's directories" % len(house["shown"])
        layers["network"] = "a namespace without interfaces"
        layers["pids"] = "a namespace"
        layers["ipc"] = "a namespace, and another host name"
    elif house["user"] is not None:
        layers["user"] = "an id of its own, without capabilities"
    elif house["tier"] == "macos":
        layers["sandbox-exec"] = "no network, no files but its own"
    return layers


def fork_zygote(house, main):
    """Forks the process that forks candidates. It tries the tier first: Refused if that does not hold.
    Then it runs main(house), never to return. In full it is the first process of a new pid namespace,
    whose end ends all others in it, and what is returned here is its parent."""
    heard, said = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        be_zygote(house, said, main)
    os.close(said)
    install_all(house, "worker")
    with open(heard, "rb") as file:
        house["tried"] = understand_test(file.read())
    return pid


def be_zygote(house, said, main):
    try:
        die_with(house["supervisor"])
        if house["tier"] == "full":
            enter_pid_namespace()
        elif sys.platform == "linux":
            prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a candidate leaves becomes this process's
        install_all(house, "worker")
        house["zygote"] = os.getpid()
        tell_and_close(said, test_tier(house))
        main(house)
    finally:
        os._exit(1)


def enter_pid_namespace():
    """Returns in a fork that is process 1 of it; the caller waits for that and ends with it."""
    unshare(CLONE_NEWPID)
    alive, mine = os.pipe()
    pid = os.fork()
    if pid:
        os.closerange(3, mine)  # all but that one: nobody shall wait for an end that is held here
        os.closerange(mine + 1, 1 << 12)
        wait_and_leave(pid)
    os.close(mine)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.set_blocking(alive, False)
    try:
        gone = os.read(alive, 1) == b""  # its parent has no number here, so a pipe tells
    except BlockingIOError:
        gone = False
    os.close(alive)
    if gone:
        os._exit(1)


def wait_and_leave(pid):
    while True:
        ended, status = os.waitpid(pid, 0)
        if ended == pid:
            os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def die_with(parent):
    """The calling process ends when its parent does, also if that was just now."""
    if sys.platform != "linux":
        return
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def confine(house, limits, forks):
    """In a fork of the zygote: gives up everything but what a candidate may have, for good. `forks`:
    whether it may fork (as many processes as the limits say)."""
    os.chdir(house["scratch"])
    if house["others"] is not None:
        limit(resource.RLIMIT_NPROC, limits["processes"] + limits["threads"] - 1 + house["others"])
    limit(resource.RLIMIT_NOFILE, limits["open_files"])
    limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    places = house["allowed"] + scratch_rights(house)
    shut_in(house, limits, limits["memory_bytes"], places, house["zygote"])
    install_filters(house, "fork" if forks else "allow")


def confine_judge(house, limits):
    """In a fork of the supervisor, which runs tests that come from a file: it writes nowhere."""
    os.chdir("/")
    shut_in(house, limits, JUDGE_MEMORY, house["allowed"], house["supervisor"])
    install_filters(house, "allow")


def shut_in(house, limits, memory, places, parent):
    """What candidate and judge have in common, in the only order that works. `places`: what they may
    read and write."""
    shut = house["tier"] in SHUT
    set_limits(limits)
    with Layer("user", "run as an ordinary user, or with CAP_SETUID and CAP_SETGID"):
        if house["user"] is not None and house["tier"] != "full":
            become(house["user"])
        if shut:
            drop_capabilities()
            prctl(PR_SET_DUMPABLE, 0)  # the change of user may have set it
    die_with(parent)  # after the change of user, which clears it
    if shut:
        with Layer("landlock", LANDLOCK_REMEDY):
            landlock_enter(house["landlock"], places)
    if house["base_bytes"] is not None:
        room = house["base_bytes"] + memory
        limit(resource.RLIMIT_AS, room, room + MEMORY_RESERVE)


def set_limits(limits):
    """Those that do not differ between candidate and judge."""
    cpu = max(1, -(-limits["cpu_millis"] // 1000))
    limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_STACK, STACK_BYTES)
    limit(resource.RLIMIT_MEMLOCK, 0)
    if sys.platform == "linux":
        limit(resource.RLIMIT_MSGQUEUE, 0)


def install_filters(house, name):
    """The last layer. Where the candidate has the rights of the user who started it, also against
    what Landlock does not cover: modes and times of files."""
    if house["user"] is None and house["tier"] in WEAKER:
        install_all(house, "owner")
    install_all(house, name)


def install_all(house, name):
    with Layer("seccomp", SECCOMP_REMEDY):
        for program in house["filters"].get(name, ()):
            install_filter(program)


def deny_forks(house):
    """In a fork of a candidate that may fork: this one may not, and it ends with the first."""
    if house["tier"] in SHUT:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    install_all(house, "allow")


def other_tasks(house):
    """What RLIMIT_NPROC counts besides the candidate: all of the user's tasks, unless the user is the
    worker's own. None: unknown."""
    if house["tier"] == "full":
        return OWN_TASKS
    if house["user"] is not None:
        return 1  # the judge
    if sys.platform != "linux" or os.getuid() == 0:
        return None  # root is not counted
    return 1 + sum(tasks_of(pid, os.getuid()) for pid in processes())


def tasks_of(pid, user):
    """How many tasks a process of this user has; 0 for others' and where it has ended."""
    try:
        with open("/proc/%d/status" % pid, errors="replace") as status:
            fields = dict(line.split(":", 1) for line in status if ":" in line)
    except OSError:
        return 0
    return int(fields["Threads"]) if int(fields["Uid"].split()[0]) == user else 0


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children():
    """Process ids of the live children."""
    me = os.getpid()
    return [pid for pid in processes() if parent_of(pid) == me]


def parent_of(pid):
    """None where it has ended."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None


def end_copy(house, candidate, copy):
    """In the zygote: kills the copy that a candidate made of itself. `copy` is what the candidate said,
    so it is killed only where it is one: a candidate's child, or in a namespace without others."""
    if type(copy) is not int or copy <= 1 or copy == candidate:
        return
    if house["tier"] != "full" and (sys.platform != "linux" or parent_of(copy) != candidate):
        return
    try:
        os.kill(copy, signal.SIGKILL)
    except OSError:
        pass  # it has ended


def end_all(house):
    """In the zygote, when a candidate has ended or has to: kills and reaps all that is left of it,
    what it started in sessions of its own too."""
    if os.getpid() != house["zygote"]:
        raise RuntimeError("not the zygote: it would be others that are killed")
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return  # nobody is left
        kill_all(house)
        os.waitpid(-1, 0)


def kill_all(house):
    if house["tier"] == "full" and os.getpid() == 1:
        targets = [-1]  # all of its pid namespace
    elif sys.platform == "linux":
        targets = children()
    else:
        targets = []  # the zygote's only child is the candidate, which is being killed
    for target in targets:
        try:
            os.kill(target, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended


