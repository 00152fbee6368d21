# Part of the driver: the one directory that a candidate may write to. In the tier `full` it is a file
# system in memory, with a quota; elsewhere a directory of the system's that is looked at while the
# candidate runs.
import os
import stat

TOO_MUCH = 1 << 62


def fresh_scratch(house, limits):
    """An empty scratch for the next candidate; the last one's has been cleared."""
    if house["tier"] == "full":
        mount_scratch(house["scratch"], limits["scratch_bytes"], limits["scratch_files"])
    else:
        make_scratch(house)
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
    """Bytes and files in a scratch without a quota, while the candidate runs. A directory that cannot
    be looked into counts as too much."""
    used, files, rest = 0, 0, [house["scratch"]]
    while rest and files < 1 << 20:
        try:
            with os.scandir(rest.pop()) as entries:
                for entry in entries:
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
    """Deletes a directory of any depth, whatever the modes in it, without following a link. What lies
    deep is moved up first, so that neither paths nor open files grow."""
    if not os.path.lexists(directory):
        return
    top = open_directory(directory, None)
    try:
        names, number = os.listdir(top), 0
        prefix = os.urandom(16).hex()
        while names:
            name = names.pop()
            if not is_directory(name, top):
                os.unlink(name, dir_fd=top)
                continue
            within = open_directory(name, top)
            try:
                for child in os.listdir(within):
                    if not is_directory(child, within):
                        os.unlink(child, dir_fd=within)
                        continue
                    os.chmod(child, 0o700, dir_fd=within)  # its entry `..` is about to change
                    number += 1
                    moved = "%s%d" % (prefix, number)
                    os.rename(child, moved, src_dir_fd=within, dst_dir_fd=top)
                    names.append(moved)
            finally:
                os.close(within)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(directory)


def is_directory(name, parent):
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def open_directory(name, parent):
    """A descriptor of a directory that is made readable first. Nobody can put a link in its place:
    whoever could has ended."""
    os.chmod(name, 0o700, dir_fd=parent)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


