"""Answers as JSON: repaired once, asked for again once, and failures that say why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradus.teacher import Failure, Unusable, ask_json, open_teacher
from gradus.teacher.schema import mistake

from ..teacher_server import Cut, Status, TeacherServer
from .conftest import Settings, ask

SCHEMA = {
    "type": "object",
    "properties": {"words": {"type": "array", "items": {"type": "string"}, "minItems": 1}, "sure": {"type": "boolean"}},
    "required": ["words"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "text",
    [
        '{"words": ["a"]}',
        '```json\n{"words": ["a"]}\n```',
        "{'words': ['a',]}",
        'Here you are: {"words": ["a"]}',
        '<think>hm</think>{"words": ["a"]',
    ],
    ids=["plain", "fenced", "quotes", "prose", "open"],
)
def test_what_can_be_read(text: str, teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.script = lambda _: text
    with open_teacher(settings(), tmp_path) as teacher:
        assert list(ask_json(teacher, [ask("q", SCHEMA)])) == [(0, {"words": ["a"]})]
    assert len(teacher_server.requests) == 1


def test_the_second_try_sees_its_error(teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.script = lambda messages: '{"words": ["a"]}' if len(messages) > 1 else '{"words": []}'
    with open_teacher(settings(), tmp_path) as teacher:
        assert list(ask_json(teacher, [ask("q", SCHEMA)])) == [(0, {"words": ["a"]})]
    question, answer, complaint = teacher_server.requests[1]["messages"]
    assert question["content"].startswith("q")
    assert answer == {"role": "assistant", "content": '{"words": []}'}
    assert "the answer.words must have at least 1 items" in complaint["content"]


@pytest.mark.parametrize(
    ("said", "reason", "requests"),
    [
        ("I cannot do that.", "no usable JSON at the second try (it is not JSON", 2),
        ('{"other": 1}', "second try (the answer lacks the key 'words')", 2),
        (Cut('{"words": ["half a se'), "cut at 50 tokens", 1),
        (Cut("[" * 100_000), "cut at 50 tokens", 1),
        ("[" * 100_000, "no usable JSON at the second try", 2),
        (Status(400), "the server refuses it", 2),  # once with response_format, once without
    ],
    ids=["prose", "schema", "cut", "brackets cut", "brackets", "status"],
)
def test_what_fails(said: str | Cut | Status, reason: str, requests: int, teacher_server: TeacherServer, settings: Settings, tmp_path: Path) -> None:
    teacher_server.script = lambda messages: said if "bad" in messages[0]["content"] else '{"words": ["a"]}'
    with open_teacher(settings(), tmp_path) as teacher:
        found = dict(ask_json(teacher, [ask("bad", SCHEMA), ask("good", SCHEMA)]))
    assert isinstance(found[0], Failure)
    assert isinstance(found[0], Unusable) == ("second try" in reason)
    assert reason in found[0].reason
    assert found[1] == {"words": ["a"]}
    assert len(teacher_server.requests) == requests + 1


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"words": ["a"], "sure": True}, None),
        ([], "the answer must be object"),
        ({"words": ["a", 1]}, "the answer.words[1] must be string"),
        ({"words": ["a"], "sure": 1}, "the answer.sure must be boolean"),
        ({"words": ["a"], "more": 1}, "the answer has the unknown key 'more'"),
        ({}, "the answer lacks the key 'words'"),
    ],
)
def test_schema(value: Any, wrong: str | None) -> None:
    assert mistake(value, SCHEMA) == wrong


@pytest.mark.parametrize(
    ("value", "schema", "wrong"),
    [
        (True, {"type": "integer"}, "the answer must be integer"),
        (None, {"type": ["string", "null"]}, None),
        ("c", {"enum": ["a", "b"]}, "the answer must be one of ['a', 'b']"),
        ("abc", {"type": "string", "maxLength": 2}, "the answer must have at most 2 characters"),
        ([1], {"type": "array", "minItems": 2}, "the answer must have at least 2 items"),
        (2, {"type": "number"}, None),
    ],
)
def test_schema_keywords(value: Any, schema: dict[str, Any], wrong: str | None) -> None:
    assert mistake(value, schema) == wrong


def test_an_unknown_keyword_is_no_silent_pass() -> None:
    with pytest.raises(ValueError, match="pattern"):
        mistake("a", {"type": "string", "pattern": "b"})
