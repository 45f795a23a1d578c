"""What every script does around its room: flags, configuration, logging, errors told in one line, a summary."""

from __future__ import annotations

import argparse
import errno
import json
import logging
import os
import shlex
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from gradus.errors import GradusError, UserError
from gradus.log import close, from_here, redraws, set_up

if TYPE_CHECKING:
    from gradus.config import Config
    from gradus.step import Outcome

log = logging.getLogger(__name__)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LEVELS = ("debug", "info", "warning", "error")
INDENT, GAP = 2, 2


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help that fits one screen of 80 columns and 24 lines: short names of flags, and nothing between their explanations."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=22, width=80)

    def _format_action(self, action: argparse.Action) -> str:
        shown = super()._format_action(action)
        # The heading says "commands" already.
        return shown.partition("\n")[2] if isinstance(action, argparse._SubParsersAction) else shown


def plain_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser that shows the purpose (the docstring's first part) first and the examples (what follows `Example`) last."""
    purpose, found, examples = (doc or "").partition("\nExample")
    usage = f"python scripts/{Path(sys.argv[0]).name} [options]"
    made = argparse.ArgumentParser(usage=usage, description=purpose.strip(), epilog=(found + examples).strip(), formatter_class=_Help, add_help=False)
    made.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    return made


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the flags that every script has; `doc` is the script's docstring (purpose, examples)."""
    made = plain_parser(doc)
    _add_common(made)
    return made


def _add_common(made: argparse.ArgumentParser) -> None:
    common = made.add_argument_group("options of every script")
    common.add_argument(
        "--config", action="append", type=Path, default=[], metavar="FILE", help="settings of your own, laid over the default; repeatable"
    )
    common.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting, say run.seed=7; repeatable (docs/CONFIG.md)")
    common.add_argument("--run", metavar="NAME", help="name of the run, same as --set run.name=NAME")
    common.add_argument("--force", action="store_true", help="run even when nothing changed")
    common.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")
    common.add_argument("--log-level", choices=LEVELS, default="info", metavar="LEVEL", help=f"{', '.join(LEVELS)} (default: info)")


def parse_with_command(made: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments for a parser that has commands: the options of every script may stand before a command or after it."""
    anywhere = argparse.ArgumentParser(usage=made.usage, add_help=False)
    _add_common(anywhere)
    found, rest = anywhere.parse_known_args()
    return made.parse_args(rest, found)


def command(args: argparse.Namespace, script: str, *settings: str, run: str = "") -> str:
    """The command line that runs another script with the flags of this one, and with further settings laid over them."""
    words = [word for file in args.config for word in ("--config", str(file))]
    words += [word for setting in (*args.set, *settings) for word in ("--set", setting)]
    words += ["--run", run or args.run] if run or args.run else []
    return f"python scripts/{script}.py {shlex.join(words)}".rstrip()


def config_of(args: argparse.Namespace) -> Config:
    """The configuration that the flags describe. Raises UserError."""
    from gradus.config import load_config

    return load_config(args.config, settings_of(args))


def settings_of(args: argparse.Namespace) -> list[str]:
    """Every `key=value` that the flags describe, `--run` last."""
    # In quotes, for YAML would read 7 or 2025-01-31 as no text.
    return [*args.set, *([f"run.name={json.dumps(args.run, ensure_ascii=False)}"] if args.run is not None else [])]


def while_read(action: Callable[[], int]) -> int:
    """Run `action()` for a script without `guard`; it ends quietly with 1 when the reader of the output goes, say `| head`."""
    try:
        return action()
    except BrokenPipeError:
        return _reader_has_gone()


def _reader_has_gone() -> int:
    # Python would complain at exit when it flushes stdout.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


Mistaken = Callable[[UserError], None]


def guard(args: argparse.Namespace, action: Callable[[Config], int], *, writes: bool = True, mistaken: Mistaken | None = None) -> int:
    """Run `action(config)` and turn what goes wrong into one line and an exit code.

    Returns 2 for the user's mistakes (a full disk among them), 1 for failures, 130 after Ctrl-C or `kill`. A defect is
    told in one line too; its trace goes into the run's log, or onto the screen when there is none.

    Args:
        writes: whether there is a log. What only reads leaves no file behind.
        mistaken: told of a mistake in the configuration, for which `action` is never called.
    """
    file: Path | None = None
    set_up(args.log_level)
    try:
        with _interrupted_by_signals():
            try:
                config = config_of(args)
            except UserError as error:
                if mistaken and not args.dry_run:
                    mistaken(error)
                raise
            if writes and not args.dry_run:
                file = _log_file(config)
                set_up(args.log_level, file)
            return action(config)
    except KeyboardInterrupt:
        log.error("Interrupted. The last finished outputs are whole; the same command goes on.")
        return 130
    except GradusError as error:
        log.error("%s", error)
        _point_to_the_page(error)
        return error.exit_code
    except BrokenPipeError:
        return _reader_has_gone()
    except Exception as error:  # noqa: BLE001  the outermost place: told in one line, and traced in the log
        return _failed(error, file)
    finally:
        close()


def _point_to_the_page(error: GradusError) -> None:
    from gradus.troubleshooting import section_of

    if section := section_of(str(error)):
        log.info("More about it: %s", section)


def _log_file(config: Config) -> Path:
    from gradus.step import workspace_of

    return workspace_of(config) / "reports" / config.run.name / "log.jsonl"


class Ended(KeyboardInterrupt):
    """`kill` or a closed terminal: unlike Ctrl-C it always means the whole program."""


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Let `kill` and a closed terminal end the program as Ctrl-C does; one that was started to ignore them still does."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else Ended


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(130)


# A script loads for a moment before `guard` takes over; Ctrl-C in it must give the same exit code and no trace.
if Path(sys.argv[0]).absolute().parent == Path(__file__).absolute().parents[1]:
    for _number in SIGNALS:
        if signal.getsignal(_number) != signal.SIG_IGN:
            signal.signal(_number, _leave)


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
    if number == errno.EFBIG:
        cure = "Lift the limit (ulimit -f), or take another file system for paths.workspace"
        return UserError("the file would be larger than its limit or its file system allows", where=where, cure=cure)
    if told or number in (errno.ENOSPC, errno.EDQUOT):
        return UserError("the disk is full", where=where, cure="Free some space and run the same command again; nothing half-written was kept")
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("gradus"):
        cure = "Run source .venv/bin/activate, which make run sets up, or python -m pip install -r requirements.txt"
        return UserError(f"the package '{error.name}' is not installed in {sys.executable}", cure=cure)
    if str(error) == "Could not determine home directory.":  # how pathlib answers to ~somebody
        return UserError("a path of the configuration begins with ~ and the name of nobody here", cure="Write the folder in full")
    if number in (errno.ENOTDIR, errno.EEXIST):
        return UserError("a file stands where a folder is needed", where=where, cure="Move it away, or set another paths.workspace")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError("no permission", where=where, cure="Check the owner and the rights of that path")
    return None


def run_one(step_name: str, args: argparse.Namespace) -> int:
    """What a numbered script does: bring its step up to date and show what came out."""

    def action(config: Config) -> int:
        from gradus.pipeline import STEPS
        from gradus.step import run_step

        outcome = run_step(STEPS[step_name], config, STEPS, force=args.force, dry_run=args.dry_run)
        show(outcome, args)
        return 0

    return guard(args, action)


def show(outcome: Outcome, args: argparse.Namespace) -> None:
    """Show a step's summary: what it says of itself, where its files are, and the next command."""
    from gradus.pipeline import next_step

    rows = dict(outcome.summary)
    if outcome.status != "would run":
        rows["output"] = near(outcome.target)
        if following := next_step(outcome.step.name):
            rows["next"] = command(args, following)
    head = {"done": f"done in {outcome.seconds:.1f} s", "up to date": "up to date", "would run": f"would run ({outcome.reason})"}
    show_table(outcome.step.name, head[outcome.status], rows)


def near(path: Path) -> str:
    """A path as short as it can be typed here: relative to the current folder when it lies inside."""
    here = Path.cwd()
    return str(path.relative_to(here) if path != here and path.is_relative_to(here) else path)


def show_table(name: str, status: str, rows: Mapping[str, object]) -> None:
    """A heading and one line for each row; a terminal also gets colours, and long values wrapped in their column."""
    width = max(map(len, rows), default=0)
    column = INDENT + width + GAP
    if not redraws(sys.stdout):
        write_line("\n".join([f"{name}  {status}", *(f"{'':{INDENT}}{key:<{width}}{'':{GAP}}{format_value(value)}" for key, value in rows.items())]))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    text = Text.assemble((name, "bold"), "  ", (status, "dim"))
    for key, value in rows.items():
        shown = format_value(value)
        # A path or a command is copied from the screen, so the terminal may wrap it and we do not.
        lines = [shown] if key in ("output", "next") else _wrapped(shown, console.width - column)
        text.append(f"\n{'':{INDENT}}{key:<{width}}{'':{GAP}}", "dim")
        text.append(f"\n{'':{column}}".join(lines), "cyan" if key == "next" else "")
    console.print(text, soft_wrap=True)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) if len(text) > width else [text]


def write_line(text: str) -> None:
    """Write to standard output at once, so that it keeps its place among the messages on standard error."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def format_value(value: object) -> str:
    """Numbers with separators and at most four significant digits behind the point; paths below the current folder from there."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return from_here(str(value))
    return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"
