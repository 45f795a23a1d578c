"""Python, processor, memory, disk, and what MLX computes on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gradus.doctor.finding import Finding
from gradus.machine import cores, device_memory_bytes, memory_bytes

NEWEST = (3, 14)
LITTLE_MEMORY_GB, LITTLE_DISK_GB, NO_DISK_GB = 8, 20, 2


def python() -> Finding:
    """The version of Python, and whether it runs natively."""
    version, system = platform.python_version(), f"{platform.system()} {platform.release()} {platform.machine()}"
    text = f"{version}, {system}, {sys.executable}"
    if sys.platform == "darwin" and platform.machine() != "arm64":
        return Finding("python", "bad", text, "MLX needs Apple silicon and a native Python: install one for arm64, not one that runs under Rosetta")
    if sys.platform not in ("darwin", "linux"):
        return Finding("python", "bad", text, "Gradus runs on macOS and Linux: on Windows take WSL 2")
    if sys.version_info[:2] > NEWEST:
        return Finding("python", "warning", text, "Newer than Gradus asks for (3.11 to 3.14): when a package cannot be installed, take one of those")
    return Finding("python", "ok", text)


def memory() -> Finding:
    """The memory of the machine, or of the container we are in."""
    size = memory_bytes() / 1e9
    text = f"{size:.1f} GB, {cores()} cores, {_processor()}"
    if size < LITTLE_MEMORY_GB * 0.95:
        return Finding("memory", "warning", text, "Little: take --config config/presets/mac-8gb.yaml or model.base=builtin, and close other programs")
    return Finding("memory", "ok", text)


def _processor() -> str:
    if sys.platform == "darwin":
        done = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, timeout=5, check=False)
        return done.stdout.strip() or platform.processor()
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.machine()


def disk(workspace: Path) -> Finding:
    """Room for data and models."""
    there = next(folder for folder in (workspace, *workspace.parents) if _is_seen(folder))
    free = shutil.disk_usage(there).free / 1e9
    text = f"{free:,.1f} GB free at {there}"
    if not os.access(there, os.W_OK):
        return Finding("disk", "bad", f"{text}, where nothing may be written", "Check the owner of that folder, or set paths.workspace")
    cure = "A model of 8 billion parameters takes 5 GB in 4 bits and 16 GB fused: free some space, or set paths.workspace to another disk"
    if free < LITTLE_DISK_GB:
        return Finding("disk", "bad" if free < NO_DISK_GB else "warning", text, cure)
    return Finding("disk", "ok", text)


def _is_seen(folder: Path) -> bool:
    try:
        return folder.exists()
    except PermissionError:  # a folder around it may not be looked into
        return False


def device() -> Iterator[Finding]:
    """What MLX computes on and how fast its matrix product is."""
    try:
        from gradus.backend import BLAS, SLOW_GFLOPS, device_name, matmul_gflops, mx
    except ImportError as error:
        yield Finding("device", "bad", f"MLX cannot be loaded ({error})", "Install the packages: pip install -r requirements.txt")
        return
    name = device_name()
    if name == "cpu":
        cure = "Training a model of the hub takes hours here, so model.base=auto takes the tiny built-in one; a Mac or an NVIDIA card helps"
        yield Finding("device", "warning", "cpu: MLX finds no Metal and no CUDA", cure)
    else:
        information = mx.device_info()
        shown = [str(information.get("device_name") or information.get("architecture") or "")]
        size = device_memory_bytes(information)
        shown += [f"{size / 1e9:.1f} GB for models"] if size else []
        yield Finding("device", "ok", ", ".join([name, *filter(None, shown)]))
    speed = matmul_gflops(512)
    text = f"{speed:,.0f} GFLOP/s, product of two 512 x 512 matrices in float32{f', by {BLAS}' if BLAS else ''}"
    if speed < SLOW_GFLOPS:
        cure = "The reference BLAS is in use: pip install faiss-cpu (its OpenBLAS is taken), or apt install libopenblas0. Or the machine is busy"
        yield Finding("speed", "warning", text, cure)
    else:
        yield Finding("speed", "ok", text)


def has_gpu() -> bool:
    """Whether MLX computes on Metal or CUDA."""
    try:
        from gradus.backend import device_name
    except ImportError:
        return False
    return device_name() != "cpu"


def model_memory() -> int:
    """As `gradus.backend.model_memory`; the machine's memory where MLX is missing."""
    try:
        from gradus import backend
    except ImportError:
        return memory_bytes()
    return backend.model_memory()
