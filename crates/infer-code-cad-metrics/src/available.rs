use std::fs;
use std::path::Path;

/// Memory that this process can still take without anything being swapped out, in bytes.
///
/// The least of what the machine has (`MemAvailable` of
/// [proc_meminfo(5)](https://man7.org/linux/man-pages/man5/proc_meminfo.5.html)) and what the limits
/// of its control groups leave, the group's own and those above it (`memory.max` of
/// [cgroup v2](https://docs.kernel.org/admin-guide/cgroup-v2.html#memory)), where pages of files
/// count as free. `None` outside Linux.
pub fn available_bytes() -> Option<u64> {
    let machine = machine_bytes(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group_bytes(Path::new("/sys/fs/cgroup"), &groups);
    Some(group.map_or(machine, |group| group.min(machine)))
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let value = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}

/// What the limits of the group that `groups` names, and of those above it, leave; `None` where none
/// has a limit.
fn group_bytes(root: &Path, groups: &str) -> Option<u64> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let inner = root.join(group);
    let lineage = inner.ancestors().take_while(|group| group.starts_with(root));
    lineage.filter_map(left_by).min()
}

fn left_by(group: &Path) -> Option<u64> {
    let read = |file: &str| fs::read_to_string(group.join(file)).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?; // or "max"
    let used: u64 = read("memory.current")?.trim().parse().ok()?;
    let stat = read("memory.stat").unwrap_or_default();
    let of = |name: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0)
    };
    let reclaimable = of("inactive_file") + of("active_file");
    Some(limit.saturating_sub(used.saturating_sub(reclaimable)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn reads_meminfo() {
        let meminfo = "MemTotal:  100 kB\nMemFree:  9 kB\nMemAvailable:   42 kB\n";
        assert_eq!(machine_bytes(meminfo), Some(42 * 1024));
        assert_eq!(machine_bytes("MemTotal: 100 kB\n"), None);
    }

    #[test]
    fn the_tightest_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("outer/inner");
        fs::create_dir_all(&inner).unwrap();
        let groups = "4:memory:/old\n0::/outer/inner\n";
        assert_eq!(group_bytes(root.path(), groups), None);
        let write = |group: &Path, max: &str, current: &str, stat: &str| {
            fs::write(group.join("memory.max"), max).unwrap();
            fs::write(group.join("memory.current"), current).unwrap();
            fs::write(group.join("memory.stat"), stat).unwrap();
        };
        write(&inner, "max\n", "10\n", "anon 10\n");
        assert_eq!(group_bytes(root.path(), groups), None);
        let stat = "anon 300\ninactive_file 150\nactive_file 50\n";
        write(&root.path().join("outer"), "1000\n", "500\n", stat);
        assert_eq!(group_bytes(root.path(), groups), Some(700));
        write(&inner, "600\n", "900\n", "anon 900\n");
        assert_eq!(group_bytes(root.path(), groups), Some(0));
        assert_eq!(group_bytes(root.path(), "4:memory:/old\n"), None);
    }
}
