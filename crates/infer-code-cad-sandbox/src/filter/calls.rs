//! Which system calls a candidate has, which it is refused, and when.

use libc::*;

use super::Rule;
use super::Test::{Bits, Is, IsNot, NotNull, Null};

const NEW_NAMESPACES: u64 = 0x7E02_0000; // mounts, cgroup, uts, ipc, user, pid, net
const THREAD: u64 = 0x0001_0000; // CLONE_THREAD
const THREAD_SHARES: u64 = 0x0000_0900; // CLONE_VM, CLONE_SIGHAND
/// By these a new process would be another's child, be traced or be held by a descriptor.
const NOT_ONES_OWN: u64 = 0x0000_B000; // CLONE_PARENT, CLONE_PTRACE, CLONE_PIDFD
const UNIX: u64 = 1; // AF_UNIX
const KILL: u64 = 9; // SIGKILL
// Options of prctl.
const SET_NAME: u64 = 15;
const GET_NAME: u64 = 16;
const GET_DUMPABLE: u64 = 3;
const SET_PDEATHSIG: u64 = 1;
const SET_NO_NEW_PRIVS: u64 = 38;
const GET_NO_NEW_PRIVS: u64 = 39;
/// Linux 6.6; not in every libc.
const SYS_FCHMODAT2: c_long = 452;

/// Harmless whatever the arguments, or held by Landlock and the limits.
#[rustfmt::skip]
pub(super) const ALLOWED: &[c_long] = &[
    // Descriptors.
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_preadv2, SYS_pwritev2, SYS_close, SYS_close_range, SYS_dup, SYS_dup3, SYS_lseek, SYS_sendfile,
    SYS_pipe2, SYS_eventfd2, SYS_flock, SYS_fsync, SYS_fdatasync, SYS_ftruncate, SYS_fallocate,
    SYS_fadvise64,
    // Paths.
    SYS_openat, SYS_newfstatat, SYS_fstat, SYS_statx, SYS_faccessat, SYS_faccessat2, SYS_readlinkat,
    SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_mkdirat, SYS_unlinkat, SYS_renameat,
    SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_truncate, SYS_statfs, SYS_fstatfs, SYS_umask,
    SYS_utimensat, SYS_fchmod, SYS_fchmodat, SYS_FCHMODAT2,
    // Memory.
    SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_msync,
    SYS_membarrier,
    // Threads, and waiting.
    SYS_set_tid_address, SYS_set_robust_list, SYS_rseq, SYS_futex, SYS_exit, SYS_exit_group,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
    SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_getpriority, SYS_getcpu,
    SYS_wait4, SYS_waitid, SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
    SYS_epoll_pwait2,
    // Who am I.
    SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_getpgid, SYS_getsid, SYS_uname, SYS_sysinfo,
    SYS_getrusage, SYS_getrlimit, SYS_setrlimit, SYS_capget, SYS_getrandom,
    // Time.
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_times, SYS_getitimer, SYS_setitimer, SYS_timerfd_create, SYS_timerfd_settime,
    SYS_timerfd_gettime,
    // Its own signals.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigtimedwait,
    SYS_rt_sigsuspend, SYS_sigaltstack, SYS_signalfd4, SYS_restart_syscall,
    // Pairs of sockets that it made itself.
    SYS_recvfrom, SYS_recvmsg, SYS_shutdown, SYS_getsockopt, SYS_getsockname, SYS_getpeername,
    // Locking itself up further; `SETTLED` takes it away when all is installed.
    SYS_seccomp,
    // The same under older names.
    #[cfg(target_arch = "x86_64")] SYS_open,
    #[cfg(target_arch = "x86_64")] SYS_creat,
    #[cfg(target_arch = "x86_64")] SYS_stat,
    #[cfg(target_arch = "x86_64")] SYS_lstat,
    #[cfg(target_arch = "x86_64")] SYS_access,
    #[cfg(target_arch = "x86_64")] SYS_readlink,
    #[cfg(target_arch = "x86_64")] SYS_getdents,
    #[cfg(target_arch = "x86_64")] SYS_mkdir,
    #[cfg(target_arch = "x86_64")] SYS_rmdir,
    #[cfg(target_arch = "x86_64")] SYS_unlink,
    #[cfg(target_arch = "x86_64")] SYS_rename,
    #[cfg(target_arch = "x86_64")] SYS_link,
    #[cfg(target_arch = "x86_64")] SYS_symlink,
    #[cfg(target_arch = "x86_64")] SYS_utime,
    #[cfg(target_arch = "x86_64")] SYS_utimes,
    #[cfg(target_arch = "x86_64")] SYS_futimesat,
    #[cfg(target_arch = "x86_64")] SYS_chmod,
    #[cfg(target_arch = "x86_64")] SYS_dup2,
    #[cfg(target_arch = "x86_64")] SYS_pipe,
    #[cfg(target_arch = "x86_64")] SYS_eventfd,
    #[cfg(target_arch = "x86_64")] SYS_poll,
    #[cfg(target_arch = "x86_64")] SYS_select,
    #[cfg(target_arch = "x86_64")] SYS_epoll_create,
    #[cfg(target_arch = "x86_64")] SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")] SYS_getpgrp,
    #[cfg(target_arch = "x86_64")] SYS_time,
    #[cfg(target_arch = "x86_64")] SYS_alarm,
    #[cfg(target_arch = "x86_64")] SYS_pause,
];

