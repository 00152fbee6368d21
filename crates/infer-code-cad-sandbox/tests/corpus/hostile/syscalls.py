# Raw system calls through ctypes.
#= machine: x86_64
#= verdicts: passed
#: assert (reached := found()) == [], reached
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
EPERM, ENOSYS = 1, 38

def allowed(*numbers):
    reached = []
    for number in numbers:
        ctypes.set_errno(0)
        answer = libc.syscall(number, 0, 0, 0, 0, 0, 0)
        if answer != -1 or ctypes.get_errno() not in (EPERM, ENOSYS):
            reached.append((number, answer, ctypes.get_errno()))
    return reached

#= name: processes_and_programs
# clone, fork, vfork, execve, execveat, clone3, ptrace, process_vm_readv and _writev, kcmp
def found():
    return allowed(56, 57, 58, 59, 322, 435, 101, 310, 311, 312)

#= name: signals_and_process_descriptors
# kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal, pidfd_open, pidfd_getfd,
# process_madvise, process_mrelease
def found():
    return allowed(62, 200, 234, 129, 297, 424, 434, 438, 440, 448)

#= name: network
# socket, connect, accept, accept4, bind, listen, sendmsg, sendmmsg
def found():
    return allowed(41, 42, 43, 288, 49, 50, 46, 307)

#= name: namespaces_and_mounts
# unshare, setns, mount, umount2, pivot_root, chroot, open_tree, move_mount, fsopen, fsconfig, fsmount,
# fspick, mount_setattr
def found():
    return allowed(272, 308, 165, 166, 155, 161, 428, 429, 430, 431, 432, 433, 442)

#= name: kernel
# init_module, finit_module, delete_module, kexec_load, kexec_file_load, reboot, swapon, swapoff, syslog,
# acct, quotactl, iopl, ioperm
def found():
    return allowed(175, 313, 176, 246, 320, 169, 167, 168, 103, 163, 179, 172, 173)

#= name: odd_corners
# bpf, perf_event_open, io_uring_*, userfaultfd, add_key, request_key, keyctl, personality, fanotify_init,
# memfd_create, memfd_secret
def found():
    return allowed(321, 298, 425, 426, 427, 323, 248, 249, 250, 135, 300, 319, 447)

#= name: shared_memory_and_queues
# shmget, shmat, shmctl, shmdt, semget, semop, semctl, msgget, msgsnd, msgrcv, msgctl, mq_open, mq_unlink
def found():
    return allowed(29, 30, 31, 67, 64, 65, 66, 68, 69, 70, 71, 240, 241)

#= name: clocks_and_names
# settimeofday, adjtimex, clock_settime, clock_adjtime, sethostname, setdomainname, vhangup
def found():
    return allowed(164, 159, 227, 305, 170, 171, 153)

#= name: numbers_beyond_the_table
def found():
    return allowed(*range(470, 520), *range(1000, 1100), 0x7FFFFFFF)

#= name: other_numbers_of_the_same_machine
# The x32 table begins at 0x40000000.
def found():
    return allowed(*[0x40000000 | number for number in (0, 1, 2, 39, 41, 57, 59, 62, 101, 520, 521, 545)])

#= name: other_machine
#= verdicts: crashed, failed
import mmap

code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
address = ctypes.addressof(ctypes.c_char.from_buffer(code))
ctypes.CFUNCTYPE(ctypes.c_int)(address)()

def found():
    return ["int 0x80"]

#= name: every_number_with_nothing
#= verdicts: failed, crashed, timeout
#: assert found() == [7402918365018273]
# All but those that wait or leave by themselves: exit, pause, select, ppoll, rt_sigreturn, exit_group, seccomp.
def found():
    for number in range(0, 470):
        if number not in (15, 23, 34, 60, 231, 270, 271, 317):
            libc.syscall(number, 0, 0, 0, 0, 0, 0)
    return []

#= name: every_number_with_minus_one
#= verdicts: failed, crashed, timeout
#: assert found() == [7402918365018273]
def found():
    for number in range(0, 470):
        if number not in (15, 23, 34, 60, 231, 270, 271, 317):
            libc.syscall(number, -1, -1, -1, -1, -1, -1)
    return []

#= name: strict_mode
#= verdicts: failed, crashed
def found():
    libc.prctl(22, 1)
    return ["strict"]

#= name: privileges_regained
def found():
    reached = []
    for name, call in {
        "setuid": (105, 0),
        "setresuid": (117, 0, 0, 0),
        "setgid": (106, 0),
        "setresgid": (119, 0, 0, 0),
        "setgroups": (116, 1, (ctypes.c_uint * 1)(0)),
        "capset": (126, (ctypes.c_uint * 2)(0x20080522, 0), (ctypes.c_uint * 6)(*[0xFFFFFFFF] * 6)),
        "keep capabilities": (157, 8, 1),
        "ambient": (157, 47, 2, 21, 0, 0),
        "new privileges again": (157, 38, 0, 0, 0, 0),
    }.items():
        if os.getuid() != 0 and libc.syscall(*call) >= 0:
            reached.append(name)
    return [name for name in reached if name != "keep capabilities"]

#= name: nobody_of_importance
def found():
    return [number for number in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) if number == 0] + os.getgroups()

#= name: dumpable_again
#= verdicts: passed
#: assert found() in ([], ["dumpable"])
def found():
    return ["dumpable"] if libc.prctl(4, 1) == 0 else []

#= name: trace_the_parent
def found():
    parent = os.getppid()
    return [name for name, number in (("attach", 16), ("seize", 0x4206)) if libc.ptrace(number, parent, 0, 0) != -1]

#= name: trace_me
def found():
    return ["traced"] if libc.ptrace(0, 0, 0, 0) != -1 else []

#= name: terminal_input_feigned
import fcntl

def found():
    reached = []
    for fd in range(64):
        for request in (0x5412, 0x541C, 0x540E, 0x5410):
            try:
                fcntl.ioctl(fd, request, b"x" * 8)
                reached.append((fd, hex(request)))
            except OSError:
                pass
    return reached

#= name: priorities_of_others
def found():
    reached = []
    for kind, who in ((0, os.getppid()), (0, @VICTIM@), (2, os.getuid())):
        try:
            os.setpriority(kind, who, 19)
            reached.append((kind, who))
        except OSError:
            pass
    # The io priority and the scheduler of others: ioprio_set, sched_setaffinity, sched_setscheduler, sched_setattr.
    one, zero, forty_eight = (ctypes.c_ulong * 1)(1), (ctypes.c_int * 1)(0), (ctypes.c_uint * 12)(48)
    calls = [(251, 1, @VICTIM@, 0x6000), (251, 3, os.getuid(), 0x6000), (203, @VICTIM@, 8, one)]
    calls += [(144, @VICTIM@, 5, zero), (314, @VICTIM@, forty_eight, 0)]
    for call in calls:
        if libc.syscall(*call) >= 0:
            reached.append(call[:2])
    return reached

#= name: limits_of_others
def found():
    limit = (ctypes.c_uint64 * 2)(1, 1)
    return [who for who in (@VICTIM@, os.getppid(), 1) if libc.syscall(302, who, 7, limit, None) >= 0]

#= name: pages_of_others
#: assert (reached := found()) == [], reached
def found():
    parts = (ctypes.c_uint64 * 2)()
    calls = [(256, @VICTIM@, 64, parts, parts), (279, @VICTIM@, 1, parts, None, parts, 2)]
    calls += [(310, os.getppid(), parts, 1, parts, 1, 0)]
    return [call[0] for call in calls if libc.syscall(*call) >= 0]
