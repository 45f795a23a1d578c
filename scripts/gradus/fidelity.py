"""Is a model on its way to the user still the one that was graded?

10_fuse lets base + adapter, the model that 07_evaluate grades, speak of held-out conversations: how likely it finds the
reference answers, and what it answers itself. It writes that down with the conversations. Every later form (fused,
quantized, GGUF) is asked the same and must stay within the limits that `fidelity` in the configuration sets for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gradus.backend import nn
from gradus.chat import Messages
from gradus.compare import Logits, Sample, answer_logits, questions_of, take_sample, total_likelihood
from gradus.config.delivery import Fidelity, FidelityLimits
from gradus.errors import UserError
from gradus.files import read_json, write_json
from gradus.models import Answer, Likelihood, generate_answers, with_plain_weights

BATCH = 8


@dataclass(frozen=True)
class Spoken:
    """What one model says of the held-out conversations."""

    loss: float
    """Mean negative log-likelihood of the reference answers, in nats a token."""
    answers: tuple[str, ...]
    """Its own greedy answers, one a conversation."""


@dataclass(frozen=True)
class HeldOut:
    """The conversations every form of the model is asked, and what base + adapter said: `held_out.json`."""

    conversations: tuple[Messages, ...]
    max_tokens: int
    """Where a conversation is cut for its likelihood."""
    answer_tokens: int
    """Limit of an answer."""
    graded: Spoken


@dataclass(frozen=True)
class Observed:
    """One loaded model put to the probe: what it says, and what 10 and 11 look at besides."""

    likelihood: Likelihood
    answers: list[Answer]
    logits: Logits
    sample: Sample

    @property
    def spoken(self) -> Spoken:
        """The part that is compared with the graded model."""
        return Spoken(self.likelihood.per_token, tuple(answer.text for answer in self.answers))


@dataclass(frozen=True)
class Drift:
    """How far a model is from the graded one."""

    loss_difference: float
    """Its loss minus that of base + adapter on the same references, in nats a token."""
    equal_answers: float
    """Share of the greedy answers that are the same, character for character."""
    questions: int


def observe(
    model: nn.Module, tokenizer: Any, conversations: Sequence[Messages], settings: Fidelity, max_tokens: int, *, plain: nn.Module | None = None
) -> Observed:
    """Put the probe to a model; the sample is taken of its weights as they are on disk.

    Args:
        plain: what `with_plain_weights` made of the model, when the caller has it.
    """
    questions, plain = questions_of(conversations), with_plain_weights(model) if plain is None else plain
    answers = generate_answers(plain, tokenizer, questions, max_tokens=settings.answer_tokens, batch_size=BATCH)
    return Observed(
        total_likelihood(plain, tokenizer, conversations, max_tokens),
        answers,
        answer_logits(plain, tokenizer, conversations, settings.probe_tokens),
        take_sample(model, tokenizer, questions, answers, settings.answer_tokens),
    )


def drift(graded: Spoken, found: Spoken) -> Drift:
    """Compare what two models said of the same conversations."""
    same = sum(a == b for a, b in zip(graded.answers, found.answers, strict=True))
    return Drift(found.loss - graded.loss, same / len(graded.answers), len(graded.answers))


def objection(found: Drift, limits: FidelityLimits, key: str) -> str:
    """What is beyond the limits, with number and threshold, or ''. NaN is never within.

    Args:
        key: where the limits stand in the configuration, say `fidelity.fused`.
    """
    if not abs(found.loss_difference) <= limits.max_loss_difference:
        what = f"its loss is {found.loss_difference:+.3g} nats a token off that of base + adapter"
        return f"{what} ({key}.max_loss_difference {limits.max_loss_difference:g})"
    if found.equal_answers < limits.min_equal_answers:
        what = f"{found.equal_answers:.0%} of its {found.questions} answers are those of base + adapter"
        return f"{what} ({key}.min_equal_answers {limits.min_equal_answers:.0%})"
    return ""


def write_held_out(path: Path, held_out: HeldOut) -> None:
    """Write what later steps ask and compare with."""
    write_json(path, asdict(held_out))


def read_held_out(path: Path) -> HeldOut:
    """Read it again. Raises UserError when it is no such file."""
    row = read_json(path)
    try:
        graded = Spoken(row["graded"]["loss"], tuple(row["graded"]["answers"]))
        return HeldOut(tuple(row["conversations"]), row["max_tokens"], row["answer_tokens"], graded)
    except (KeyError, TypeError) as error:
        raise UserError(f"not what 10_fuse writes ({error})", where=str(path), cure="Run python scripts/10_fuse.py --force") from error
