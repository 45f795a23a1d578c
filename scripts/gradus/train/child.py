"""The training process seen from the one that started it: start it, show how it goes, end it, start it again with smaller parts."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gradus.config.load import PROJECT
from gradus.config.schema import Launch
from gradus.errors import GradusError, UserError
from gradus.files import read_json
from gradus.leftover import CHILD_LOCK, held
from gradus.log import progress
from gradus.train.launch import STOP_FILE, ask_to_stop, death, launched
from gradus.train.plan import halve, memory_death, system_kills

log = logging.getLogger(__name__)
FIGURES = ("predicted_gb", "checked_gb", "limit_gb")
LOG_FILE = "worker.log"
WORKER = (sys.executable, "-m", "gradus.train.worker")
STOP_SECONDS = 60.0


def run_child(job: Path, iterations: int, command: Sequence[str] = WORKER) -> None:
    """Run the worker and show its progress; when it runs out of memory, start it again with smaller parts.

    Raises:
        KeyboardInterrupt: when it was interrupted. GradusError, UserError: what the child told, or how it died.
    """
    for left in range(read_json(job)["config"]["train"]["memory"]["retries"], -1, -1):
        kills = system_kills()
        code = _run_once(job, iterations, command)
        if code == 0:
            return
        said = _said(job)
        cause = memory_death(code, said, kills)
        if not cause or not left:
            raise _died(code, said, job)
        plan = halve(job.parent, cause)
        log.warning("The training process died: %s. Going on from the last checkpoint, each batch in %d parts.", cause, plan.slices)


def launch_of(job: Path) -> Launch:
    """How the processes of a job are launched; the learning-rate finder is always one."""
    told = read_json(job)
    alone = {"hosts": [], "backend": "ring", "processes": 1}
    return Launch.model_validate(told["config"]["train"]["launch"] if told.get("mode", "train") == "train" else alone)


def _said(job: Path) -> str:
    """What the child left on standard error."""
    return job.with_name(LOG_FILE).read_text(encoding="utf-8", errors="replace")


def _died(code: int, said: str, job: Path) -> GradusError:
    told = death(said)
    last = told[1] if told else (said.strip().splitlines() or ["it said nothing"])[-1]
    cure = "Run the same command again: it goes on from the last checkpoint"
    return GradusError(f"the training process died with code {code} ({last})", where=str(job.with_name(LOG_FILE)), cure=cure)


def _run_once(job: Path, iterations: int, command: Sequence[str]) -> int:
    """The exit code of the child. Raises what it told, and KeyboardInterrupt when it was interrupted."""
    with _child(job, command) as child:
        error = _follow(child, iterations)
        code = child.wait()
    if launch_of(job).is_used and not job.with_name("result.json").exists():
        told = death(_said(job))
        code = told[0] if told else code or 1
    if error:
        kind = UserError if error["exit_code"] == 2 else GradusError
        raise kind(error["what"], where=error["where"], cure=error["cure"])
    if code == 130:
        raise KeyboardInterrupt
    return code


@contextmanager
def _child(job: Path, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    launch = launch_of(job)
    job.with_name(STOP_FILE).unlink(missing_ok=True)
    passed = {"PYTHONPATH": str(PROJECT / "scripts"), "PYTHONUNBUFFERED": "1"}
    if sys.platform == "darwin":
        # Metal kills long kernels while the display is on; this relaxes the watchdog.
        passed["AGX_RELAX_CDM_CTXSTORE_TIMEOUT"] = os.environ.get("AGX_RELAX_CDM_CTXSTORE_TIMEOUT", "1")
    with held(job.with_name(CHILD_LOCK)) as lock:
        # Launched processes see by the lock whether we live. One of our own holds it too, until it has ended.
        kept = () if launch.is_used else (lock.fileno(),)
        with job.with_name(LOG_FILE).open("w", encoding="utf-8") as errors:
            # A launcher reads its standard input, and must not see the Ctrl-C of the terminal: it would kill without a checkpoint.
            child = subprocess.Popen(
                launched(launch, [*command, str(job)], passed), stdin=subprocess.PIPE if launch.is_used else None, stdout=subprocess.PIPE,
                stderr=errors, encoding="utf-8", errors="replace", env={**os.environ, **passed}, start_new_session=launch.is_used, pass_fds=kept,
            )  # fmt: skip
        try:
            yield child
        finally:
            _end(child, launch, job.parent)


def _end(child: subprocess.Popen[str], launch: Launch, folder: Path) -> None:
    """Ask for a last checkpoint; a child that does not end in time, or that another Ctrl-C meets, is killed."""
    try:
        if child.poll() is None:
            ask_to_stop(child, launch, folder)
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_SECONDS)
    finally:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


def _follow(child: subprocess.Popen[str], iterations: int) -> dict[str, Any] | None:
    """Show events until the child closes its output; returns the error it told, if any."""
    assert child.stdout is not None
    valid, last, error = "", 0, None
    with progress("Training", iterations) as advance:
        advance(0, "loading, and trying the largest step")
        for event in map(_event, child.stdout):
            match event:
                case {"event": "error"}:
                    error = error or event
                case {"event": "interrupted"}:
                    raise KeyboardInterrupt
                case {"event": "start", "memory": memory}:
                    _tell_memory(memory)
                case {"event": "resumed", "iteration": iteration}:
                    log.info("Going on from the checkpoint at iteration %d", iteration)
                    advance(iteration - last, "")
                    last = iteration
                case {"event": "valid", "iteration": iteration, "loss": loss}:
                    valid = f", validation {loss:.3f}"
                    log.debug("iteration %d: validation loss %.4f", iteration, loss)
                case {"event": "iteration", "iteration": iteration, "loss": loss, "tokens_per_second": speed}:
                    advance(iteration - last, f"loss {loss:.3f}{valid}, {speed:,.0f} tokens/s")
                    last = iteration
    return error


def _event(line: str) -> dict[str, Any]:
    """The event on a line, or one of kind "other" for what a launcher or a package printed in between."""
    try:
        return {"event": "other", **json.loads(line)}
    except (json.JSONDecodeError, TypeError):
        return {"event": "other"}


def _tell_memory(memory: dict[str, Any]) -> None:
    for change in memory["adapted"]:
        log.warning("Memory: %s", change)
    if memory["checked_gb"] is not None:
        log.info("Memory: %.3g GB predicted, %.3g GB in the largest step, limit %.3g GB", *(memory[k] for k in FIGURES))
