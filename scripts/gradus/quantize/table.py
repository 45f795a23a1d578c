"""The recipes side by side: what each costs and gains against the unquantized model, and which is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gradus.compare import equal_share, logit_difference
from gradus.config.delivery import FidelityLimits
from gradus.errors import GradusError
from gradus.fidelity import Drift, Spoken, drift, objection
from gradus.files import size_label
from gradus.quantize.grading import Exam, Graded, GradeDifference, grade_difference
from gradus.quantize.measure import Figures, Measured
from gradus.quantize.shrink import Layers


@dataclass(frozen=True)
class Row:
    """One recipe. All but `drift` compares it with the fused model that was quantized."""

    recipe: str
    quantization: dict[str, Any]
    """Bits and group size; a mixed recipe has other bits in some layers."""
    layers: Layers
    after: Figures
    ratio: float
    """Bytes of the fused model's weights over bytes of these."""
    largest_logit_difference: float
    logit_error: float
    same_next_token: float
    equal_answers: float
    questions: int
    drift: Drift
    """Against base + adapter, which were graded."""
    objection: str
    """What is beyond `fidelity.quantized`, or ''."""
    graded: Graded | None
    against_fused: GradeDifference | None
    tokens_per_second: float

    def to_json(self) -> dict[str, Any]:
        """What does not change from time to time; the speed does."""
        row = asdict(self)
        del row["tokens_per_second"]
        layers, marks, against = row.pop("layers"), row.pop("graded"), row.pop("against_fused")
        row |= {"layers_quantized": layers["quantized"], "layers_by_bits": layers["by_bits"], "layers_left": layers["left"]}
        row["grade"] = None if marks is None else {"percent": marks["percent"], "letter": marks["letter"], "against_fused": against}
        return row


def row_of(
    recipe: str, quantization: dict[str, Any], before: Measured, after: Measured, graded: Spoken, limits: FidelityLimits, exam: Exam | None
) -> Row:
    """Compare a quantized model with the fused one (`before`), and with what base + adapter said (`graded`)."""
    logits, found = logit_difference(before.observed.logits, after.observed.logits), drift(graded, after.observed.spoken)
    against = grade_difference(exam, before.graded, after.graded) if exam and before.graded and after.graded else None
    return Row(
        recipe=recipe,
        quantization=quantization,
        layers=after.layers,
        after=after.figures,
        ratio=before.figures.weight_bytes / after.figures.weight_bytes,
        largest_logit_difference=logits.largest,
        logit_error=logits.rms,
        same_next_token=logits.same_next_token,
        equal_answers=equal_share(before.observed.answers, after.observed.answers),
        questions=len(after.observed.answers),
        drift=found,
        objection=objection(found, limits, "fidelity.quantized"),
        graded=after.graded,
        against_fused=against,
        tokens_per_second=after.tokens_per_second,
    )


def choose(rows: Sequence[Row], chosen: str) -> Row:
    """The row of the recipe that is kept; `auto` takes the smallest model that is within the limits.

    Raises:
        GradusError: when that recipe, or with `auto` every one, is beyond the limits.
    """
    cure = "Take more bits (quantize.recipes, quantize.chosen), or change the limit"
    if chosen == "auto":
        within = [row for row in rows if not row.objection]
        if within:
            return min(within, key=lambda row: row.after.weight_bytes)
        nearest = min(rows, key=lambda row: abs(row.drift.loss_difference))
        what = f"no recipe answers as base + adapter do; of the nearest one, {nearest.recipe}, {nearest.objection}"
        raise GradusError(what, where="quantize.recipes", cure=cure)
    row = next(row for row in rows if row.recipe == chosen)
    if row.objection:
        what = f"the model quantized by {chosen} does not answer as base + adapter do: {row.objection}"
        raise GradusError(what, where="quantize.chosen", cure=cure)
    return row


def line(row: Row, width: int, chosen: Row) -> str:
    """A row of the table on the screen."""
    figures, grade = row.after, row.graded
    cells = [
        f"{size_label(figures.weight_bytes):>{width}}",
        f"ratio {row.ratio:5.2f}",
        f"{row.tokens_per_second:7,.0f} tokens/s",
        f"perplexity {figures.perplexity:8.3f}",
        *([f"grade {grade.letter:2} {grade.percent:5.1f} %"] if grade else []),
        f"equal answers {row.equal_answers:4.0%}",
    ]
    mark = "  <- kept" if row is chosen else "  beyond the limits" if row.objection else ""
    return "  ".join(cells) + mark
