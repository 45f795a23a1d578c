"""The files of `--submissions`: everything as JSON, a row an answer as CSV, and a short Markdown table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from gradus.agreement import Agreement
from gradus.escaping import escaped
from gradus.evaluate.submitted import Graded, SubmissionResults
from gradus.files import write_json, write_text

HEAD = ("id", "line", "score", "maximum", "percent", "expected", "judge", "feedback")


def write_results(results: SubmissionResults, folder: Path) -> None:
    """Write `submissions.json`, `submissions.csv` and `submissions.md` into a folder."""
    write_json(folder / "submissions.json", asdict(results))
    write_text(folder / "submissions.csv", as_csv(results.answers))
    write_text(folder / "submissions.md", as_markdown(results))


def as_csv(answers: Iterable[Graded]) -> str:
    """One line an answer. A cell that a spreadsheet would run as a formula gets an apostrophe in front."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEAD)
    for one in answers:
        expected, judge = _number(one.expected), "" if one.judge is None else str(one.judge)
        percent = f"{100 * one.score / one.maximum:.1f}"
        writer.writerow([_safe(one.id), one.line, f"{one.score:.2f}", f"{one.maximum:g}", percent, expected, judge, _safe(" ".join(one.feedback))])
    return stream.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def as_markdown(results: SubmissionResults) -> str:
    """What came out in a few lines, and a table of the answers."""
    lines = [f"# Submissions from {_cell(results.file)}", "", f"{results.graded} answers graded, on average {results.mean_percent:.1f} %."]
    lines += [f"Meaning by {results.embedding}." if results.embedding else "Graded by words alone, without a sentence encoder."]
    if results.agreement:
        lines += ["", f"With the expected scores: {told(results.agreement)}."]
    if results.judge:
        lines += [
            "",
            f"Judge {_cell(results.judge)}: {told(results.judge_agreement) if results.judge_agreement else 'no expected score to compare with'}.",
        ]
    if results.bad_rows:
        lines += ["", "Not graded:", "", *(f"- line {row.line}: {_cell(row.problem)}" for row in results.bad_rows)]
    judged = results.judge is not None
    head = ["id", "score", "expected", *(["judge"] if judged else []), "feedback"]
    lines += ["", _row(head), _row(["---"] * len(head))]
    for one in results.answers:
        verdict = [_number(one.judge)] if judged else []
        lines.append(_row([_cell(one.id), f"{one.score:.1f} of {one.maximum:g}", _number(one.expected), *verdict, _cell(" ".join(one.feedback))]))
    return "\n".join(lines) + "\n"


def told(found: Agreement) -> str:
    """An agreement in one line."""
    figures = [f"accuracy {found.accuracy:.0%}", f"mean absolute error {found.mae:.2f} of {found.scale:g} points"]
    figures += [f"QWK {found.qwk:.2f}"] if found.qwk is not None else []
    figures += [f"Pearson {found.pearson:.2f}"] if found.pearson is not None else []
    return f"{', '.join(figures)} ({found.answers} answers)"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return escaped(" ".join(text.split()))
