"""The terminal chat: with a real model, through a pipe and in a real terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from gradus.cli import Ended
from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.errors import UserError
from gradus.models import generate_answers, load_model
from gradus.registry import Registry
from gradus.serve.chat import Conversation, Model, clean, show_answer
from gradus.serve.current import Current

QUESTION = "What does sine return?"


def command(workspace: Path, *flags: str) -> list[str]:
    settings = ("--set", f"paths.workspace={workspace}", "--set", "serve.max_tokens=12", *flags)
    return [sys.executable, str(PROJECT / "scripts" / "chat.py"), *settings]


def model_of(workspace: Path, *settings: str) -> Model:
    serve = load_config(settings=list(settings)).serve
    return Model(Current(Registry(workspace), serve), serve)


def test_through_a_pipe_only_the_answers_are_written(registered: Path) -> None:
    lines = [QUESTION, "/what", "/reset", QUESTION, "/quit", "never asked"]
    done = subprocess.run(command(registered), input="\n".join(lines), capture_output=True, text=True, timeout=120, check=False)
    version = Registry(registered).get_latest()
    model, tokenizer = load_model(version.base.path, Registry(registered).folder_of(version))
    answer = generate_answers(model, tokenizer, [[{"role": "user", "content": QUESTION}]], max_tokens=12, batch_size=1)[0].text
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(answer) == 2
    assert "There is no /what.\n/reset   forget" in done.stdout
    assert "Talking to v2 (grade B, 75.5 %; base and adapter; base built-in tiny base)" in done.stderr
    assert "The conversation is forgotten." in done.stderr


def _take_terminal() -> None:
    """In the child: make its standard input the terminal that controls it, so that Ctrl-C becomes a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program in a pseudo-terminal, as a person has it before them."""

    def __init__(self, words: list[str]) -> None:
        self._screen, side = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
        self.process = subprocess.Popen(
            words, stdin=side, stdout=side, stderr=side, env=environment, start_new_session=True, preexec_fn=_take_terminal
        )
        os.close(side)
        self.text = ""

    def type(self, line: str) -> None:
        os.write(self._screen, line.encode())

    def wait_for(self, pattern: str, seconds: float = 60) -> None:
        """Read on until `pattern` has come, and forget what came up to its end."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < end, f"never came: {pattern!r} in {self.text!r}"
            if select.select([self._screen], [], [], 0.2)[0]:
                self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(self._screen, 4096).decode(errors="replace"))
        self.text = self.text[found.end() :]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)


def test_in_a_terminal_it_follows_a_rollback_and_leaves_on_quit(workspace: Path) -> None:
    terminal = Terminal(command(workspace))
    try:
        terminal.wait_for("Talking to v2")
        terminal.wait_for("> ")
        terminal.type(f"{QUESTION}\n")
        terminal.wait_for(r"sine return\?\r\n(.|\n)*\w+(.|\n)*> ")
        Registry(workspace).rollback_model(reason="test")
        terminal.type("And cosine?\n")
        terminal.wait_for(r"takes\s+the\s+place\s+of\s+v2")
        terminal.wait_for("> ")
        terminal.type("/quit\n")
        assert terminal.process.wait(30) == 0
    finally:
        terminal.close()


def test_a_conversation_carries_what_was_said_and_the_system_prompt() -> None:
    messages = Conversation("Be brief.", (("One?", "1"),)).asking("Two?")
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert [message["content"] for message in messages] == ["Be brief.", "One?", "1", "Two?"]
    assert Conversation("").asking("Two?") == [{"role": "user", "content": "Two?"}]


def test_the_oldest_turns_go_when_the_model_reads_no_more(registered: Path) -> None:
    """The tiny base reads 256 tokens, of which a quarter is kept for the answer."""
    model = model_of(registered)
    turns = tuple((f"question {number} " * 5, "answer " * 5) for number in range(8))
    asked = Conversation("Be brief.", turns).asking(QUESTION)
    kept = model.fitting(asked)
    assert 3 < len(kept) < len(asked)
    assert kept == [asked[0], *asked[-len(kept) + 1 :]]
    assert kept[1]["role"] == "user"
    assert "".join(model.answer(kept))
    with pytest.raises(UserError, match="the question is too long: the model reads 256 tokens"):
        model.fitting(Conversation("").asking("long " * 300))


def test_an_answer_cannot_steer_the_terminal() -> None:
    assert clean("a\x1b[2J\x07b\n\tc\x9b1mü…") == "a[2Jb\n\tc1mü…"


@pytest.mark.parametrize("console", [None, Console(file=io.StringIO())])
def test_a_stopped_answer_is_kept_as_far_as_it_went(console: Console | None, capsys: pytest.CaptureFixture[str]) -> None:
    def pieces() -> Iterator[str]:
        yield "So "
        yield "far"
        raise KeyboardInterrupt

    assert show_answer(pieces(), console) == "So far"
    assert (capsys.readouterr().out == "So far\n") is (console is None)


def test_kill_ends_the_program_and_not_only_the_answer() -> None:
    def pieces() -> Iterator[str]:
        yield "So"
        raise Ended

    with pytest.raises(Ended):
        show_answer(pieces(), None)


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_leave_at_the_prompt(registered: Path, key: str) -> None:
    terminal = Terminal(command(registered))
    try:
        terminal.wait_for("Talking to v2")
        terminal.wait_for("> ")
        terminal.type(key)
        try:
            terminal.process.wait(5)
        except subprocess.TimeoutExpired:  # Python's readline misses a signal just between the prompt and its waiting: one presses again
            terminal.type(key)
        assert terminal.process.wait(30) == 0
    finally:
        terminal.close()