/// Harmless with these arguments only.
pub(super) const ALLOWED_IF: &[Rule] = &[
    (SYS_clone, &[Bits(0, THREAD | THREAD_SHARES | NEW_NAMESPACES, THREAD | THREAD_SHARES)]),
    (SYS_socketpair, &[Is(0, UNIX)]),
    (SYS_sendto, &[Null(4)]),
    (SYS_prlimit64, &[Is(0, 0)]), // of the caller
    (SYS_sched_setaffinity, &[Is(0, 0)]),
    (SYS_fcntl, &[Is(1, 0)]),      // F_DUPFD
    (SYS_fcntl, &[Is(1, 1)]),      // F_GETFD
    (SYS_fcntl, &[Is(1, 2)]),      // F_SETFD
    (SYS_fcntl, &[Is(1, 3)]),      // F_GETFL
    (SYS_fcntl, &[Is(1, 4)]),      // F_SETFL
    (SYS_fcntl, &[Is(1, 5)]),      // F_GETLK
    (SYS_fcntl, &[Is(1, 6)]),      // F_SETLK
    (SYS_fcntl, &[Is(1, 7)]),      // F_SETLKW
    (SYS_fcntl, &[Is(1, 1030)]),   // F_DUPFD_CLOEXEC
    (SYS_fcntl, &[Is(1, 1032)]),   // F_GETPIPE_SZ
    (SYS_ioctl, &[Is(1, 0x5401)]), // TCGETS, by which isatty asks
    (SYS_ioctl, &[Is(1, 0x5413)]), // TIOCGWINSZ
    (SYS_ioctl, &[Is(1, 0x541B)]), // FIONREAD
    (SYS_ioctl, &[Is(1, 0x5421)]), // FIONBIO
    (SYS_ioctl, &[Is(1, 0x5450)]), // FIONCLEX
    (SYS_ioctl, &[Is(1, 0x5451)]), // FIOCLEX
];

/// New processes, which the trusted ones may make, and a candidate where its limits say so.
pub(super) const FORKS: &[Rule] = &[
    (SYS_clone, &[Bits(0, THREAD | NEW_NAMESPACES | NOT_ONES_OWN, 0)]),
    #[cfg(target_arch = "x86_64")]
    (SYS_fork, &[]),
    #[cfg(target_arch = "x86_64")]
    (SYS_vfork, &[]),
];

/// New processes, where a candidate may make none.
pub(super) const NO_FORKS: &[Rule] = &[
    (SYS_clone, &[Bits(0, THREAD, 0)]),
    #[cfg(target_arch = "x86_64")]
    (SYS_fork, &[]),
    #[cfg(target_arch = "x86_64")]
    (SYS_vfork, &[]),
];

/// What only a program that makes copies of itself needs: a last filter for each.
pub(super) const SETTLED: &[Rule] = &[(SYS_seccomp, &[])];

