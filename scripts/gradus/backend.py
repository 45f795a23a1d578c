"""The one door to MLX: `from gradus.backend import mx, nn, optimizers, tree_flatten, ...`.

On Linux without a GPU the `mlx` wheel links the reference BLAS (6 GFLOP/s on two cores). An OpenBLAS put into the
global symbol table *before* the first `import mlx.core` is used instead and is about 30 times faster, so every module
that needs MLX imports it from here. macOS (Accelerate, Metal) and CUDA need none of it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import time
from pathlib import Path

SLOW_GFLOPS = 20.0


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


def matmul_gflops(size: int = 512) -> float:
    """Measured speed of a float32 matrix product on the default device, in GFLOP/s (best of three)."""
    a = mx.random.normal((size, size))
    mx.eval(a @ a)
    best = min(_timed(lambda: mx.eval(a @ a)) for _ in range(3))
    return 2 * size**3 / best / 1e9


def _timed(action: object) -> float:
    start = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - start


__all__ = [
    "BLAS", "SLOW_GFLOPS", "device_name", "load_fast_blas", "matmul_gflops", "mx", "nn", "optimizers",
    "tree_flatten", "tree_map", "tree_unflatten",
]  # fmt: skip
