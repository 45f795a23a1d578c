"""What 07_evaluate.py does besides evaluating the run: it grades answers that came from elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gradus import cli

if TYPE_CHECKING:
    from gradus.config import Config
    from gradus.evaluate.submitted import SubmissionResults
    from gradus.step import Summary


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of 07_evaluate.py beside those of every script."""
    told = "grade the answers in this CSV file instead (docs/SUBMISSIONS.md)"
    parser.add_argument("--submissions", type=Path, metavar="FILE", help=told)


def run(args: argparse.Namespace) -> int:
    """Do what the flags say; returns the exit code."""
    if args.submissions is None:
        return cli.run_one("07_evaluate", args)
    return cli.guard(args, lambda config: _grade(config, args))


def _grade(config: Config, args: argparse.Namespace) -> int:
    from gradus.evaluate.submission_files import write_results
    from gradus.evaluate.submitted import grade_file, submissions_plan
    from gradus.step import workspace_of

    if args.dry_run:
        cli.show_table("submissions", "would run", submissions_plan(config, args.submissions))
        return 0
    results = grade_file(config, args.submissions)
    folder = workspace_of(config) / "reports" / config.run.name
    write_results(results, folder)
    cli.show_table("submissions", "done", _summary(results) | {"output": f"{cli.near(folder / 'submissions.md')}, .csv and .json"})
    return 0


def _summary(results: SubmissionResults) -> Summary:
    from gradus.evaluate.submission_files import told
    from gradus.evaluate.submissions import listed

    summary: Summary = {"graded": results.graded, "average": f"{results.mean_percent:.1f} %", "meaning by": results.embedding or "words alone"}
    if results.agreement:
        summary["with the expected scores"] = told(results.agreement)
    if results.judge:
        summary["judge"] = results.judge + (f": {told(results.judge_agreement)}" if results.judge_agreement else "")
    if results.judge_unusable:
        summary["unusable verdicts"] = "; ".join(f"{reason} ({count})" for reason, count in results.judge_unusable.items())
    if results.bad_rows:
        summary["not graded"] = listed(results.bad_rows)
    if results.ignored_columns:
        summary["columns not used"] = ", ".join(results.ignored_columns)
    return summary
