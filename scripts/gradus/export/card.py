"""The model card: front matter that the Hugging Face hub reads, and the measured numbers in words and tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from gradus import __version__
from gradus.errors import GradusError
from gradus.export.facts import Facts
from gradus.export.gguf_export import GgufFile
from gradus.fences import fenced
from gradus.files import size_label
from gradus.interval import Interval

TEMPLATE = "card.md"


def model_card(facts: Facts, files: Sequence[GgufFile] = ()) -> str:
    """The text of the card's `README.md`; `files` are the GGUF files that go with the folder.

    Raises:
        GradusError: when a file of an earlier step lacks a figure that the card states.
    """
    # The card is Markdown, which the hub renders and cleans; escaping for HTML would spoil code and quotes.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True  # noqa: S701
    )  # fmt: skip
    environment.filters |= {"cell": cell, "fenced": fenced, "size": size_label}
    environment.filters |= {"percent": percent, "number": number, "decimal": decimal, "spread": spread}
    try:
        body = environment.get_template(TEMPLATE).render({**vars(facts), "files": files, "version": __version__})
    except UndefinedError as error:
        cure = "Run the earlier steps again: python scripts/run_all.py --force"
        raise GradusError(f"a figure for the model card is missing ({error.message})", where="12_export", cure=cure) from error
    front = yaml.safe_dump(front_matter(facts), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{body.strip()}\n"


def front_matter(facts: Facts) -> dict[str, Any]:
    """Metadata in the form of the hub. A licence nobody stated is `unknown`; a language is not claimed."""
    licence = facts.licence.lower() or "unknown"
    front: dict[str, Any] = {"library_name": "mlx", "pipeline_tag": "text-generation"}
    front |= {"license": licence} if re.fullmatch(r"[a-z0-9.+_-]+", licence) else {"license": "other", "license_name": facts.licence}
    if facts.base.kind == "hub":
        front |= {"base_model": facts.base.name, "base_model_relation": "finetune"}
    tags = ["mlx", "gradus", facts.training["method"], *(["demonstration"] if facts.base.kind == "builtin" else [])]
    return {**front, "tags": tags}


def cell(text: object) -> str:
    """A text that cannot break a table row."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|")


def percent(value: float, digits: int = 1) -> str:
    """A percentage that runs from 0 to 100."""
    return f"{value:.{digits}f} %"


def number(value: float, digits: int = 3) -> str:
    """A number with that many significant digits, and separators for thousands."""
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,.{digits}g}"


def decimal(value: float, digits: int) -> str:
    """A number with that many decimals: for figures that stand side by side."""
    return f"{float(value):,.{digits}f}"


def spread(interval: Interval, form: str = "%.1f %%") -> str:
    """An interval with its ends in that form, or that there is none to tell."""
    return f"95 % interval {form % interval.low} to {form % interval.high}" if interval.told else "no interval can be told: all questions the same"
