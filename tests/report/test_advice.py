"""Next steps: each rule speaks when its number is past its limit, is silent when it is not, and names a real key."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gradus.config import load_config
from gradus.report import advice
from gradus.report.advice import NextStep, next_steps
from gradus.results import Interval, Part, Score

if TYPE_CHECKING:
    from tests.report.conftest import Case


def steps(case: Case) -> dict[str, NextStep]:
    settings = load_config().report
    return {step.key: step for step in next_steps(case.sources(), settings.rules, 99)}


def setting(key: str) -> Any:
    value: Any = load_config()
    for part in key.split("."):
        value = getattr(value, part)
    return value


def tuned_score(case: Case, section: str, score: Score) -> None:
    changed: dict[str, Any] = {section: score}
    tuned = replace(case.evaluation.tuned, **changed)
    case.evaluation = replace(case.evaluation, tuned=tuned)


def parts_of(**values: float) -> tuple[Part, ...]:
    return tuple(Part(name, value, 0.6, 1.0, 9) for name, value in values.items())


def withhold(case: Case) -> None:
    grade = replace(case.evaluation.grade, letter=None, percent=None, interval=None, letters=None, withheld="echo got 80 %", separable=False)
    case.evaluation = replace(case.evaluation, grade=grade)


def test_a_run_without_faults_gets_no_advice(case: Case) -> None:
    case.set("06_train_mlx/loss_curve.json", valid=[[0, 3.0], [50, 2.2], [75, 2.1], [100, 2.1]], best={"iteration": 75, "loss": 2.1})
    assert steps(case) == {}


def test_a_withheld_grade_comes_first_and_alone(case: Case) -> None:
    withhold(case)
    case.base = replace(case.base, kind="builtin")
    case.files["05_prepare/statistics.json"]["splits"]["train"]["missing_eos"] = 9
    (step,) = steps(case).values()
    assert (step.key, step.value) == ("evaluate.rubric", "config/rubric.yaml")
    assert "because echo got 80 %" in step.finding, "nothing else is advised: it would rest on the same grader"


def test_the_value_of_a_key_of_the_evaluation_is_the_one_it_ran_with(case: Case) -> None:
    """The training may have recorded another one: 07 can be run again alone, with other settings."""
    withhold(case)
    case.evaluation = replace(case.evaluation, rubric=replace(case.evaluation.rubric, path="config/strict.yaml"))
    assert case.files["06_train_mlx/run_metadata.json"]["config"]["evaluate"]["rubric"] == "config/rubric.yaml"
    assert steps(case)["evaluate.rubric"].value == "config/strict.yaml"


def test_questions_are_those_that_were_asked(case: Case) -> None:
    comparison = replace(case.evaluation.comparison, difference=1.2, interval=Interval(-2.0, 4.0), questions_needed=812)
    case.evaluation = replace(case.evaluation, comparison=comparison, grade=replace(case.evaluation.grade, separable=False))
    case.files["06_train_mlx/run_metadata.json"]["config"]["evaluate"]["questions"] = 999
    assert steps(case)["evaluate.questions"].value == 4


def test_the_built_in_base_is_to_be_replaced(case: Case) -> None:
    case.base = replace(case.base, kind="builtin", parameters=1_050_000)
    step = steps(case)["model.base"]
    assert "1.05 million" in step.finding
    assert step.value == setting("model.base")


@pytest.mark.parametrize(("available", "key"), [(400, "evaluate.questions"), (4, "collect.folders")])
def test_a_difference_that_chance_can_make_needs_more_questions_or_more_documents(case: Case, available: int, key: str) -> None:
    comparison = replace(case.evaluation.comparison, difference=1.2, interval=Interval(-2.0, 4.0), questions_needed=812)
    case.evaluation = replace(case.evaluation, comparison=comparison, available=available, grade=replace(case.evaluation.grade, separable=False))
    step = steps(case)[key]
    assert "+1.2 points" in step.finding
    assert "812" in step.finding


def test_a_model_that_got_worse_should_learn_slower(case: Case) -> None:
    case.evaluation = replace(case.evaluation, comparison=replace(case.evaluation.comparison, difference=-6.04))
    step = steps(case)["train.learning_rate"]
    assert "6.0 points worse" in step.finding
    assert (step.action, step.value) == ("Lower the learning rate", setting("train.learning_rate"))


def test_a_loss_that_hardly_fell_should_fall_faster(case: Case) -> None:
    case.set("06_train_mlx/loss_curve.json", valid=[[0, 3.0], [50, 2.98], [100, 2.98]], best={"iteration": 100, "loss": 2.98})
    assert steps(case)["train.learning_rate"].action == "Raise the learning rate"


def test_a_loss_that_never_fell_should_fall_slower(case: Case) -> None:
    case.set("06_train_mlx/loss_curve.json", valid=[[0, 3.0], [50, 3.1], [100, 3.05]], best={"iteration": 0, "loss": 3.0})
    step = steps(case)["train.learning_rate"]
    assert (step.action, "never below the 3.000" in step.finding) == ("Lower the learning rate", True)


def test_a_loss_that_rose_again_was_trained_too_long(case: Case) -> None:
    case.set("06_train_mlx/loss_curve.json", valid=[[0, 3.0], [50, 2.0], [100, 2.3]], best={"iteration": 50, "loss": 2.0})
    step = steps(case)["train.iterations"]
    assert step.action == "Train shorter, or on more documents"
    assert "2.000 at iteration 50 to 2.300" in step.finding


def test_a_loss_that_still_fell_was_trained_too_short(case: Case) -> None:
    case.set("06_train_mlx/loss_curve.json", valid=[[0, 3.0], [50, 2.2], [75, 2.1], [100, 2.0]], best={"iteration": 100, "loss": 2.0})
    step = steps(case)["train.iterations"]
    assert step.action == "Train longer"
    assert "4.8" in step.finding


@pytest.mark.parametrize("valid", [[[0, 3.0], [50, 0.0], [100, 0.2]], [[0, 0.0], [50, 0.0], [100, 0.0]]])
def test_a_loss_of_nothing_has_no_share_to_fall_or_rise_by(case: Case, valid: list[list[float]]) -> None:
    """A few questions learned by heart cost nothing in 32 bits."""
    case.set("06_train_mlx/loss_curve.json", valid=valid, best={"iteration": 50, "loss": 0.0})
    assert not {"train.iterations", "train.learning_rate"} & steps(case).keys()


@pytest.mark.parametrize(("share", "key"), [(0.12, "curate.weights.formatting"), (0.85, "train.iterations")])
def test_formatting_below_target_asks_for_data_where_it_is_rare_and_for_training_where_it_is_not(case: Case, share: float, key: str) -> None:
    case.set("06_train_mlx/loss_curve.json", valid=[[0, 3.0], [100, 2.1]], best={"iteration": 100, "loss": 2.1})
    tuned_score(case, "formatting", Score(0.59, 0.7, Interval(0.5, 0.6), 0.4, parts_of(bold=0.41, lists=0.58, code=0.9)))
    case.evaluation = replace(case.evaluation, questions=9)
    case.files["05_prepare/statistics.json"]["structure"]["bold"] = share
    step = steps(case)[key]
    assert "0.59 against 0.70" in step.finding
    assert "bold, 0.41 against 0.60" in step.finding
    assert f"{88 if share < 0.3 else 85}" in step.finding


def test_cut_conversations_ask_for_longer_ones(case: Case) -> None:
    case.files["05_prepare/statistics.json"]["splits"]["train"]["missing_eos"] = 9
    step = steps(case)["prepare.max_tokens"]
    assert "9.0" in step.finding
    assert step.value == setting("prepare.max_tokens")


@pytest.mark.parametrize(("method", "key"), [("lora", "train.lora.rank"), ("full", "augment.question_variants")])
def test_content_below_target_asks_for_room_or_wordings(case: Case, method: str, key: str) -> None:
    tuned_score(case, "content", Score(0.3, 0.5, Interval(0.2, 0.4), 0.6, parts_of(key_terms=0.2, rouge_l=0.5)))
    case.set("06_train_mlx/run_metadata.json", method=method)
    assert "0.30 against 0.50; it loses most by key terms" in steps(case)[key].finding


def test_content_of_the_built_in_base_is_no_advice_of_its_own(case: Case) -> None:
    tuned_score(case, "content", Score(0.3, 0.5, Interval(0.2, 0.4), 0.6, parts_of(key_terms=0.2)))
    case.base = replace(case.base, kind="builtin")
    assert "train.lora.rank" not in steps(case)


def test_no_more_than_asked_for(case: Case) -> None:
    case.base = replace(case.base, kind="builtin")
    case.files["05_prepare/statistics.json"]["splits"]["train"]["missing_eos"] = 9
    assert [step.key for step in next_steps(case.sources(), load_config().report.rules, 1)] == ["model.base"]


def test_every_key_that_a_rule_can_name_exists() -> None:
    keys = set(re.findall(r'"([a-z]+(?:\.[a-z_]+)+)"', Path(advice.__file__).read_text(encoding="utf-8")))
    assert {"model.base", "train.iterations", "curate.weights.formatting"} <= keys
    for key in keys:
        setting(key)


def test_a_teacher_that_invents_is_to_be_replaced(case: Case) -> None:
    counts = {"chunks": 12, "pairs": 40, "examples": 22, "dropped": {}, "bad_chunks": [], "mean_grounding": 0.8}
    case.set("02_extract/extraction.json", teacher={"teacher": "big-model", "rejected": 18, **counts})
    step = steps(case)["extract.teacher.model"]
    assert "45\u202f% of the teacher's 40 answers are not supported" in step.finding
    assert step.limit == "From 30\u202f% on that is too many, says report.rules.unsupported"
    case.set("02_extract/extraction.json", teacher={"teacher": "big-model", "rejected": 4, **counts})
    assert "extract.teacher.model" not in steps(case)


def test_fences_are_learned_from_answers_with_code(case: Case) -> None:
    tuned_score(case, "formatting", Score(0.4, 0.7, Interval(0.3, 0.5), 0.5, (Part("closed", 0.1, 0.9, 2.0, 9),)))
    case.set("05_prepare/statistics.json", structure={"code": 0.1})
    step = steps(case)["curate.weights.formatting"]
    assert "90\u202f% of the training answers have none" in step.finding


WORSE = [[0, 3.0], [50, 3.1], [100, 3.2]]
FELL_AND_ROSE = [[0, 3.0], [50, 2.0], [100, 2.3]]
STILL_FALLING = [[0, 3.0], [50, 2.2], [75, 2.1], [100, 2.0]]
ABOUT_TRAINING = {"train.learning_rate", "train.iterations", "train.lora.rank"}


@pytest.mark.parametrize(
    ("valid", "best", "difference", "action"),
    [
        (WORSE, (0, 3.0), 45.5, "Lower the learning rate"),
        (WORSE, (0, 3.0), -6.0, "Lower the learning rate"),
        (FELL_AND_ROSE, (50, 2.0), 45.5, "Train shorter, or on more documents"),
        (FELL_AND_ROSE, (50, 2.0), -6.0, "Lower the learning rate"),
        (STILL_FALLING, (100, 2.0), -6.0, "Lower the learning rate"),
        ([[0, 3.0], [50, 2.99], [75, 2.97], [100, 2.93]], (100, 2.93), 45.5, "Raise the learning rate"),
    ],
)
def test_only_the_strongest_evidence_on_the_training_speaks(
    case: Case, valid: list[list[float]], best: tuple[int, float], difference: float, action: str
) -> None:
    """Formatting that was not learned asks for longer training and content for more room; a training with a fault gets neither."""
    tuned_score(case, "formatting", Score(0.59, 0.7, Interval(0.5, 0.6), 0.4, parts_of(bold=0.41)))
    if "Raise" not in action:
        tuned_score(case, "content", Score(0.3, 0.5, Interval(0.2, 0.4), 0.6, parts_of(key_terms=0.2)))
    case.evaluation = replace(case.evaluation, comparison=replace(case.evaluation.comparison, difference=difference))
    case.set("06_train_mlx/loss_curve.json", valid=valid, best={"iteration": best[0], "loss": best[1]})
    assert [step.action for key, step in steps(case).items() if key in ABOUT_TRAINING] == [action]


def formatting_of(case: Case, **parts: tuple[float, float, float, int]) -> str:
    """What is said of formatting with these criteria: value, target, weight, counted answers; of 48 questions."""
    made = tuple(Part(name, *values) for name, values in parts.items())
    tuned_score(case, "formatting", Score(0.5, 0.7, Interval(0.4, 0.6), 0.3, made))
    case.evaluation = replace(case.evaluation, questions=48)
    case.set("06_train_mlx/loss_curve.json", valid=[[0, 3.0], [100, 2.1]], best={"iteration": 100, "loss": 2.1})
    return steps(case)["train.iterations"].finding


def test_a_criterion_that_few_answers_call_for_costs_little(case: Case) -> None:
    assert "ended by itself, 0.21 against 0.90" in formatting_of(case, lists=(0.0, 0.9, 2.0, 15), finished=(0.21, 0.9, 2.0, 48))


def test_how_code_is_fenced_comes_after_whether_there_is_any(case: Case) -> None:
    case.set("05_prepare/statistics.json", structure={"code": 0.4})
    code, closed, language = (0.07, 0.6, 2.0, 15), (0.0, 0.95, 2.0, 15), (0.07, 0.6, 9.0, 15)
    assert "code blocks, 0.07 against 0.60" in formatting_of(case, code=code, closed=closed, language=language)
    assert "fences closed, 0.00 against 0.95" in formatting_of(case, code=(0.7, *code[1:]), closed=closed)


def test_limits_are_sentences_without_brackets(case: Case) -> None:
    case.base = replace(case.base, kind="builtin")
    case.files["05_prepare/statistics.json"]["splits"]["train"]["missing_eos"] = 9
    assert all(step.limit[0].isupper() and "(" not in step.limit for step in steps(case).values())
    assert "nothing to ship. **Name a real instruct model" in case.markdown()


def test_every_step_names_its_limit_and_limits_that_can_be_set_exist(case: Case) -> None:
    case.base = replace(case.base, kind="builtin")
    case.set("06_train_mlx/loss_curve.json", valid=[[0, 3.0], [50, 2.0], [75, 2.5], [100, 2.4]], best={"iteration": 50, "loss": 2.0})
    found = list(steps(case).values())
    assert len(found) >= 2
    assert all(step.limit for step in found)
    keys = re.findall(r"report\.rules\.\w+", " ".join(step.limit for step in found))
    assert keys
    assert all(isinstance(setting(key), float) for key in keys)
