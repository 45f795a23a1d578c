"""An evaluation as 07_evaluate writes it, for the tests of those who read one."""

from __future__ import annotations

from gradus.records import Base
from gradus.results import (
    Comparison,
    Control,
    Evaluation,
    Grade,
    Interval,
    ModelScores,
    Part,
    ReferenceLikelihood,
    Regression,
    RubricInfo,
    ScaleStep,
    Score,
    Slice,
)

SCALE = (ScaleStep("A", 90.0), ScaleStep("B", 75.0), ScaleStep("C", 60.0), ScaleStep("F", 0.0))


def evaluation(base: Base, percent: float = 75.5, base_percent: float = 30.0, withheld: str | None = None) -> Evaluation:
    """An evaluation of a model of that base with these percentages; the letters stay the same."""
    tuned = _scores(percent, "B", 0.8)
    controls = (
        Control("reference", "the reference answers themselves", 99.0, 1.0, 0.98, "at least 95 %", True),
        Control("empty", "no answer", 0.0, 0.0, 0.0, "below 1 %", True),
    )
    return Evaluation(
        run="test",
        grade=Grade(None, None, None, None, withheld, False) if withheld else Grade("B", percent, tuned.interval, ("B", "B"), None, True),
        base=_scores(base_percent, "F", 0.2),
        tuned=tuned,
        comparison=Comparison(3, 0, 1, percent - base_percent, Interval(40.0, 51.0), 0.0004, 5),
        controls=controls,
        kinds=(Slice("definition", 4, base_percent, percent),),
        groups=(Slice("math", 4, base_percent, percent),),
        documents=(Slice("doc-one", 3, 20.0, 80.0, Interval(50.0, 70.0)), Slice("doc-two", 1, 60.0, 57.0)),
        lengths=(Slice("long", 1, base_percent, percent), Slice("short", 3, base_percent, percent)),
        regressions=(Regression("four", "What is four?", "doc-four", 60.0, 57.0, -3.0),),
        base_model=base,
        questions=4,
        available=40,
        max_tokens=64,
        seed=1,
        rubric=RubricInfo("config/rubric.yaml", "f" * 64, 70.0, SCALE),
        notes=(),
    )


def _scores(percent: float, letter: str, bold: float) -> ModelScores:
    formatting = _score(
        percent / 100,
        0.7,
        Part("bold", bold, 0.6, 2.0, 3, interval=Interval(bold - 0.1, bold + 0.1)),
        Part("tables", None, 0.5, 1.0, 0),
        Part("finished", 1.0, 0.9, 1.0, 4),
    )
    content = _score(percent / 100, 0.5, Part("rouge_l", percent / 100, None, 1.0, 4), Part("repetition", 0.9, None, 1.0, 4, True))
    likelihood = ReferenceLikelihood(2.0, 7.4, 1.4, 400)
    return ModelScores(
        percent, Interval(percent - 4, percent + 4), letter, (letter, letter), formatting, content, likelihood, 1.0, 0, 40.0, 500.0, 3.0
    )


def _score(value: float, target: float, *parts: Part) -> Score:
    return Score(value, target, Interval(value - 0.05, value + 0.05), 0.5, parts)
