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


def named(recipe: str) -> str:
    """A recipe as it is shown."""
    return f"{recipe} bits" if recipe.isdigit() else recipe


def table(before: Measured, rows: Sequence[Row], chosen: Row) -> dict[str, str]:
    """Head and lines of the table on the screen, by what stands before them; 80 columns hold both."""
    cells = {
        "recipe": ("size", "ratio", "tokens/s", "perplexity", "grade" if before.graded else "", "equal", ""),
        "unquantized": _cells(before.figures, before.tokens_per_second, before.graded),
        **{named(row.recipe): _row_cells(row, chosen) for row in rows},
    }
    widths = [max(map(len, column)) for column in zip(*cells.values(), strict=True)]
    return {name: "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True) if width).rstrip() for name, line in cells.items()}


def _row_cells(row: Row, chosen: Row) -> tuple[str, ...]:
    mark = "kept" if row is chosen else "too far" if row.objection else ""
    return _cells(row.after, row.tokens_per_second, row.graded, f"{row.ratio:.2f}", f"{row.equal_answers:.0%}", f"{mark:<7}")


def _cells(figures: Figures, speed: float, graded: Graded | None, ratio: str = "", equal: str = "", mark: str = "") -> tuple[str, ...]:
    grade = f"{graded.letter} {graded.percent:.1f} %" if graded else ""
    return size_label(figures.weight_bytes), ratio, f"{speed:,.0f}", f"{figures.perplexity:.3f}", grade, equal, mark
