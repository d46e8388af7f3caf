"""How many cores and how much memory this process may use: a container's quota counts, not the host.

And the limit that keeps a process from taking more.
"""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/")


def available_cores(root: Path = ROOT) -> int:
    """The cores that this process may keep busy, from its affinity and its control groups' quotas.

    A quota of 1.5 cores counts as 2. This reads versions 1 and 2 of control groups, and all groups above
    the process's own, because each may have a quota.

    Args:
        root: the folder below which proc/ and sys/ lie, for tests.

    Returns:
        1 or more.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for group in _groups(root, "cpu"):
        quota, period = _quota(group)
        if quota > 0 and period > 0:
            cores = min(cores, math.ceil(quota / period))
    return max(cores, 1)


def limit_memory(more: int) -> None:
    """Let this process take only so much address space beyond what it has: then it gets a `MemoryError`.

    If memory runs out in spite of that, the system ends this process before its parent. Does nothing on
    systems that lack such limits.

    Args:
        more: bytes.
    """
    with suppress(OSError):  # Only Linux has this file.
        Path("/proc/self/oom_score_adj").write_text("500")
    with suppress(ImportError, OSError, ValueError):  # Windows has no `resource`, macOS refuses the limit.
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        wanted = _address_space() + more
        soft = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_AS, (soft, most))


def umask() -> int:
    """The rights that this process takes from the files it makes; 0 if the system does not tell."""
    for line in _text(Path("/proc/self/status")).splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], base=8)
    return 0


def _address_space() -> int:
    """The bytes of address space that this process has; 0 if the system does not tell."""
    pages = _text(Path("/proc/self/statm")).split()[:1]
    return int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def available_memory(root: Path = ROOT) -> int | None:
    """The bytes that this process may use, from the machine's memory and its control groups' limits.

    Args:
        root: as in `available_cores`.

    Returns:
        None if the system tells neither.
    """
    limits = [_number(group / name) for group in _groups(root, "memory") for name in _MEMORY_FILES]
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf, other systems lack names.
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min((limit for limit in limits if limit > 0), default=None)


# In version 2 and version 1. Without a limit the file holds "max", or in version 1 a number larger than
# any memory.
_MEMORY_FILES = ("memory.max", "memory.limit_in_bytes")


def _quota(group: Path) -> tuple[int, int]:
    """The microseconds of core time allowed in each period, and the period; 0 if there is no quota."""
    if (group / "cpu.max").is_file():
        words = _text(group / "cpu.max").split()
        if len(words) == 2 and all(word.isdecimal() for word in words):
            return int(words[0]), int(words[1])
        return 0, 0
    return _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of the process's control groups that may limit `controller`, innermost first.

    A container often mounts its own group as the root while /proc names the path on the host, so missing
    folders are skipped.
    """
    mount = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if not names:
            bases = [mount, mount / "unified"]
        elif controller in names.split(","):
            bases = [mount / names, mount / controller]
        else:
            continue
        inner = Path(path.strip("/"))
        for base in bases:
            for part in (inner, *inner.parents):
                if ".." not in part.parts and (base / part).is_dir():
                    yield base / part


def _number(path: Path) -> int:
    """The whole number in a file; 0 if there is none."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
