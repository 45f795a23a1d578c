"""The one door to MLX: `from gradus.backend import mx, nn, optimizers, tree_flatten, ...`.

On Linux without a GPU the `mlx` wheel links the reference BLAS (6 GFLOP/s on two cores). An OpenBLAS put into the
global symbol table *before* the first `import mlx.core` is used instead and is about 30 times faster, so every module
that needs MLX imports it from here. macOS (Accelerate, Metal) and CUDA need none of it.

MLX runs everything but matrix products on one thread a stream. On a CPU `on_streams` therefore gives each core a stream
of its own and a part of the batch, and the BLAS keeps to one thread a stream.
"""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
import os
import sys
import timeit
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TypeVar

from gradus.machine import device_memory_bytes, memory_bytes

SLOW_GFLOPS = 20.0
T = TypeVar("T")
R = TypeVar("R")


def _faiss_openblas() -> list[Path]:
    """The OpenBLAS inside the `faiss-cpu` wheel, after the libraries it needs."""
    spec = importlib.util.find_spec("faiss")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent.parent / "faiss_cpu.libs"
    order = ("libquadmath*", "libgfortran*", "libgomp*", "libopenblas*")
    return [path for pattern in order for path in sorted(folder.glob(pattern))]


def load_fast_blas() -> str:
    """Load an OpenBLAS for MLX on Linux CPU; returns its name, or '' when none is needed or found."""
    if sys.platform != "linux" or "mlx.core" in sys.modules or importlib.util.find_spec("mlx_cuda"):
        return ""
    # Few compiled kernels pay for g++ at run time on a CPU (19 s cold for at most 7 %); the bits are the same.
    os.environ.setdefault("MLX_DISABLE_COMPILE", "1")
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    for libraries in (["libopenblas.so.0"], [str(path) for path in _faiss_openblas()]):
        try:
            loaded = [ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL) for name in libraries]
        except OSError:
            continue  # not on this machine: the next candidate, and `matmul_gflops` tells how fast it came out
        if loaded and hasattr(loaded[-1], "cblas_sgemm"):
            return Path(libraries[-1]).name
    return ""


BLAS = load_fast_blas()

import mlx.core as mx  # noqa: E402  the BLAS must come first
import mlx.nn as nn  # noqa: E402
import mlx.optimizers as optimizers  # noqa: E402
from mlx.utils import tree_flatten, tree_map, tree_unflatten  # noqa: E402


def device_name() -> str:
    """`metal`, `cuda` or `cpu`: where MLX computes by default."""
    if mx.default_device() == mx.cpu:
        return "cpu"
    return "metal" if mx.metal.is_available() else "cuda"


def model_memory() -> int:
    """Bytes that a model may take: Metal's recommended working set, a CUDA device's memory, or that of the machine or container."""
    return (device_memory_bytes(mx.device_info()) if device_name() != "cpu" else 0) or memory_bytes()


@cache
def cpu_streams() -> tuple[mx.Stream, ...]:
    """One stream a core where MLX computes on the CPU, else none; GRADUS_CPU_STREAMS is for processes that share a machine."""
    count = int(os.environ.get("GRADUS_CPU_STREAMS", 0)) or os.cpu_count() or 1
    return tuple(mx.new_stream(mx.cpu) for _ in range(count)) if device_name() == "cpu" else ()


def on_streams(function: Callable[[T], R], parts: Sequence[T]) -> list[R]:
    """`function` of every part, each on a CPU stream of its own, so that evaluation runs them side by side."""
    results = []
    for part, stream in zip(parts, itertools.cycle(cpu_streams() or (None,))):
        with mx.stream(stream) if stream and len(parts) > 1 else nullcontext():
            results.append(function(part))
    return results


def matmul_gflops(size: int = 512) -> float:
    """Measured speed of a float32 matrix product on the default device, in GFLOP/s (best of three)."""
    a = mx.random.normal((size, size))
    mx.eval(a @ a)
    return 2 * size**3 / min(timeit.repeat(lambda: mx.eval(a @ a), repeat=3, number=1)) / 1e9


__all__ = [
    "BLAS", "SLOW_GFLOPS", "cpu_streams", "device_name", "matmul_gflops", "model_memory", "mx", "nn", "on_streams", "optimizers",
    "tree_flatten", "tree_map", "tree_unflatten",
]  # fmt: skip
