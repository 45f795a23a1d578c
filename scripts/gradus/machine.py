"""What the machine has: processors and memory, told without loading MLX."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_DEVICE_MEMORY = ("max_recommended_working_set_size", "total_memory", "memory_size")


def cores() -> int:
    """Processors that this process may use, where the system tells, else all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Bytes of memory, or fewer where a container limits them."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.is_file() else ""
    return min(total, int(text)) if text.isdigit() else total


def device_memory_bytes(information: Mapping[str, object]) -> int:
    """Metal's recommended working set or a CUDA device's memory, from `mx.device_info()`; 0 when it tells neither."""
    return next((int(str(information[key])) for key in _DEVICE_MEMORY if key in information), 0)
