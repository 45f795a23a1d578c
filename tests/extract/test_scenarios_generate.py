"""Scenarios through a real local server: duplicates, garbage, a kill and what goes on after it, and what a dry run tells."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradus.collect import STEP as COLLECT
from gradus.config import Config, load_config
from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.extract import STEP
from gradus.extract.scenarios.conversation import Turn, fault_of
from gradus.files import read_examples, read_json
from gradus.pipeline import STEPS as ALL
from gradus.prepare.split import split_examples
from gradus.step import Outcome, run_step

from ..teacher_server import Cut, Hang, Messages, Status, TeacherServer

STEPS = {COLLECT.name: COLLECT, STEP.name: STEP}
WORDS = "amber birch cedar delta ember fjord grove heath inlet jetty knoll larch maple north olive pines quarz ridge stone tulip".split()
SCENARIOS = """
name: tea
mode: {mode}
turns: {turns}
group_by: [leaf, mood]
sampling: {{bins: 3, candidates: 4, follow_weights: 0}}
assistant: You know tea.
system: You write about tea.
prompt: |
  Somebody {{{{ mood }}}} asks about {{{{ leaf }}}} tea at {{{{ degrees }}}} degrees.{{% if cup %}} They own a {{{{ cup }}}}.{{% endif %}}
variables:
  leaf: [green, black, white, oolong, yellow, smoked]
  mood: [cheerful, tired, hurried, curious]
  degrees: {{range: {{min: 60, max: 98, step: 2}}}}
  cup: {{values: [glass, bowl, mug], probability: 0.5}}
  {rounds}
constraints:
  - {{when: {{leaf: green}}, then: {{degrees: {{max: 80}}}}}}
