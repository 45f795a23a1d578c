"""The small dataclasses that flow between steps, on disk as JSON Lines."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Document:
    """One collected text with its provenance.

    `id` is the first 16 hex digits of `sha256`, the hash of the normalised text. `format` says how `text` is to be
    read: `markdown`, `text`, `api` (a docstring; `title` is the dotted name, `signature` may be set) or `rows`
    (each line of `text` is one JSON object of an instruction or chat dataset).
    """

    id: str
    title: str
    text: str
    format: Literal["markdown", "text", "api", "rows"]
    source: str
    """Path or dotted name the text came from."""
    group: str
    """Documents of one group never fall on both sides of a split (say one module, one file)."""
    sha256: str
    bytes: int
    reader: str
    """Name and version of what read it, say `python-docs/numpy 2.4.6`."""
    collected_at: str
    signature: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Example:
    """One question with its answer, and where the answer came from.

    `span` is the half-open range of characters of the source document's text that supports the answer.
    `context` holds the turns before the question (system prompt, earlier turns); it is empty for most examples.
    `origin_id` is `id` for an original; a variant carries its origin's id.
    """

    id: str
    question: str
    answer: str
    document_id: str
    group: str
    span: tuple[int, int]
    origin_id: str
    kind: str
    """What sort of question this is, say `definition`, `parameters`, `example`, `faq`, `chat`."""
    context: tuple[Message, ...] = ()
    quality: float | None = None
    """Quality score in [0, 1], set by 03_curate."""
    meta: dict[str, Any] = field(default_factory=dict)

    def messages(self) -> list[dict[str, str]]:
        """The whole conversation as role/content dictionaries, the form of chat templates and of mlx-lm data."""
        turns = (*self.context, Message("user", self.question), Message("assistant", self.answer))
        return [asdict(turn) for turn in turns]


@dataclass(frozen=True)
class Base:
    """The base model of a run, as 05_prepare recorded it in `base.json`.

    `kind` is `builtin`, `hub` or `folder`; `name` is what to show; `path` the folder with the weights, relative to
    the workspace where it lies inside (`workspace / path` is right for both); `revision` the commit of a hub model or the
    weights' hash; `reason` says how it came to be chosen.
    """

    kind: str
    name: str
    path: str
    revision: str
    reason: str
    parameters: int
    licence: str = ""


def document_from_dict(row: dict[str, Any]) -> Document:
    """Build a `Document` from one JSON row. Raises TypeError on missing or unknown fields."""
    return Document(**row)


def example_from_dict(row: dict[str, Any]) -> Example:
    """Build an `Example` from one JSON row. Raises TypeError on missing or unknown fields."""
    row = dict(row)
    row["span"] = tuple(row["span"])
    row["context"] = tuple(Message(**turn) for turn in row.get("context", ()))
    return Example(**row)
