"""Several steps in a row, a line for each as it ends, and at the end a table of how it went and what came of it."""

from __future__ import annotations

import difflib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gradus.cli import format_value, near, show_table, write_line
from gradus.errors import UserError
from gradus.step import UNKNOWN, Outcome, Step, run_step, target_of

if TYPE_CHECKING:
    from gradus.config import Config


@dataclass(frozen=True)
class Row:
    """One line of the table; `seconds` is the time a step took, now or when it last ran, None when it did not finish."""

    step: str
    status: str
    seconds: float | None
    output: str = ""


def chosen_steps(steps: dict[str, Step], first: str, last: str) -> list[Step]:
    """The steps from `first` to `last`, both included. Raises UserError for an unknown name or the wrong order."""
    names = list(steps)
    for flag, name in (("--from", first), ("--to", last)):
        if name not in steps:
            alike = difflib.get_close_matches(name, names, 1, 0.4)
            cure = f"Did you mean '{alike[0]}'?" if alike else f"Steps are {', '.join(names)}"
            raise UserError(f"unknown step '{name}'", where=flag, cure=cure)
    start, end = names.index(first), names.index(last)
    if start > end:
        raise UserError(f"{first} comes after {last}", where="--from, --to", cure="Exchange them")
    return [steps[name] for name in names[start : end + 1]]


def run_all(
    config: Config, steps: dict[str, Step], first: str, last: str, *, force: bool = False, dry_run: bool = False, following: str = ""
) -> None:  # fmt: skip
    """Run the steps from `first` to `last`; the table is shown also when one fails or the user interrupts.

    Args:
        following: the command to name at the end.

    Raises:
        UserError, GradusError: what a step raised; the later steps are not run.
    """
    chosen = chosen_steps(steps, first, last)
    begun = time.perf_counter()
    rows: list[Row] = []
    try:
        for step in chosen:
            rows.append(Row(step.name, "failed", None))
            outcome = run_step(step, config, steps, force=force, dry_run=dry_run)
            rows[-1] = Row(step.name, _status(outcome, rows[:-1]), outcome.seconds, near(outcome.target))
            write_line("\n".join([f"[{len(rows):>2}/{len(chosen)}] {_line(outcome, rows[-1])}", *_plan(outcome, rows[:-1])]))
    except KeyboardInterrupt:
        rows[-1] = Row(rows[-1].step, "interrupted", None)
        raise
    finally:
        rows += [Row(step.name, "not run", None) for step in chosen[len(rows) :]]
        if not dry_run:
            write_line(_table(rows, time.perf_counter() - begun))
    if not dry_run:
        results = _results({step.name: target_of(step, config) for step in chosen})
        write_line("")
        show_table(config.run.name, f"{chosen[0].name} to {chosen[-1].name}", results | ({"next": following} if following else {}))


def _status(outcome: Outcome, earlier: list[Row]) -> str:
    """In a dry run a step whose inputs an earlier one may write anew may run too; its own check cannot know that."""
    sources = _unsettled(outcome, earlier)
    if outcome.status == "up to date" and sources:
        named = " or ".join(sources) if len(sources) < 3 else f"{sources[0]} or one of {len(sources) - 1} more steps"
        return f"would run if {named} changes its output"
    return outcome.status


def _unsettled(outcome: Outcome, earlier: list[Row]) -> list[str]:
    """The earlier steps that may write this one's inputs anew."""
    return sorted({name.partition("/")[0] for name in outcome.step.reads} & {row.step for row in earlier if row.status.startswith("would run")})


def _plan(outcome: Outcome, earlier: list[Row]) -> list[str]:
    """What a dry run tells of a step that would run, say what its teacher would take."""
    if outcome.status != "would run" or not outcome.summary:
        return []
    told = [f"{key}: {format_value(value)}" for key, value in outcome.summary.items()]
    changing = _unsettled(outcome, earlier) if UNKNOWN not in outcome.summary else []
    return [f"{'':8}{line}" for line in told + ([f"reckoned from what {' and '.join(changing)} wrote before"] if changing else [])]


def _line(outcome: Outcome, row: Row) -> str:
    if row.status == "done":
        return f"{row.step}: done in {outcome.seconds:.1f} s"
    return f"{row.step}: {row.status}" + (f" ({outcome.reason})" if outcome.status == "would run" else "")


def _table(rows: list[Row], total: float) -> str:
    width = max(len(row.step) for row in rows)
    lines = ["", f"{'step':<{width}}  {'seconds':>8}  {'status':<10}  output"]
    for row in rows:
        # What is up to date took its time in an earlier run; the brackets keep it out of the sum.
        seconds = "" if row.seconds is None else f"{row.seconds:.1f}"
        seconds = f"({seconds})" if row.status == "up to date" else f"{seconds} "
        lines.append(f"{row.step:<{width}}  {seconds:>9} {row.status:<10}  {row.output}".rstrip())
    lines.append(f"{'total':<{width}}  {total:>8.1f}")
    return "\n".join(lines)


def _results(targets: dict[str, Path]) -> dict[str, str]:
    """What the chosen steps came to, from their folders: base model, grade, report, export."""
    found: dict[str, str] = {}
    if "05_prepare" in targets:
        found["base"] = _base(targets["05_prepare"] / "base.json")
    if "07_evaluate" in targets:
        found["grade"] = _grade(targets["07_evaluate"] / "evaluation.json")
    if "08_report" in targets:
        found["report"] = near(targets["08_report"] / "report.html")
    if "12_export" in targets:
        found["export"] = near(targets["12_export"])
    return found


def _base(path: Path) -> str:
    from gradus.files import read_json
    from gradus.records import Base

    base = Base(**read_json(path))
    return f"{base.name} ({base.kind}, {base.parameters / 1e6:,.1f} M parameters): {base.reason}"


def _grade(path: Path) -> str:
    from gradus.results import Evaluation

    evaluation = Evaluation.from_json(path)
    grade = evaluation.grade
    if grade.letter is None or grade.percent is None:
        return f"withheld: {grade.withheld}"
    return f"{grade.letter} ({grade.percent:.1f} %), base {evaluation.base.percent:.1f} %, on {evaluation.questions} held-out questions"
