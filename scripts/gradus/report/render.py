"""Jinja2 with everything escaped: HTML by autoescape, Markdown by a filter on every value. A missing name is an error."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gradus.report import numbers as n
from gradus.report.build import Report
from gradus.report.drawing import bar
from gradus.report.labels import criterion
from gradus.report.tables import target_met

TEMPLATES = Path(__file__).parent / "templates"
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#&])")


def html(report: Report) -> str:
    """The page: one file, no network, and a policy that lets nothing run but its own style and script."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    # Both files are ours and hold no end tag; the text of models and documents only goes through autoescape.
    values = {"report": report, "style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704
    return _environment().get_template("report.html.j2").render(values)


def markdown(report: Report) -> str:
    """The twin for pull requests."""
    environment = _environment()
    environment.finalize = _finalize
    text = environment.get_template("report.md.j2").render(report=report)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        pct=n.percent, share=n.share, dec=n.decimal, signed=n.signed, count=n.count, size=n.size_of_model, label=n.label, criterion=criterion,
        sentence=sentence, oneline=oneline, setting=setting, percentbar=percentbar, fenced=fenced, span=code_span,
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
    """A configuration value as one would write it in YAML."""
    if isinstance(value, float):
        return n.significant(value)
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def percentbar(value: float, css: str) -> Markup:
    """A bar for a percentage."""
    return bar(value / 100, css)


def _finalize(value: Any) -> Any:
    """Every plain string in the Markdown is escaped; only what a filter marked as Markdown passes as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return Markup(_MARKDOWN.sub(r"\\\1", " ".join(value.split(" ")).replace("\n", " ")))  # noqa: S704
    return value


def fenced(text: str) -> Markup:
    """Text of a model or document in a fenced block whose fence is longer than any run of backticks inside."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return Markup(f"{fence}text\n{text}\n{fence}")  # noqa: S704


def code_span(text: str) -> Markup:
    """One line of foreign text as a code span, which neither links nor mentions; safe inside a table."""
    folded = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", folded)), default=0))
    space = " " if folded.startswith("`") or folded.endswith("`") else ""
    return Markup(f"{fence}{space}{folded}{space}{fence}".replace("|", "\\|"))  # noqa: S704
