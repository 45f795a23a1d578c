"""Answers come in batches, are the model's own, and survive a kill one by one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gradus import models
from gradus.backend import mx
from gradus.config.load import PROJECT
from gradus.errors import GradusError
from gradus.evaluate import answering
from gradus.evaluate.answering import Asked, Limits, ask
from gradus.evaluate.questions import Question
from gradus.models import generate_answers, load_model, stream_answers

from .conftest import questions_of, row

LIMITS = Limits(60, 2, 200)
CHILD = """
import sys
from pathlib import Path
from tests.evaluate.test_answering import LIMITS, questions
from gradus.evaluate.answering import ask
ask("base", Path(sys.argv[1]), None, questions(), LIMITS, Path(sys.argv[2]), lambda number, name: None)
"""


def questions() -> list[Question]:
    return questions_of([row(i) for i in range(15)])


@pytest.fixture(scope="module")
def whole(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Asked, Path]:
    """What comes of asking without a break, and the folder of its files. Do not write into it."""
    cache = tmp_path_factory.mktemp("whole")
    return ask("base", tiny_base, None, questions(), LIMITS, cache, lambda number, name: None), cache


def test_a_killed_process_loses_no_finished_answer(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: tuple[Asked, Path]
) -> None:  # fmt: skip
    cache, file = tmp_path / "parts", tmp_path / "parts" / "base-answers.jsonl"
    places = os.pathsep.join([str(PROJECT), str(PROJECT / "scripts")])
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tiny_base), str(cache)], env={**os.environ, "PYTHONPATH": places})
    while child.poll() is None and (not file.exists() or file.read_bytes().count(b"\n") < 3):
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it was killed in the middle"
    before = file.read_text(encoding="utf-8").rpartition("\n")[0].split("\n")
    assert 3 <= len(before) < 15

    asked: list[int] = []
    real = stream_answers

    def counted(model: Any, tokenizer: Any, new: list[Any], **options: Any) -> Any:
        asked.append(len(new))
        return real(model, tokenizer, new, **options)

    monkeypatch.setattr(answering, "stream_answers", counted)
    found = ask("base", tiny_base, None, questions(), LIMITS, cache, lambda number, name: None)
    assert asked == [15 - len(before)], "only what was missing is asked"
    assert file.read_text(encoding="utf-8").split("\n")[: len(before)] == before
    assert found.answers == whole[0].answers


def test_half_a_line_is_cut_off_and_asked_again(tiny_base: Path, tmp_path: Path, whole: tuple[Asked, Path]) -> None:
    cache = tmp_path / "parts"
    shutil.copytree(whole[1], cache)
    file = cache / "base-answers.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    again = ask("base", tiny_base, None, questions(), LIMITS, cache, lambda number, name: None)
    assert again.answers == whole[0].answers
    assert sorted(json.loads(line)["question"] for line in file.read_text(encoding="utf-8").splitlines()) == list(range(15))


def test_a_finished_file_needs_no_model(tmp_path: Path, whole: tuple[Asked, Path]) -> None:
    asked, cache = whole
    assert ask("base", tmp_path / "no model here", None, questions(), LIMITS, cache, lambda number, name: None) == asked


def test_a_model_that_gives_no_numbers_is_told(tiny_base: Path, tmp_path: Path) -> None:
    """As after a training that diverged, or in 16 bits that overflow."""
    broken = tmp_path / "broken"
    shutil.copytree(tiny_base, broken)
    weights = dict(mx.load(str(broken / "model.safetensors")))
    name = next(name for name in weights if name.endswith("norm.weight"))
    mx.save_safetensors(str(broken / "model.safetensors"), weights | {name: weights[name] * float("nan")}, metadata={"format": "mlx"})
    with pytest.raises(GradusError, match=r"broken: a reference answer costs the model nan nats a token.*learning_rate"):
        ask("tuned", broken, None, questions()[:1], Limits(2, 1, 200), tmp_path / "parts", lambda number, name: None)


@pytest.mark.parametrize("words_before", [0, 60])
def test_batched_answers_are_those_of_one_at_a_time(tiny_base: Path, adapter: Path, words_before: int) -> None:
    """With a long prefix that all share (read once) and without."""
    from mlx_lm import generate

    from gradus.chat import prompt_tokens

    model, tokenizer = load_model(tiny_base, adapter)
    start = [{"role": "system", "content": "the mean of the list " * (words_before // 5)}] if words_before else []
    asked = [start + question.prompt for question in questions()]
    prompts = [prompt_tokens(tokenizer, messages) for messages in asked]
    assert (models._shared_prefix(prompts) > 0) == bool(words_before)
    alone = [generate(model, tokenizer, prompt, max_tokens=40).strip() for prompt in prompts]
    assert [answer.text for answer in generate_answers(model, tokenizer, asked, max_tokens=40, batch_size=4)] == alone
    assert len(set(alone)) > 3, "a model that says one thing would prove nothing"


def test_the_shared_prefix_leaves_every_prompt_a_token() -> None:
    long = list(range(100))
    assert models._shared_prefix([long, long]) == 99
    assert models._shared_prefix([long, [*long[:50], 7], [*long[:60], 8]]) == 50
    assert models._shared_prefix([long]) == models._shared_prefix([]) == models._shared_prefix([long, [1, 2]]) == 0
