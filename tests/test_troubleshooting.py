"""docs/TROUBLESHOOTING.md quotes what the code really says, and has the sections that the project points to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gradus import cli
from gradus.config import Config
from gradus.config.load import PROJECT
from gradus.errors import GradusError
from gradus.troubleshooting import PLAIN, anchor, quotes, section_of

from .source import LIBRARY, nodes

PAGE = PROJECT / "docs" / "TROUBLESHOOTING.md"
TEXT = PAGE.read_text(encoding="utf-8")
QUOTED = [line for block in re.findall(r"```message\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
SECTIONS = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
PERCENT = re.compile(r"%(?:[-+#0]*\d*(?:\.\d+)?[sdrgfe]|%)")
BARE = {"config/training_config.yaml": "Watching a run", "requirements.txt": "An NVIDIA GPU is not used"}
"""Pointers to the page that name no section, and the one that they mean."""
SYMPTOMS = [
    "Out of memory", "Metal time-out", "Loss not falling", "Loss is NaN, or training diverges", "Overfitting", "The model never stops",
    "Answers in the wrong format", "Grade withheld", "Duplicates and leakage", "Tokenizer and chat template mismatch", "Hub unreachable",
    "GGUF errors", "The teacher does not answer", "The teacher's answers are all rejected", "Files were not read", "The gate refuses a model",
    "Chat and server",
]  # fmt: skip


def one_ellipsis(text: str) -> str:
    return re.sub("…+", "…", text)


def filled(node: ast.Constant | ast.JoinedStr) -> Iterator[str]:
    """The text of a string with `…` for what is filled in; of a plain one also with its logging placeholders filled."""
    if isinstance(node, ast.JoinedStr):
        yield one_ellipsis("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
    elif isinstance(node.value, str):
        yield node.value
        yield one_ellipsis(PERCENT.sub(lambda found: "%" if found[0] == "%%" else "…", node.value))


@cache
def messages() -> str:
    """Every string of the library, one a line, and the Makefile's."""
    lines: list[str] = []
    for path in LIBRARY:
        for node in nodes(path):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                lines += filled(node)
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    return "\n".join(lines) + one_ellipsis(re.sub(r"\$\$\([^()]*(?:\([^()]*\)[^()]*)*\)|\$\(\w+\)", "…", makefile))


def pointers() -> list[tuple[str, str]]:
    """Every mention of the page in what ships, with the anchor behind it."""
    files = [PROJECT / "Makefile", PROJECT / "requirements.txt", *(PROJECT / "config").rglob("*.yaml"), *(PROJECT / "scripts").rglob("*.py")]
    return [
        (path.relative_to(PROJECT).as_posix(), found[1] or "")
        for path in files
        if path.name != "troubleshooting.py"
        for found in re.finditer(r"TROUBLESHOOTING\.md(?:#([\w-]+))?", path.read_text(encoding="utf-8"))
    ]


def test_the_page_has_what_people_look_for() -> None:
    assert set(SYMPTOMS) <= SECTIONS.keys()
    assert len(QUOTED) >= 100


@pytest.mark.parametrize("heading", SECTIONS)
def test_section_says_cause_cure_and_check(heading: str) -> None:
    assert [part for part in ("**Cause.**", "**Cure.**", "**Check.**", "```message\n") if part not in SECTIONS[heading]] == []
    assert "`" in SECTIONS[heading].partition("**Check.**")[2]


@pytest.mark.parametrize("message", sorted(set(QUOTED)))
def test_quoted_message_is_what_the_code_says(message: str) -> None:
    assert len(message.replace("…", "").strip()) >= 6, "too little to recognise it by"
    assert one_ellipsis(message) in messages()


CRITICAL = {
    "training does not fit into memory: 9 GB": "out-of-memory",
    "training diverged: loss nan at iteration 3": "loss-is-nan-or-training-diverges",
    "3 held-out examples repeat what was seen in training: a": "duplicates-and-leakage",
    "the tokenizer has no chat template": "tokenizer-and-chat-template-mismatch",
    "the hub did not answer within 5 s": "hub-unreachable",
    "the model with its adapter cannot be loaded (x)": "a-file-of-a-model-is-damaged",
    "the training process died while it loaded the model (-9)": "out-of-memory",
    "models of type gemma are not written as GGUF, only llama": "gguf-errors",
    "the loss did not fall between the rates 1e-6 and 0.1": "loss-not-falling",
    "no connection (refused)": "the-teacher-does-not-answer",
}


@pytest.mark.parametrize("message", CRITICAL)
def test_error_points_to_its_section(message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def action(_config: Config) -> int:
        raise GradusError(message, where="here", cure="Mend it")

    args = cli.parser("t").parse_args(["--set", f"paths.workspace={tmp_path}"])
    assert cli.guard(args, action) == 1
    error, pointer = capsys.readouterr().err.splitlines()
    assert (error, pointer) == (f"ERROR here: {message}. Mend it.", f"INFO More about it: docs/TROUBLESHOOTING.md#{CRITICAL[message]}")


def test_every_quoted_message_is_led_to_a_section_that_quotes_it() -> None:
    told = quotes(TEXT)
    assert len(told) >= 50
    for quote, _ in told:
        where = {f"docs/TROUBLESHOOTING.md#{anchor(heading)}" for other, heading in told if other == quote}
        assert section_of(quote.replace("…", "x")) in where, quote
    assert section_of("something that nobody quotes") == ""
    assert set(PLAIN) <= set(re.findall(r"^## (.+)$", TEXT, re.MULTILINE))


def test_whatever_points_here_finds_its_section() -> None:
    found = pointers()
    assert {name for name, where in found if not where} == BARE.keys()
    assert set(BARE.values()) <= SECTIONS.keys()
    anchors = {anchor(heading) for heading in SECTIONS}
    pages = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")]
    found += [(page.name, where) for page in pages for where in re.findall(r"TROUBLESHOOTING\.md#([\w-]+)", page.read_text(encoding="utf-8"))]
    assert [(name, where) for name, where in found if where and where not in anchors] == []


@pytest.mark.parametrize(("source", "quote"), [
    ('f"the loss is {value} now"', "the loss is … now"),
    ('"%d of %d requests to %s failed, %.3g %%"', "… of … requests to … failed, … %"),
])  # fmt: skip
def test_placeholders_become_an_ellipsis(source: str, quote: str) -> None:
    node = ast.parse(source, mode="eval").body
    assert isinstance(node, ast.Constant | ast.JoinedStr)
    assert quote in set(filled(node))
    assert "the loss was … now" not in set(filled(node))
