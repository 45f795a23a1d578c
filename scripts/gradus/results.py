"""What an evaluation found: `evaluation.json` and the rows of `answers.jsonl`, written by 07 and read by later steps.

Percentages (`percent`, `difference`, `Interval` beside them) run from 0 to 100; single scores, shares and criteria from
0 to 1. None says that a number was not computed or does not apply; it never stands for 0. All intervals are 95 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from gradus.errors import UserError
from gradus.interval import Interval as Interval
from gradus.judgement import Judged, PairVerdict
from gradus.records import Base
from gradus.strict import Strict, problem_of

T = TypeVar("T")


@dataclass(frozen=True)
class Part(Strict):
    """One criterion of a score, over all answers it counts for."""

    name: str
    """Key of the criterion in the rubric, say `bold`."""
    value: float | None
    """Mean over the counted answers, in [0, 1]; None when it counts for none of them."""
    target: float | None
    """What the rubric asks for; None when it sets no target."""
    weight: float
    counted: int
    """Number of answers whose question calls for this criterion."""
    factor: bool = False
    """True when it multiplies the weighted mean of the other criteria (a penalty) instead of being part of it."""
    interval: Interval | None = None
    """Of `value`; None when it counts for no answer."""

    @property
    def reached(self) -> bool | None:
        """Whether the target is met; None when there is no target or no value."""
        return None if self.value is None or self.target is None else self.value >= self.target


@dataclass(frozen=True)
class Score(Strict):
    """Formatting or content of all answers of a model; `value` in [0, 1], against the rubric's `target`."""

    value: float
    target: float | None
    interval: Interval
    weight: float
    """Share in the percentage."""
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class ReferenceLikelihood(Strict):
    """How likely a model finds the reference answers (teacher forcing)."""

    loss: float
    """Mean negative log-likelihood per token, in nats."""
    perplexity: float
    """exp of `loss`; comparable between models of one tokenizer only."""
    bits_per_byte: float
    tokens: int
    interval: Interval | None = None
    """Of `bits_per_byte`; None from a single document."""


@dataclass(frozen=True)
class ModelScores(Strict):
    """What one model scored on the questions."""

    percent: float
    interval: Interval
    letter: str | None
    """None when the grade is withheld."""
    letters: tuple[str, str] | None
    """Letters at the lower and the upper end of the interval; None when the grade is withheld."""
    formatting: Score
    content: Score
    likelihood: ReferenceLikelihood
    finished: float
    """Share of answers the model ended by itself."""
    empty: int
    """Number of answers without a single letter or digit; they score 0."""
    mean_tokens: float
    tokens_per_second: float
    """Generated tokens over the seconds that generation took, batches together."""
    seconds: float
    """Time to generate all answers; of a resumed run the sum over its starts."""


@dataclass(frozen=True)
class Grade(Strict):
    """The grade of the tuned model. Withheld, only `withheld` (the reason) and `separable` are set."""

    letter: str | None
    percent: float | None
    interval: Interval | None
    letters: tuple[str, str] | None
    withheld: str | None
    separable: bool
    """Whether the interval of the difference to the base leaves out 0 and the permutation test agrees."""

    @property
    def label(self) -> str:
        """The letter with all that belongs to it, say `C (D to B), not separable from the base`; `withheld` without one."""
        if self.letter is None or self.letters is None:
            return "withheld"
        spread = "" if self.letters[0] == self.letters[1] else f" ({self.letters[0]} to {self.letters[1]})"
        return f"{self.letter}{spread}{'' if self.separable else ', not separable from the base'}"


@dataclass(frozen=True)
class Comparison(Strict):
    """Tuned against another model on the same questions, paired. Differences are tuned minus the other, in percentage points."""

    wins: int
    ties: int
    losses: int
    difference: float
    interval: Interval
    p_value: float
    """Two-sided, paired permutation test (random sign flips)."""
    questions_needed: int | None
    """About how many questions like these show a difference of this size (5 % error, 80 % power); None when it is 0."""


@dataclass(frozen=True)
class Control(Strict):
    """An answer whose rank is known beforehand, graded by the same grader."""

    name: str
    """`reference`, `shuffled`, `repetition`, `echo` or `empty`."""
    description: str
    percent: float
    formatting: float
    content: float
    expected: str
    """What must hold, in words with the limit, say `at least 90 %`."""
    passed: bool


@dataclass(frozen=True)
class Slice(Strict):
    """The questions of one kind, group, document or length; percentages of both models."""

    name: str
    questions: int
    base: float
    tuned: float
    interval: Interval | None = None
    """Of the difference; None when the questions are about a single document."""

    @property
    def difference(self) -> float:
        """Tuned minus base in percentage points."""
        return self.tuned - self.base


@dataclass(frozen=True)
class Regression(Strict):
    """A question that the base answered better, by at least the rubric's `tie_points`."""

    id: str
    question: str
    document_id: str
    base: float
    tuned: float
    difference: float
    """Tuned minus base in percentage points, below 0."""


@dataclass(frozen=True)
class CurrentModel(Strict):
    """The model that the tuned one would replace, on the same questions: the registry's current one, with other weights."""

    version: str
    """Its name in the registry."""
    scores: ModelScores
    comparison: Comparison
    """Tuned against this model."""