"""


def settings_of(tmp_path: Path, server: TeacherServer | None, mode: str = "dialogue", turns: str = "1", count: int = 200) -> list[str]:
    """A workspace with one small document and a scenario file."""
    notes = tmp_path / "notes"
    notes.mkdir(exist_ok=True)
    row = {"instruction": "What is this note for?", "output": "It makes the collection not empty, so that the step has something to read."}
    (notes / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    file = tmp_path / "tea.yaml"
    rounds = "" if turns == "1" else "rounds: {range: {min: 1, max: 3, step: 1}}"
    file.write_text(SCENARIOS.format(mode=mode, turns=turns, rounds=rounds), encoding="utf-8")
    ours = [f"paths.workspace={tmp_path / 'ws'}", "collect.python_docs=[]", f"collect.folders=[{notes}]", "extract.teacher.retries=0"]
    ours += [f"extract.scenarios.file={file}", f"extract.scenarios.count={count}", "extract.teacher.concurrency=8"]
    return [*ours, *(server.settings if server else [])]


def run(config: Config) -> Outcome:
    return [run_step(step, config, STEPS) for step in (COLLECT, STEP)][1]


def draw_of(messages: Messages) -> int:
    return int(hashlib.sha256(messages[1]["content"].encode()).hexdigest(), 16)


def words_of(draw: int, count: int = 24) -> str:
    """Text of its own for each prompt."""
    return " ".join(WORDS[(draw >> 5 * n) % len(WORDS)] for n in range(count))


def reply(question: str, answer: str, turns: int = 1) -> str:
    exchanges = [{"user": f"{n} {question}" if n else question, "assistant": f"{n} {answer}" if n else answer} for n in range(turns)]
    return json.dumps({"turns": exchanges})


def well(messages: Messages) -> str:
    draw = draw_of(messages)
    return reply(f"How about {words_of(draw, 12)}?", f"Take {words_of(draw // 7)}.")


def mixed(messages: Messages) -> str | Cut:
    """About a third of the replies is no good, each for a reason of its own."""
    draw = draw_of(messages)
    kinds: dict[int, str | Cut] = {
        0: reply("Is this planted twice, in the very same words?", f"Yes, {words_of(1)} again and again."),
        1: reply(f"How about {words_of(draw, 12)}?", f"Near is {words_of(2, 40)} {WORDS[draw % 7]}."),
        2: "There is no JSON in here at all.",
        3: Cut('{"turns": [{"user": "What about'),
        4: reply(f"May I {words_of(draw, 12)}?", "I'm sorry, but I cannot help with that. " + words_of(draw)),
        5: reply(f"Who is {words_of(draw, 12)}?", f"Dear [Name], {words_of(draw)}"),
        6: "```json\n" + well(messages) + "\n```",
    }
    return kinds.get(draw % 20, well(messages))


def test_scenarios_alone_need_no_source_and_are_split_for_training(
    tmp_path: Path, teacher_server: TeacherServer, tiny_settings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    teacher_server.script = well
    settings = [*settings_of(tmp_path, teacher_server, count=60), "collect.folders=[]", *tiny_settings]
    with caplog.at_level("INFO", "gradus"):
        outcomes = {name: run_step(step, load_config(settings=settings), ALL) for name, step in list(ALL.items())[:5]}
    assert outcomes["01_collect"].summary["documents"] == 0
    assert "No source is named: nothing is collected" in caplog.text
    assert "has nothing to read" not in caplog.text
    assert (outcomes["02_extract"].summary["examples"], outcomes["02_extract"].summary["kinds"]) == (60, "scenario 60")
    parts = read_json(outcomes["05_prepare"].target / "statistics.json")["splits"]
    assert sum(part["examples"] - part["variants"] for part in parts.values()) == read_json(outcomes["03_curate"].target / "curation.json")["kept"]
    with pytest.raises(UserError, match="nothing to collect"):
        run_step(COLLECT, load_config(settings=[*settings, "extract.scenarios.file=''"]), ALL)


def test_two_hundred_with_duplicates_and_garbage(tmp_path: Path, teacher_server: TeacherServer) -> None:
    teacher_server.script = mixed
    config = load_config(settings=[*settings_of(tmp_path, teacher_server), "extract.scenarios.extra=1.0"])
    outcome = run(config)
    report = read_json(outcome.target / "scenarios.json")
    examples = [e for e in read_examples(outcome.target / "examples.jsonl") if e.kind == "scenario"]
    assert report["examples"] == len(examples) == 200
    assert report["duplicates"]["exact"] > 0
    assert report["duplicates"]["near"] > 0
    reasons = {"the reply is not of the asked form", "cut at max_tokens", "a refusal", "a placeholder that was not filled in"}
    assert set(report["dropped"]) == reasons
    assert report["asked"] == 200 + sum(report["dropped"].values()) + sum(report["duplicates"].values())
    assert len({e.question for e in examples}) == len({e.answer for e in examples}) == len({e.id for e in examples}) == 200
    assert report["coverage_kept"]["scenarios"] == 200
    assert report["coverage_asked"]["pair_coverage"] == 1.0
    assert report["usage"]["completion_tokens"] > 0
    assert outcome.summary["scenarios"] == f"200 of 200 wanted, {report['asked']} asked"


def test_examples_say_where_they_come_from_and_split_by_family(tmp_path: Path, teacher_server: TeacherServer) -> None:
    teacher_server.script = well
    config = load_config(settings=settings_of(tmp_path, teacher_server, count=60))
    examples = [e for e in read_examples(run(config).target / "examples.jsonl") if e.kind == "scenario"]
    for example in examples:
        values = example.meta["scenario"]
        assert example.group == f"scenarios/tea/leaf={values['leaf']}, mood={values['mood']}"
        assert example.meta["teacher"].startswith("scripted at http://127.0.0.1")
        assert example.meta["grounding"].startswith("none")
        assert [turn["role"] for turn in example.messages()] == ["system", "user", "assistant"]
        assert values["leaf"] != "green" or values["degrees"] <= 80
    assert len({(e.group, e.document_id) for e in examples}) == len({e.group for e in examples}) == len({e.document_id for e in examples})
    splits = split_examples(examples, config.prepare.split.model_copy(update={"valid": 0.2, "test": 0.2}), config.curate.near_duplicates, 1)
    families = [{e.group for e in part} for part in splits.parts().values()]
    assert all(families)
    assert sum(map(len, families)) == len(set.union(*families))


def test_killed_it_goes_on_and_asks_only_what_is_missing(tmp_path: Path, teacher_server: TeacherServer) -> None:
    settings = settings_of(tmp_path, teacher_server)
    run_step(COLLECT, load_config(settings=settings), STEPS)
    answered: list[str] = []

    def slow(messages: Messages) -> str | Hang:
        if len(answered) >= 60:
            return Hang()
        answered.append(messages[1]["content"])
        return well(messages)

    teacher_server.script = slow
    command = [sys.executable, str(PROJECT / "scripts" / "02_extract.py"), *(part for s in settings for part in ("--set", s))]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    cache = tmp_path / "ws" / "data" / ".cache" / "teacher"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None and sum(file.read_bytes().count(b"\n") for file in cache.glob("*.jsonl")) < 60:
        time.sleep(0.05)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it was still at work"
    teacher_server.requests.clear()
    teacher_server.script = well
    outcome = run(load_config(settings=settings))
    assert len(answered) == 60
    assert len(teacher_server.requests) == 200 - 60
    assert read_json(outcome.target / "scenarios.json")["usage"]["cached"] == 60


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("I'm sorry, but I can't help with that request at all, whatever it is.", "a refusal"),
        ("As an AI language model I do not drink tea, so I have no opinion on it.", "a refusal"),
        ("Sorry to hear that. I can see why it hurts; begin with two minutes a day.", ""),
        ("You say I cannot do this. Write down what you could do on a bad day.", ""),
        ("Dear [Your Name], begin with two minutes a day and see how that goes.", "a placeholder that was not filled in"),
        ("Dear {{ name }}, begin with two minutes a day and see how that goes.", "a placeholder that was not filled in"),
        ("Use `[names]` as it stands, and \\frac{a}{{b}} is no placeholder either.", ""),
        ("Yes.", "an answer shorter than min_answer_characters"),
        ("", "an empty question or answer"),
    ],
)
def test_what_is_no_good_is_told_from_what_is(answer: str, fault: str) -> None:
    assert fault_of([Turn("Why?", "Because of what you said before, and since you asked."), Turn("How?", answer)], 40) == fault


def test_a_raised_count_asks_only_for_more(tmp_path: Path, teacher_server: TeacherServer) -> None:
    teacher_server.script = well
    settings = settings_of(tmp_path, teacher_server, count=40)
    first = read_examples(run(load_config(settings=settings)).target / "examples.jsonl")
    teacher_server.requests.clear()
    more = run(load_config(settings=[*settings, "extract.scenarios.count=60"]))
    assert len(teacher_server.requests) == 20
    assert read_examples(more.target / "examples.jsonl")[: len(first)] == first
    (tmp_path / "tea.yaml").write_text((tmp_path / "tea.yaml").read_text().replace("bowl", "vase"), encoding="utf-8")
    assert run(load_config(settings=[*settings, "extract.scenarios.count=60"])).status == "done", "a changed file counts as a change"


def test_a_lost_scenario_is_asked_once_more_so_that_the_grid_stays_covered(tmp_path: Path, teacher_server: TeacherServer) -> None:
    refused: set[str] = set()

    def moody(messages: Messages) -> str:
        prompt = messages[1]["content"]
        if draw_of(messages) % 3 or prompt in refused:
            return well(messages)
        refused.add(prompt)
        return reply("May I?", "Sorry, I can't help with that, " + words_of(4))

    teacher_server.script = moody
    report = read_json(run(load_config(settings=settings_of(tmp_path, teacher_server, count=100))).target / "scenarios.json")
    assert report["dropped"]["a refusal"] > 20
    assert report["coverage_kept"]["pair_coverage"] == report["coverage_asked"]["pair_coverage"] == 1.0


def test_several_turns_become_context(tmp_path: Path, teacher_server: TeacherServer) -> None:
    def talk(messages: Messages) -> str:
        turns = int(messages[1]["content"].rpartition('"minItems": ')[2].partition(",")[0])
        draw = draw_of(messages)
        return reply(f"How about {words_of(draw, 12)}?", f"Take {words_of(draw // 7)}.", turns)

    teacher_server.script = talk
    outcome = run(load_config(settings=settings_of(tmp_path, teacher_server, turns="rounds", count=30)))
    examples = [e for e in read_examples(outcome.target / "examples.jsonl") if e.kind == "scenario"]
    assert len(examples) == 30
    assert {len(e.context) for e in examples} == {1, 3, 5}
    assert all(len(e.context) == 1 + 2 * (e.meta["scenario"]["rounds"] - 1) for e in examples)
    assert sum(read_json(outcome.target / "scenarios.json")["turns"].values()) == 30


def test_mode_answer_asks_the_prompt_itself(tmp_path: Path, teacher_server: TeacherServer) -> None:
    teacher_server.script = lambda messages: f"Steep it with {words_of(draw_of(messages))}."
    settings = settings_of(tmp_path, teacher_server, mode="answer", count=20)
    examples = [e for e in read_examples(run(load_config(settings=settings)).target / "examples.jsonl") if e.kind == "scenario"]
    assert len(examples) == 20
    assert all(e.question.startswith("Somebody ") and e.answer.startswith("Steep it with") for e in examples)
    assert all("schema" not in request["messages"][1]["content"].lower() for request in teacher_server.requests)


def test_the_extra_scenarios_are_bounded(tmp_path: Path, teacher_server: TeacherServer, caplog: pytest.LogCaptureFixture) -> None:
    teacher_server.script = lambda messages: reply("Is it always the same?", f"Yes, it is {words_of(3)}.")
    settings = [*settings_of(tmp_path, teacher_server, count=20), "extract.scenarios.extra=0.25"]
    report = read_json(run(load_config(settings=settings)).target / "scenarios.json")
    assert (report["asked"], report["examples"], report["duplicates"]["exact"]) == (25, 1, 24)
    assert "1 of 20 scenario examples were made" in caplog.text


def test_nothing_usable_is_an_error_that_says_why(tmp_path: Path, teacher_server: TeacherServer) -> None:
    teacher_server.script = lambda messages: Cut("half a")
    with pytest.raises(UserError, match=r"no example came out of 15 scenarios .*cut at max_tokens"):
        run(load_config(settings=settings_of(tmp_path, teacher_server, count=10)))


def test_a_refused_request_is_told_from_a_reply_of_another_form(tmp_path: Path, teacher_server: TeacherServer) -> None:
    teacher_server.script = lambda messages: Status(400) if draw_of(messages) % 3 else "There is no JSON in here."
    with pytest.raises(UserError, match="mostly: the request failed"):
        run(load_config(settings=settings_of(tmp_path, teacher_server, count=10)))


def test_bad_replies_that_are_kept_can_be_asked_for_again_as_the_message_says(tmp_path: Path, teacher_server: TeacherServer) -> None:
    teacher_server.script = lambda messages: "There is no JSON in here at all."
    settings = settings_of(tmp_path, teacher_server, count=10)
    for _ in range(2):
        with pytest.raises(UserError, match=r"mostly: the reply is not of the asked form") as caught:
            run(load_config(settings=settings))
        asked = len(teacher_server.requests)
    cache = tmp_path / "ws" / "data" / ".cache" / "teacher"
    assert str(cache) in str(caught.value.cure)
    assert "extract.scenarios.temperature" in str(caught.value.cure)
    teacher_server.script = well
    with pytest.raises(UserError, match="not of the asked form"):
        run(load_config(settings=settings))
    assert len(teacher_server.requests) == asked, "all replies came from the cache"
    assert run(load_config(settings=[*settings, "extract.scenarios.temperature=0.31"])).summary["scenarios"].startswith("10 of 10")
    next(cache.glob("*.jsonl")).unlink()
    assert run(load_config(settings=settings)).summary["scenarios"].startswith("10 of 10")


def test_a_dry_run_asks_nothing_and_writes_nothing(tmp_path: Path, teacher_server: TeacherServer) -> None:
    config = load_config(settings=settings_of(tmp_path, teacher_server))
    run_step(COLLECT, config, STEPS)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    outcome = run_step(STEP, config, STEPS, dry_run=True)
    assert outcome.status == "would run"
    assert str(outcome.summary["scenarios"]).startswith("200")
    assert "100.00%" in str(outcome.summary["pairs covered"])
    assert outcome.summary["requests to the teacher"] == 200
    assert teacher_server.requests == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_no_teacher_is_an_error_that_names_the_key(tmp_path: Path) -> None:
    config = load_config(settings=settings_of(tmp_path, None))
    run_step(COLLECT, config, STEPS)
    for dry in (True, False):
        with pytest.raises(UserError, match=r"extract\.teacher\.kind"):
            run_step(STEP, config, STEPS, dry_run=dry)
