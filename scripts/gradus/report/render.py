"""Jinja2 with everything escaped: HTML by autoescape, Markdown by a filter on every value. A missing name is an error."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gradus import fences
from gradus.escaping import escaped
from gradus.report import numbers as n
from gradus.report.build import Report
from gradus.report.drawing import bar
from gradus.report.labels import criterion
from gradus.report.overview import Overview
from gradus.report.record import Figure
from gradus.report.tables import target_met

TEMPLATES = Path(__file__).parent / "templates"
MARKDOWN_SAMPLES, MARKDOWN_CHARACTERS, MARKDOWN_LOST = 3, 600, 8
"""The twin is read in a pull request: so many answers, so much of each, and so many lost questions are on show there; the page has all."""


def html(report: Report) -> str:
    """The page of one run."""
    return _page("report.html.j2", "page.js", {"report": report})


def index(overview: Overview) -> str:
    """The page of all runs."""
    return _page("index.html.j2", "index.js", {"overview": overview})


def _page(template: str, script_name: str, values: dict[str, Any]) -> str:
    """One file, no network, and a policy that lets nothing run but its own style and script."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    script = (TEMPLATES / script_name).read_text(encoding="utf-8")
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    # Both files are ours and hold no end tag; the text of models and documents only goes through autoescape.
    shared = {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704
    return _environment().get_template(template).render({**values, **shared})


def markdown(report: Report) -> str:
    """The twin for pull requests."""
    environment = _environment()
    environment.finalize = _finalize
    environment.globals.update(shown=MARKDOWN_SAMPLES, lost=MARKDOWN_LOST)
    text = environment.get_template("report.md.j2").render(report=report)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        pct=n.percent, share=n.share, dec=n.decimal, signed=n.signed, count=n.count, size=n.size_of_model, label=n.label, criterion=criterion,
        sentence=sentence, oneline=oneline, setting=setting, percentbar=percentbar, fenced=fenced, beginning=beginning, span=code_span,
        cell=code_cell, figure=figure, day=day, interval=n.interval, letter=n.letter,
    )  # fmt: skip
    environment.globals.update(thin=n.THIN, minus=n.MINUS, met=target_met)
    return environment


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def sentence(text: str) -> str:
    """With a capital first letter and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def oneline(text: str, most: int) -> str:
    """White space folded, cut at `most` characters."""
    folded = " ".join(text.split())
    return folded if len(folded) <= most else folded[: most - 1].rstrip() + "…"


def setting(value: Any) -> str:
    """A configuration value as one would write it in YAML; None is what a run did not record."""
    if value is None:
        return n.ABSENT
    if isinstance(value, float):
        return n.significant(value)
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def figure(figure: Figure | None) -> str:
    """A number of a run with its unit; None: this run does not have it."""
    if figure is None or figure.value is None:
        return n.ABSENT
    return n.decimal(figure.value, figure.digits) + (f"{n.THIN}%" if figure.unit == "%" else "")


def day(time: datetime) -> str:
    """A time as `2026-11-21 08:12`, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"


def percentbar(value: float, css: str) -> Markup:
    """A bar for a percentage."""
    return bar(value / 100, css)


def _finalize(value: Any) -> Any:
    """Every plain string in the Markdown is escaped; only what a filter marked as Markdown passes as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return Markup(escaped(value))  # noqa: S704
    return value


def beginning(text: str) -> str:
    """As much of a text as the Markdown twin shows, and how much it leaves out."""
    left = len(text) - MARKDOWN_CHARACTERS
    return text if left <= 0 else f"{text[:MARKDOWN_CHARACTERS]}… ({left} characters more)"


def fenced(text: str) -> Markup:
    """Text of a model or document in a fenced block whose fence is longer than any run of backticks inside."""
    return Markup(fences.fenced(text, "text"))  # noqa: S704


def code_span(text: str) -> Markup:
    """One line of foreign text as a code span, which neither links nor mentions."""
    folded = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", folded)), default=0))
    space = " " if folded.startswith("`") or folded.endswith("`") else ""
    return Markup(f"{fence}{space}{folded}{space}{fence}")  # noqa: S704


def code_cell(text: str) -> Markup:
    """A code span inside a table, where a bar would end the cell; elsewhere the backslash before it would show."""
    return code_span(text).replace("|", "\\|")
