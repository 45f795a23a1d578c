"""Where and with what a run was made: git, machine, packages."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.files import read_json

METADATA = "run_metadata.json"
PACKAGES = ("mlx", "mlx-lm", "numpy", "transformers", "tokenizers", "huggingface-hub", "datasketch", "matplotlib")
RECORDED = {"config", "dataset", "base", "machine", "packages", "iterations", "stopped"}


def read_metadata(folder: Path) -> dict[str, Any]:
    """What a finished run recorded of itself. Raises UserError when it is something else."""
    found = read_json(folder / METADATA)
    if not isinstance(found, dict) or not found.keys() >= RECORDED:
        cure = "Run python scripts/06_train_mlx.py --force for that run"
        raise UserError("not what 06_train_mlx writes", where=str(folder / METADATA), cure=cure)
    return found


def git_state() -> dict[str, Any] | None:
    """Commit and dirty flag of the project, or None when it is no git checkout or git is missing or does not answer."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None  # a downloaded archive has no history, and a slow disk must not spoil a finished run


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PROJECT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide the numbers, of those that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system and Python of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, check=True, capture_output=True, text=True, timeout=5).stdout.strip()
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, subprocess.SubprocessError, StopIteration):
        return platform.processor() or platform.machine()