@dataclass(frozen=True)
class ScaleStep(Strict):
    """One letter and the lowest percentage that earns it."""

    letter: str
    percent: float


@dataclass(frozen=True)
class RubricInfo(Strict):
    """Which rubric graded: its file, hash, overall target (0-100; None when it sets none) and letters, best first."""

    path: str
    sha256: str
    target: float | None
    scale: tuple[ScaleStep, ...]


@dataclass(frozen=True)
class Evaluation(Strict):
    """The whole of `evaluation.json`."""

    run: str
    grade: Grade
    base: ModelScores
    tuned: ModelScores
    comparison: Comparison
    controls: tuple[Control, ...]
    """In the order expected, best first; those whose order is not known beforehand (all but reference and empty) by what they reached."""
    kinds: tuple[Slice, ...]
    groups: tuple[Slice, ...]
    base_model: Base
    """Which base was used, and why."""
    questions: int
    available: int
    """Held-out questions there are; `questions` of them were chosen."""
    max_tokens: int
    """Limit of an answer."""
    seed: int
    rubric: RubricInfo
    notes: tuple[str, ...]
    """What a reader must know to read the numbers right, say that there were few questions."""
    embedding: str | None = None
    """The sentence encoder behind the content score of both models; None: words alone were compared."""
    documents: tuple[Slice, ...] = ()
    """By source document, named by its id."""
    lengths: tuple[Slice, ...] = ()
    """By the reference's length: `short`, `medium`, `long`, as `evaluate.length_words` divides them."""
    regressions: tuple[Regression, ...] = ()
    """Largest loss first."""
    current: CurrentModel | None = None
    """None when there is no such model, or `evaluate.current` is off."""
    judge: Judged | None = None
    """None when `evaluate.judge.kind` is off."""
    encoder_sha256: str | None = None
    """Of the weights behind `embedding`, whatever name they went by."""
    version: int | None = None
    """Of 07_evaluate, which is raised whenever the same answers would be marked in another way."""

    @property
    def terms(self) -> dict[str, str]:
        """What must be the same in two evaluations for their marks to go together, by a name for people."""
        return {
            "rubric": self.rubric.sha256[:12],
            "evaluate.max_tokens": str(self.max_tokens),
            "sentence encoder": (self.encoder_sha256 or "")[:12] or self.embedding or "none",
            "version of 07_evaluate": str(self.version or "unknown"),
        }

    def to_json(self) -> dict[str, Any]:
        """As plain dictionaries, lists, strings and numbers."""
        return asdict(self)

    @staticmethod
    def from_json(path: Path) -> Evaluation:
        """Read `evaluation.json`. Raises UserError when it is missing or a field is missing, unknown or of another type."""
        return _read(_evaluation_reader(), _text(path), str(path))


@dataclass(frozen=True)
class ScoredAnswer(Strict):
    """One model's answer with its scores. A criterion that the question does not call for is not in `parts`."""

    text: str
    finished: bool
    tokens: int
    percent: float
    formatting: float
    content: float
    parts: dict[str, float]
    """Criterion to value in [0, 1], formatting and content together."""
    bits_per_byte: float | None
    """Of the reference under this model; None when nothing of the reference fits into the context."""
    judge: int | None = None
    """The judge's score from 0 to 5; None without a judge or without a usable verdict."""


@dataclass(frozen=True)
class AnswerRow(Strict):
    """One line of `answers.jsonl`: a question, its reference, and what the models said."""

    id: str
    kind: str
    group: str
    document_id: str
    question: str
    reference: str
    base: ScoredAnswer
    tuned: ScoredAnswer
    current: ScoredAnswer | None = None
    judge: PairVerdict | None = None
    """None without a judge, and for two answers that are the same."""
    asked: str | None = None
    """Hash of all that was put to the models, system prompt and earlier turns included (`gradus.chat.prompt_hash`)."""

    @property
    def difference(self) -> float:
        """Tuned minus base in percentage points."""
        return self.tuned.percent - self.base.percent

    def to_json(self) -> dict[str, Any]:
        """As plain dictionaries, lists, strings and numbers."""
        return asdict(self)


def read_answers(path: Path) -> list[AnswerRow]:
    """All rows of `answers.jsonl`. Raises UserError naming the line that is no good."""
    return list(_rows(path))


def _rows(path: Path) -> Iterator[AnswerRow]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line:
            yield _read(_answer_reader(), line, f"{path}:{number}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError("file not found", where=str(path), cure="Run python scripts/07_evaluate.py first") from error
    except UnicodeDecodeError as error:
        raise UserError("not UTF-8 text", where=str(path), cure="Run python scripts/07_evaluate.py --force") from error


@cache
def _evaluation_reader() -> TypeAdapter[Evaluation]:
    return TypeAdapter(Evaluation)


@cache
def _answer_reader() -> TypeAdapter[AnswerRow]:
    return TypeAdapter(AnswerRow)


def _read(reader: TypeAdapter[T], text: str, where: str) -> T:
    try:
        return reader.validate_json(text)
    except ValidationError as error:
        raise UserError(f"not a valid result {problem_of(error)}", where=where, cure="Run python scripts/07_evaluate.py --force") from error
