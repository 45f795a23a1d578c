"""How a run is cut to fit into memory, and what a death for want of memory changes about it."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gradus.errors import GradusError
from gradus.files import read_json, write_json

FILE = "memory.json"
SIGNS = {
    "Insufficient Memory": "Metal ran out of memory",
    "kIOGPUCommandBufferCallbackErrorOutOfMemory": "Metal ran out of memory",
    "[metal::malloc]": "Metal ran out of memory",
    "kIOGPUCommandBufferCallbackErrorTimeout": "Metal timed out",
    "kIOGPUCommandBufferCallbackErrorImpactingInteractivity": "Metal timed out",
    "Caused GPU Timeout": "Metal timed out",
    "CUDA out of memory": "the CUDA device ran out of memory",
    "cudaErrorMemoryAllocation": "the CUDA device ran out of memory",
    "[malloc] Unable to allocate": "out of memory",
    "std::bad_alloc": "out of memory",
    "MemoryError": "out of memory",
}  # fmt: skip
KILLED, CRASHED = -9, -11


@dataclass(frozen=True)
class Plan:
    """How the batches of a run are cut so that it fits, and the figures that decided it: `memory.json` of a job."""

    slices: int = 1
    """Parts that each batch is cut into by rows; their gradients are added, so the effective batch stays the same."""
    gradient_checkpointing: bool = False
    rows: int = 0
    """Of the worst batch: it cannot be cut into more parts."""
    adapted: list[str] = field(default_factory=list)
    predicted_gb: float | None = None
    checked_gb: float | None = None
    limit_gb: float | None = None

    def smaller(self, reason: str) -> Plan | None:
        """The next plan that needs less, or None when there is none: first checkpointing, then half the rows at a time."""
        if not self.gradient_checkpointing:
            return replace(self, gradient_checkpointing=True, adapted=[*self.adapted, f"gradient checkpointing ({reason})"])
        return self.halved(reason)

    def halved(self, reason: str) -> Plan | None:
        """Half the rows at a time, or None when it is one row already."""
        if self.rows and self.slices >= self.rows:
            return None
        slices = min(2 * self.slices, self.rows) if self.rows else 2 * self.slices
        note = f"each batch in {slices} parts with accumulated gradients ({reason})"
        return replace(self, slices=slices, adapted=[*self.adapted, note], predicted_gb=None, checked_gb=None)

    def summary(self, peak_gb: float | None) -> dict[str, Any]:
        """What the run's metadata says of memory, in 10^9 bytes."""
        figures = {"predicted_gb": self.predicted_gb, "checked_gb": self.checked_gb, "peak_gb": peak_gb, "limit_gb": self.limit_gb}
        return {**figures, "adapted": self.adapted, "slices": self.slices}


def read_plan(folder: Path) -> Plan:
    """The plan of a job, or a fresh one."""
    path = folder / FILE
    return Plan(**read_json(path)) if path.exists() else Plan()


def write_plan(folder: Path, plan: Plan) -> None:
    """Keep the plan: a run that goes on keeps to it, and so stays equal to an uninterrupted one."""
    write_json(folder / FILE, asdict(plan))


def system_kills() -> int | None:
    """How many processes Linux has killed for want of memory so far; None where it does not say."""
    path = Path("/proc/vmstat")
    lines = path.read_text(encoding="ascii").splitlines() if path.is_file() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def memory_death(code: int, said: str, kills_before: int | None) -> str:
    """Why a process died, when it was for want of memory or a Metal time-out, else ''.

    Args:
        code: exit code, negative for a signal.
        said: what it left on standard error.
        kills_before: `system_kills()` when it was started. A SIGKILL counts only with such a kill since; macOS counts
            none, and there every SIGKILL that we did not send is taken for one.
    """
    found = next((cause for sign, cause in SIGNS.items() if sign in said), "")
    if code == CRASHED and not found and sys.platform == "linux":
        return "it crashed, as MLX does on a CPU when memory cannot be had"  # mlx 0.32: the null of a failed malloc is written to
    if found or code != KILLED:
        return found
    kills = system_kills()
    ours = sys.platform == "darwin" if kills is None or kills_before is None else kills > kills_before
    return "the system killed it for want of memory" if ours else ""


def halve(folder: Path, cause: str) -> Plan:
    """Cut the batches of a job into parts half as large.

    Batches, their order and the counting of iterations stay, so the job goes on from its last checkpoint exactly where
    it was; only the rounding of sums differs, and what dropout draws.

    Raises:
        GradusError: when the parts are single rows already, or it died before there was any batch.
    """
    if not (folder / FILE).exists():
        what, cure = f"the training process died while it loaded the model ({cause})", "End other programs, or take a smaller or a 4-bit base"
        raise GradusError(what, where="train.memory", cure=cure)
    plan = read_plan(folder).halved(cause)
    if plan is None:
        raise GradusError(
            f"the training process died with one row at a time ({cause})", where="train.memory",
            cure="Lower prepare.max_tokens or train.layers, set train.gradient_checkpointing=true, or take a smaller or a 4-bit base",
        )  # fmt: skip
    write_plan(folder, plan)
    return plan
