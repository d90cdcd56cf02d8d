"""What the machine has: processor cores, the memory of a process, and how to give memory back."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import os
from collections.abc import Callable
from pathlib import Path

#: cgroup v2: "max 100000" or "<microseconds> <period>"; what a container's CPU limit becomes.
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
#: As the systemd units have it.
_OPEN_FILES = 2**16


def processor_cores() -> int:
    """Cores this process may use, at least 1: of its affinity, and of its container where that has fewer."""
    # macOS has no affinity.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text("ascii").split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):
        return cores


def allow_many_files() -> None:
    """Let this process open up to 65 536 files, if the system lets it: every connection and every upload is one.

    Shells and containers often begin with 1024 for the sake of old programs; a batch may have as many uploads.
    """
    with contextlib.suppress(ImportError, OSError, ValueError):  # no such thing, or macOS, which has odd limits
        import resource

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)
        if now != resource.RLIM_INFINITY and now < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def resident_bytes(pid: int) -> int | None:
    """Bytes of memory the process takes now; None where the system does not tell or the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


@functools.cache
def _trim() -> Callable[[int], int] | None:
    # glibc has it, musl and macOS do not.
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


def give_memory_back() -> None:
    """Free what is unreachable and hand free memory to the system, as far as its C library can."""
    gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)
