"""What the registry remembers: versions with their grade, and a history of what was decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from gradus.errors import GradusError
from gradus.files import read_json, sha256_file
from gradus.records import Base
from gradus.results import Evaluation
from gradus.strict import Strict, problem_of

WEIGHTS = "adapters.safetensors"
FORMAT: Final = 1
"""Of `registry.json`."""
State = Literal["candidate", "current", "archived"]
Action = Literal["registered", "graded", "refused", "promoted", "rolled back"]


@dataclass(frozen=True)
class Graded(Strict):
    """The grade of a version and of its base on the same questions, in per cent; None where the grade is withheld."""

    letter: str | None
    percent: float | None
    base_percent: float
    questions: int
    withheld: str | None
    evaluation_sha256: str
    """Hash of the `evaluation.json` that these figures come from."""

    @staticmethod
    def of(evaluation: Evaluation, sha256: str) -> Graded:
        """The figures of one evaluation that the gate needs."""
        grade = evaluation.grade
        return Graded(grade.letter, grade.percent, evaluation.base.percent, evaluation.questions, grade.withheld, sha256)

    @property
    def label(self) -> str:
        """Letter and percentage as they are shown."""
        return "withheld" if self.percent is None else f"{self.letter} {self.percent:.1f} %"


@dataclass(frozen=True)
class Identity:
    """What tells two versions apart: equal weights on another base are another model."""

    weights: str
    """SHA-256 of the adapter's weights."""
    base: str
    revision: str

    @staticmethod
    def of(weights: Path, base: Mapping[str, Any]) -> Identity:
        """That of an adapter of this base, as `base.json` tells it."""
        return Identity(sha256_file(weights), base["name"], base["revision"])


def identity_in(folder: Path) -> Identity | None:
    """That of the adapter which 06_train_mlx left in a folder; None when there is none."""
    weights, metadata = folder / WEIGHTS, folder / "run_metadata.json"
    return Identity.of(weights, read_json(metadata)["base"]) if weights.is_file() and metadata.is_file() else None


@dataclass(frozen=True)
class Candidate:
    """An adapter to be registered: where its files are, and where it comes from."""

    run: str
    method: str
    base: Base
    data: dict[str, str]
    """SHA-256 of each file it was trained with."""
    graded: Graded
    files: tuple[Path, ...]
    """Files to be copied, `adapters.safetensors` among them."""
    evaluation: tuple[Path, ...]
    """Files of the evaluation behind `graded`, to be kept too: `evaluation.json` and `answers.jsonl`."""

    @property
    def identity(self) -> Identity:
        """Its weights, hashed anew each time, and its base."""
        return Identity.of(next(path for path in self.files if path.name == WEIGHTS), asdict(self.base))


@dataclass(frozen=True)
class Version(Strict):
    """One registered adapter; its files lie in `versions/<id>/`. `base.path` is relative to the workspace where it lies inside."""

    id: Annotated[str, Field(pattern=r"^v[1-9][0-9]*$")]
    run: str
    state: State
    created: str
    method: str
    base: Base
    data: dict[str, str]
    graded: Graded
    files: dict[str, str]
    """Path below the version's folder to SHA-256; those of every evaluation below `evaluations/`."""

    @property
    def weights(self) -> str:
        """SHA-256 of the adapter's weights."""
        return self.files[WEIGHTS]

    @property
    def identity(self) -> Identity:
        """Its weights and its base."""
        return Identity(self.weights, self.base.name, self.base.revision)


@dataclass(frozen=True)
class Event(Strict):
    """One line of the history; `previous` is the version that was current before."""

    time: str
    action: Action
    version: str
    previous: str | None
    forced: bool
    reason: str

    @property
    def switches(self) -> bool:
        """Whether another version is current since."""
        return self.action in ("promoted", "rolled back")


@dataclass(frozen=True)
class Book(Strict):
    """The whole of `registry.json`."""

    format: Literal[1]
    versions: tuple[Version, ...]
    history: tuple[Event, ...]

    def find(self, version_id: str) -> Version | None:
        """The version of that name."""
        return next((version for version in self.versions if version.id == version_id), None)

    def known(self, identity: Identity | None) -> Version | None:
        """The version of that identity."""
        return next((version for version in self.versions if version.identity == identity), None)

    @property
    def current(self) -> Version | None:
        """The version that is in use."""
        return next((version for version in self.versions if version.state == "current"), None)

    def line_of_succession(self) -> list[str]:
        """The versions that were current, oldest first, without those that were rolled back; the last is current."""
        line: list[str] = []
        for event in self.history:
            if event.action == "promoted":
                line.append(event.version)
            elif event.action == "rolled back" and line:
                line.pop()
        return line

    def last_switch(self, version_id: str) -> Event | None:
        """When a version last came into use or went out of it; None when it never was current."""
        return next((event for event in reversed(self.history) if event.switches and version_id in (event.version, event.previous)), None)

    def to_json(self) -> dict[str, Any]:
        """As plain dictionaries, lists and strings."""
        return asdict(self)


_BOOK: TypeAdapter[Book] = TypeAdapter(Book)


def read_book(path: Path) -> Book:
    """Read `registry.json`; an empty book when there is none yet. Raises GradusError when it is damaged or of another format."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):  # asking whether it exists would, from Python 3.14 on, hide one that may not be read
        return Book(FORMAT, (), ())
    try:
        book = _BOOK.validate_json(content)
    except ValidationError as error:
        if (other := _format_of(content)) not in (None, FORMAT):
            cure = "Take the version of Gradus that wrote it; leave the file as it is"
            raise GradusError(f"the registry has format {other}, this Gradus reads format {FORMAT}", where=str(path), cure=cure) from error
        raise _damaged(path, problem_of(error)) from error
    line, current = book.line_of_succession(), [version.id for version in book.versions if version.state == "current"]
    if current != line[-1:]:
        raise _damaged(path, f"current is {current or 'none'}, but the history ends with {line[-1:] or 'none'}")
    return book


def _format_of(content: bytes) -> int | None:
    """The format that a file says it has; None when it says none."""
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found["format"] if isinstance(found, dict) and isinstance(found.get("format"), int) else None


def _damaged(path: Path, why: str) -> GradusError:
    cure = "Put a backup of that file back, or move the folder away and run 09_promote again with --force"
    return GradusError(f"the registry is damaged ({why})", where=str(path), cure=cure)
