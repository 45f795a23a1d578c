"""How far a model may be from the graded one, and what is written down of the graded one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gradus.config.delivery import FidelityLimits
from gradus.errors import UserError
from gradus.fidelity import Drift, HeldOut, Spoken, drift, objection, read_held_out, write_held_out

LIMITS = FidelityLimits(max_loss_difference=0.1, min_equal_answers=0.5)


def test_the_drift_by_hand() -> None:
    found = drift(Spoken(2.0, ("a", "b", "c", "d")), Spoken(2.25, ("a", "x", "c", "d")))
    assert found == Drift(0.25, 0.75, 4)


def test_models_that_answered_other_questions_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        drift(Spoken(2.0, ("a", "b")), Spoken(2.0, ("a",)))


@pytest.mark.parametrize("loss", [0.1001, -0.1001, float("nan"), float("inf")])
def test_a_loss_beyond_the_limit_is_objected_to_in_either_direction(loss: float) -> None:
    assert "(fidelity.quantized.max_loss_difference 0.1)" in objection(Drift(loss, 1.0, 8), LIMITS, "fidelity.quantized")


def test_too_few_equal_answers_are_objected_to() -> None:
    within = Drift(-0.1, 0.5, 8)
    assert objection(within, LIMITS, "fidelity.fused") == ""
    told = objection(replace(within, equal_answers=0.375), LIMITS, "fidelity.fused")
    assert told == "38% of its 8 answers are those of base + adapter (fidelity.fused.min_equal_answers 50%)"


def test_what_was_said_comes_back_as_it_was(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Wie groß?"}, {"role": "assistant", "content": "Sehr."}]
    held_out = HeldOut((talk,), 512, 48, Spoken(1.2345678901234567, ("Ja \U0001f642",)))
    write_held_out(tmp_path / "held_out.json", held_out)
    assert read_held_out(tmp_path / "held_out.json") == held_out


def test_another_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "held_out.json").write_text('{"graded": {}}')
    with pytest.raises(UserError, match=r"held_out.json: not what 10_fuse writes .*Run python scripts/10_fuse.py --force"):
        read_held_out(tmp_path / "held_out.json")
