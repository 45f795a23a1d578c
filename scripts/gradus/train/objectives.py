"""What is minimised: a weighted sum of cross-entropy, divergence from a teacher, and extra weight on Markdown structure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gradus.backend import mx, nn
from gradus.config.schema import Objectives as Settings
from gradus.cross_entropy import cross_entropy
from gradus.errors import UserError

STRUCTURE = re.compile(r"\s*(\*\*|#{1,6}|`{1,3}\w*|[-*+]|\d+\.|\|+|:?-{3,}:?)\s*")
"""A token that is nothing but Markdown: emphasis, heading, fence, list mark, table line."""


@dataclass(frozen=True)
class Objectives:
    """The terms with their weights; of those with weight 0 only cross-entropy is computed, for the curves.

    `teacher` is needed for `distillation`, `structure_tokens` (boolean, one for each entry of the vocabulary) for
    `structure`.
    """

    cross_entropy: float = 1.0
    distillation: float = 0.0
    structure: float = 0.0
    direction: str = "forward"
    temperature: float = 1.0
    teacher: nn.Module | None = None
    structure_tokens: mx.array | None = None

    @property
    def plain(self) -> bool:
        """Whether this is cross-entropy alone."""
        return (self.cross_entropy, self.distillation, self.structure) == (1.0, 0.0, 0.0)

    def terms(self, logits: mx.array, teacher_logits: mx.array | None, targets: mx.array, weights: mx.array) -> dict[str, mx.array]:
        """Each term, unweighted, summed over supervised tokens, in nats.

        Args:
            logits, teacher_logits: `(positions, vocabulary)`, float32.
            targets, weights: `(positions,)`.
        """
        losses = cross_entropy(logits, targets)
        found = {"cross_entropy": (losses * weights).sum()}
        if teacher_logits is not None:
            found["distillation"] = (divergence(logits, teacher_logits, self.direction, self.temperature) * weights).sum()
        if self.structure_tokens is not None:
            found["structure"] = (losses * self.structure_tokens[targets] * weights).sum()
        return found

    def weighted(self, terms: dict[str, float]) -> float:
        """The weighted sum of measured terms."""
        return float(sum(getattr(self, name) * value for name, value in terms.items()))

    def total(self, terms: dict[str, mx.array]) -> mx.array:
        """The weighted sum that is minimised."""
        return sum(getattr(self, name) * value for name, value in terms.items())


def divergence(student: mx.array, teacher: mx.array, direction: str, temperature: float) -> mx.array:
    """Kullback-Leibler divergence of each position, in nats, times the squared temperature (Hinton et al. 2015).

    `forward` is KL(teacher || student), through mlx-lm's `kl_div_loss`, and covers all that the teacher may say;
    `reverse` is KL(student || teacher), which keeps to what the teacher is sure of (Gu et al. 2024, MiniLLM).
    """
    from mlx_lm.tuner.losses import kl_div_loss

    student, teacher = student / temperature, teacher / temperature
    if direction == "forward":
        return kl_div_loss(student, teacher) * temperature**2
    own, other = nn.log_softmax(student), nn.log_softmax(teacher)
    return (mx.exp(own) * (own - other)).sum(axis=-1) * temperature**2


def make_objectives(settings: Settings, tokenizer: Any, vocabulary: int) -> Objectives:
    """The objectives as configured, with the teacher loaded and frozen.

    Args:
        vocabulary: width of the student's logits.

    Raises:
        UserError: when the teacher cannot be loaded, or has another tokenizer or other logits.
    """
    teacher = _load_teacher(settings, tokenizer, vocabulary) if settings.distillation else None
    tokens = structure_tokens(tokenizer, vocabulary) if settings.structure else None
    weights = {name: getattr(settings, name) for name in ("cross_entropy", "distillation", "structure", "direction", "temperature")}
    return Objectives(**weights, teacher=teacher, structure_tokens=tokens)


def vocabulary_of(model: nn.Module) -> int:
    """Width of a model's logits, which may be larger than its tokenizer's vocabulary."""
    return int(model(mx.array([[1]])).shape[-1])


def _load_teacher(settings: Settings, tokenizer: Any, vocabulary: int) -> nn.Module:
    from gradus.models import load_model

    key = "train.objectives.teacher"
    try:
        teacher, its_tokenizer = load_model(settings.teacher)
    except UserError as error:
        raise UserError(f"the teacher {settings.teacher}: {error.what}", where=key, cure="Name the folder of a whole MLX model") from error
    cure = "Distillation compares token by token: take a teacher of the same family as model.base"
    if its_tokenizer.get_vocab() != tokenizer.get_vocab():
        raise UserError("the teacher has another tokenizer", where=key, cure=cure)
    if (width := vocabulary_of(teacher)) != vocabulary:
        raise UserError(f"the teacher tells {width:,} tokens apart, the model {vocabulary:,}", where=key, cure=cure)
    teacher.freeze()
    teacher.eval()
    return teacher


def structure_tokens(tokenizer: Any, vocabulary: int) -> mx.array:
    """Boolean array over the vocabulary: the tokens that are nothing but Markdown structure."""
    known = len(tokenizer.get_vocab())
    texts = [tokenizer.decode([number]) for number in range(min(known, vocabulary))]
    flags = [bool(STRUCTURE.fullmatch(text)) for text in texts]
    return mx.array(flags + [False] * (vocabulary - len(flags)))
