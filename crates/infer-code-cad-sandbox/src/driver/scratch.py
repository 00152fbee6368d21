# Part of the driver: the one directory that a candidate may write to. In the tier `full` it is a file
# system in memory, with a quota; elsewhere a directory of the system's that is looked at while the
# candidate runs.
import itertools
import os
import stat
import sys

TOO_MUCH = 1 << 62


def fresh_scratch(house, limits):
    """An empty scratch for the next candidate; the last one's has been cleared."""
    if house["tier"] == "full":
        mount_scratch(house["scratch"], limits["scratch_bytes"], limits["scratch_files"])
    else:
        make_scratch(house)
    house["most_files"] = limits["scratch_files"]
    house["others"] = other_tasks(house)


def clear_scratch(house):
    """Takes away what a candidate left, at once where it is in memory; all its processes have ended."""
    if house["tier"] == "full":
        unmount(house["scratch"])
    else:
        remove_tree(house["scratch"])


def scratch_rights(house):
    """What Landlock lets a candidate do there: all but devices, sockets and running programs."""
    return [
        (
            house["scratch"],
            FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE | FS_REFER
            | FS_MAKE_REG | FS_MAKE_DIR | FS_MAKE_SYM | FS_REMOVE_FILE | FS_REMOVE_DIR,
        )
    ]  # fmt: skip


def make_scratch(house):
    os.mkdir(house["scratch"], 0o700)
    if house["user"] is not None:
        os.chown(house["scratch"], house["user"], house["user"])


def scratch_used(house):
    """Bytes and files in a scratch without a quota, while the candidate runs. It can put links in the
    way of this, but only be found to have too much. So does a directory that cannot be looked into."""
    used, files, rest = 0, 0, [house["scratch"]]
    while rest and files <= house["most_files"]:
        try:
            with os.scandir(rest.pop()) as entries:
                for entry in itertools.islice(entries, house["most_files"] + 1):
                    files += 1
                    used += entry_bytes(entry)
                    if entry.is_dir(follow_symlinks=False):
                        rest.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # taken away meanwhile
        except OSError:
            return TOO_MUCH, TOO_MUCH
    return used, files


def entry_bytes(entry):
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512
    except FileNotFoundError:
        return 0


def remove_tree(directory):
    """Deletes a directory of any depth, whatever the modes in it. It follows no link, not even one that
    takes a directory's place meanwhile. What lies deep is moved up first, so that neither paths nor
    open files grow."""
    if not os.path.lexists(directory):
        return
    top = open_directory(directory, None)
    try:
        names, prefix = os.listdir(top), os.urandom(16).hex()
        moved = itertools.count()
        while names:
            name = names.pop()
            if is_directory(name, top):
                names += move_up(name, top, ("%s%d" % (prefix, number) for number in moved))
                os.rmdir(name, dir_fd=top)
            else:
                os.unlink(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(directory)


def move_up(name, top, free):
    """Empties a directory: files are deleted, directories get a free name beside it, which is told."""
    told, within = [], open_directory(name, top)
    try:
        for child in os.listdir(within):
            if is_directory(child, within):
                os.close(open_directory(child, within))  # only one that is writable can be moved
                told.append(next(free))
                os.rename(child, told[-1], src_dir_fd=within, dst_dir_fd=top)
            else:
                os.unlink(child, dir_fd=within)
    finally:
        os.close(within)
    return told


def is_directory(name, parent):
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def open_directory(name, parent):
    """A descriptor of a directory that is no link. Its owner may then read and change it; root, and the
    zygote of `full`, may do so whatever the mode."""
    if sys.platform != "linux":
        os.chmod(name, 0o700, dir_fd=parent, follow_symlinks=False)
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        found = os.fstat(handle)
        if found.st_mode & 0o700 != 0o700 and found.st_uid == os.getuid() and os.path.isdir("/proc/self"):
            os.chmod("/proc/self/fd/%d" % handle, 0o700)
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
    finally:
        os.close(handle)