/// What the worker's own processes need to shut a candidate in, to end it and to hand it its channel.
/// They are in the same filter, so a candidate has a second one that refuses these.
#[rustfmt::skip]
pub(super) const TRUSTED: &[c_long] = &[
    SYS_mount, SYS_umount2, SYS_kill, SYS_setsid, SYS_setresuid, SYS_setresgid, SYS_setgroups,
    SYS_capset, SYS_fchown, SYS_fchownat, SYS_sendmsg, SYS_landlock_create_ruleset,
    SYS_landlock_add_rule, SYS_landlock_restrict_self,
    #[cfg(target_arch = "x86_64")] SYS_chown,
];

/// The same for calls that candidates have with some arguments.
pub(super) const TRUSTED_IF: &[Rule] = &[(SYS_prctl, &[])];

/// What that means for a candidate: a few settings of its own only.
pub(super) const NOT_TRUSTED: &[Rule] = &[
    (
        SYS_prctl,
        &[
            IsNot(0, SET_NAME),
            IsNot(0, GET_NAME),
            IsNot(0, GET_DUMPABLE),
            IsNot(0, SET_PDEATHSIG),
            IsNot(0, SET_NO_NEW_PRIVS),
            IsNot(0, GET_NO_NEW_PRIVS),
        ],
    ),
    (SYS_prctl, &[Is(0, SET_PDEATHSIG), IsNot(1, KILL)]), // not to live on
];

/// What programs ask for, and get a plain refusal.
#[rustfmt::skip]
pub(super) const REFUSED: &[c_long] = &[
    // Programs, other processes and their memory.
    SYS_execve, SYS_execveat, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo, SYS_pidfd_open, SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_ptrace,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_kcmp, SYS_setpgid, SYS_setpriority, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr,
    // The network.
    SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendmmsg, SYS_recvmmsg,
    SYS_setsockopt,
    // Namespaces and mounts.
    SYS_unshare, SYS_setns, SYS_pivot_root, SYS_chroot, SYS_fsopen,
    SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_move_mount, SYS_open_tree, SYS_mount_setattr,
    SYS_name_to_handle_at, SYS_open_by_handle_at,
    // Memory that is nobody's, or everybody's.
    SYS_memfd_create, SYS_shmget, SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_semget, SYS_semop,
    SYS_semtimedop, SYS_semctl, SYS_msgget, SYS_msgsnd, SYS_msgrcv, SYS_msgctl, SYS_mq_open,
    SYS_mq_unlink, SYS_mlock, SYS_mlock2, SYS_mlockall,
    // The kernel's large interfaces.
    SYS_bpf, SYS_perf_event_open, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_io_setup, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_personality,
    SYS_inotify_init1, SYS_inotify_add_watch, SYS_fanotify_init, SYS_fanotify_mark, SYS_syslog,
    // What is root's.
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setfsuid, SYS_setfsgid, SYS_sethostname, SYS_setdomainname, SYS_clock_settime,
    SYS_settimeofday, SYS_adjtimex, SYS_clock_adjtime, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_quotactl, SYS_vhangup,
    // Files that are not files, and whose they are.
    SYS_mknodat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr,
    SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
    // The same under older names.
    #[cfg(target_arch = "x86_64")] SYS_mknod,
    #[cfg(target_arch = "x86_64")] SYS_lchown,
    #[cfg(target_arch = "x86_64")] SYS_inotify_init,
];

/// What is refused of calls that are allowed otherwise.
pub(super) const REFUSED_IF: &[Rule] = &[
    (SYS_socketpair, &[IsNot(0, UNIX)]),
    (SYS_sendto, &[NotNull(4)]),
    (SYS_prlimit64, &[IsNot(0, 0)]),
    (SYS_sched_setaffinity, &[IsNot(0, 0)]),
];

/// Extended attributes: there are none, as on many file systems.
pub(super) const UNSUPPORTED: &[c_long] =
    &[SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr];

/// Modes and times of files, which Landlock does not cover: where the candidate runs as the user who
/// started the sandbox, it would own that user's files.
pub(super) const OWNER: &[Rule] = &[
    (SYS_fchmod, &[]),
    (SYS_fchmodat, &[]),
    (SYS_FCHMODAT2, &[]),
    (SYS_utimensat, &[]),
    #[cfg(target_arch = "x86_64")]
    (SYS_chmod, &[]),
    #[cfg(target_arch = "x86_64")]
    (SYS_utime, &[]),
    #[cfg(target_arch = "x86_64")]
    (SYS_utimes, &[]),
    #[cfg(target_arch = "x86_64")]
    (SYS_futimesat, &[]),
];
