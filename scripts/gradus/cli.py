"""What every script does around its room: flags, configuration, logging, errors told in one line, a summary."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from gradus.errors import GradusError, UserError

if TYPE_CHECKING:
    from gradus.config import Config
    from gradus.step import Outcome

log = logging.getLogger(__name__)
LEVELS = ("debug", "info", "warning", "error")


def parser(doc: str | None) -> argparse.ArgumentParser:
    """An argument parser with the flags that every script has; `doc` is the script's docstring (purpose, example)."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    layer = "settings laid over config/training_config.yaml (repeatable)"
    made.add_argument("--config", action="append", type=Path, default=[], metavar="FILE", help=layer)
    made.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting, say train.iterations=200 (repeatable)")
    made.add_argument("--run", metavar="NAME", help="name of the run (same as --set run.name=NAME)")
    made.add_argument("--force", action="store_true", help="run even when nothing changed")
    made.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")
    made.add_argument("--log-level", choices=LEVELS, default="info", help="how much to show (default: info)")
    return made


def config_of(args: argparse.Namespace) -> Config:
    """The configuration that the flags describe. Raises UserError."""
    from gradus.config import load_config

    settings = [*args.set, *([f"run.name={args.run}"] if args.run else [])]
    return load_config(args.config, settings)


def guard(args: argparse.Namespace, action: Callable[[Config], int]) -> int:
    """Run `action(config)` and turn what goes wrong into one line and an exit code.

    Returns 2 for the user's mistakes (a full disk among them), 1 for failures, 130 after Ctrl-C or `kill`. A defect is
    told in one line too; its trace goes into the run's log, or onto the screen when there is none.
    """
    from gradus.log import close, set_up

    file: Path | None = None
    set_up(args.log_level)
    try:
        with _interrupted_by_signals():
            config = config_of(args)
            if not args.dry_run:
                file = _log_file(config)
                set_up(args.log_level, file)
            return action(config)
    except KeyboardInterrupt:
        log.error("Interrupted. The last finished outputs are whole; the same command goes on.")
        return 130
    except GradusError as error:
        log.error("%s", error)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output has gone, say `| head`. Python would complain at exit when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001  the outermost place: told in one line, and traced in the log
        return _failed(error, file)
    finally:
        close()


def _log_file(config: Config) -> Path:
    from gradus.step import workspace_of

    return workspace_of(config) / "reports" / config.run.name / "log.jsonl"


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Let `kill` and a closed terminal end the program as Ctrl-C does; one that was started to ignore them still does."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _failed(error: Exception, file: Path | None) -> int:
    """Tell what nobody foresaw: what a person can mend about the machine in their words, the rest as a defect."""
    known = machine_error(error, file.parent if file else None)
    if known is not None:
        log.error("%s", known)
        return known.exit_code
    trace = f"the trace is in {file}" if file else "the trace follows"
    log.error("%s: %s. This is a defect of Gradus, please report it; %s.", type(error).__name__, error, trace)
    log.log(logging.DEBUG if file else logging.ERROR, "trace", exc_info=error)
    return 1


def machine_error(error: Exception, near: Path | None = None) -> UserError | None:
    """What a person can mend about the machine, in their words; None for everything else.

    Args:
        near: the folder to name when the error names no file.
    """
    number = error.errno if isinstance(error, OSError) else None
    where = str((isinstance(error, OSError) and error.filename) or near or "")
    # MLX and safetensors raise errors of their own, without a number or a file.
    told = any(sign in str(error) for sign in ("[write] Unable to write", "No space left on device"))
    if told or number in (errno.ENOSPC, errno.EDQUOT):
        return UserError("the disk is full", where=where, cure="Free some space and run the same command again; nothing half-written was kept")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError("no permission", where=where, cure="Check the owner and the rights of that path")
    return None


def run_one(step_name: str, args: argparse.Namespace) -> int:
    """What a numbered script does: bring its step up to date and show what came out."""

    def action(config: Config) -> int:
        from gradus.pipeline import STEPS
        from gradus.step import run_step

        outcome = run_step(STEPS[step_name], config, STEPS, force=args.force, dry_run=args.dry_run)
        show(outcome)
        return 0

    return guard(args, action)


def show(outcome: Outcome) -> None:
    """Print a step's summary: what it says of itself, where its files are, and the next command."""
    from gradus.pipeline import next_step

    head = {"done": f"done in {outcome.seconds:.1f} s", "up to date": "up to date", "would run": f"would run ({outcome.reason})"}
    lines = [f"{outcome.step.name}  {head[outcome.status]}"]
    width = max((len(key) for key in outcome.summary), default=0)
    lines += [f"  {key:<{width}}  {format_value(value)}" for key, value in outcome.summary.items()]
    if outcome.status != "would run":
        following = next_step(outcome.step.name)
        lines.append(f"  in {outcome.target}" + (f"   next: python scripts/{following}.py" if following else ""))
    write_line("\n".join(lines))


def write_line(text: str) -> None:
    """Write to standard output at once, so that it keeps its place among the messages on standard error."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def format_value(value: object) -> str:
    """Numbers with separators and at most four significant digits behind the point; everything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"
