"""Talk with the current model in the terminal: its answers appear as they are generated, in this process."""

from __future__ import annotations

import logging
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradus.chat import Messages, prompt_tokens
from gradus.cli import Ended, write_line
from gradus.config import Config
from gradus.config.serve import Serve
from gradus.errors import UserError
from gradus.models import context_of, load_with_config
from gradus.serve.current import Current

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger(__name__)
COMMANDS = """\
/reset   forget the conversation
/quit    leave (Ctrl-D and Ctrl-C do too; during an answer Ctrl-C stops it)"""
REFRESHES_PER_SECOND = 8


class Model:
    """A loaded model that answers conversations piece by piece."""

    def __init__(self, current: Current, settings: Serve) -> None:
        served = current.served
        self._settings = settings
        self._model, self._tokenizer, config = load_with_config(served.model, served.adapter)
        self._context = context_of(config)

    def answer(self, messages: Messages) -> Iterator[str]:
        """The pieces of an answer, without control characters, which could do as they please with a terminal."""
        from mlx_lm.generate import stream_generate
        from mlx_lm.sample_utils import make_sampler

        sampler = make_sampler(self._settings.temperature, top_p=self._settings.top_p)
        tokens = prompt_tokens(self._tokenizer, messages)
        room = min(self._settings.max_tokens, self._context - len(tokens))
        for response in stream_generate(self._model, self._tokenizer, tokens, max_tokens=room, sampler=sampler):
            yield clean(response.text)

    def fitting(self, messages: Messages) -> Messages:
        """The conversation without its oldest turns, so far as they leave no room for an answer.

        Raises:
            UserError: when the last question alone is too long.
        """
        system = [message for message in messages if message["role"] == "system"]
        turns = messages[len(system) :]
        while len(prompt_tokens(self._tokenizer, system + turns)) + self._room() > self._context:
            if len(turns) == 1:
                raise UserError(f"the question is too long: the model reads {self._context:,} tokens, answer included", cure="Ask a shorter one")
            turns = turns[2:]
        return system + turns

    def _room(self) -> int:
        """Tokens kept free for an answer: what it may take, but never more than a quarter of what the model reads."""
        return min(self._settings.max_tokens, self._context // 4)


def clean(text: str) -> str:
    """`text` without control characters, line ends and tabs apart."""
    return "".join(character for character in text if character in "\n\t" or unicodedata.category(character) != "Cc")


@dataclass(frozen=True)
class Conversation:
    """What has been said, the system prompt apart."""

    system: str
    turns: tuple[tuple[str, str], ...] = ()

    def asking(self, question: str) -> Messages:
        """The messages that end with this question."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        for asked, answered in self.turns:
            messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        return [*messages, {"role": "user", "content": question}]


def talk(current: Current, config: Config) -> int:
    """Read questions until /quit or the end of the input, and answer them; returns the exit code."""
    conversation = Conversation(config.serve.system_prompt or config.prepare.system_prompt)
    screen = _screen()
    model = Model(current, config.serve)
    log.info("Talking to %s. /quit leaves, /help tells more.", current.served)
    for line in _lines(screen):
        if line == "/quit":
            break
        if current.refresh():
            model = Model(current, config.serve)
        if line == "/reset":
            conversation = Conversation(conversation.system)
            log.info("The conversation is forgotten.")
        elif line.startswith("/") and " " not in line:
            write_line(COMMANDS if line == "/help" else f"There is no {clean(line)}.\n{COMMANDS}")
        elif line:
            conversation = _turn(model, conversation, line, screen)
    return 0


def _turn(model: Model, conversation: Conversation, question: str, screen: Console | None) -> Conversation:
    """Ask, show the answer, and remember both; an answer that was stopped is remembered as far as it went."""
    asked = conversation.asking(question)
    try:
        messages = model.fitting(asked)
    except UserError as error:
        log.error("%s", error)
        return conversation
    if dropped := (len(asked) - len(messages)) // 2:
        log.info("The conversation is longer than the model reads: %d turn%s left out.", dropped, "s are" if dropped > 1 else " is")
    answer = show_answer(model.answer(messages), screen)
    kept = conversation.turns[dropped:]
    return Conversation(conversation.system, (*kept, (question, answer)))


def show_answer(pieces: Iterator[str], screen: Console | None) -> str:
    """Show an answer while it comes; returns it whole, or as far as it got before Ctrl-C."""
    parts: list[str] = []
    try:
        if screen is None:
            for piece in pieces:
                parts.append(piece)
                _write(piece)
        else:
            _show_live(pieces, parts, screen)
    except Ended:
        raise
    except KeyboardInterrupt:
        log.info("Stopped.")
    if screen is None:
        write_line("")
    return "".join(parts).strip()


def _write(piece: str) -> None:
    """Part of a line, at once; what the terminal's encoding lacks is written as its escape."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(piece.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _show_live(pieces: Iterator[str], parts: list[str], screen: Console) -> None:
    """As Markdown: while it comes as much as fits on the screen, then the whole of it."""
    from rich.live import Live
    from rich.markdown import Markdown

    try:
        with Live(console=screen, transient=True, refresh_per_second=REFRESHES_PER_SECOND, vertical_overflow="ellipsis") as live:
            for piece in pieces:
                parts.append(piece)
                live.update(Markdown(_last_lines(parts, screen.height)))
    finally:
        screen.print(Markdown("".join(parts)))


def _last_lines(parts: Sequence[str], height: int) -> str:
    return "\n".join("".join(parts).splitlines()[-max(4, height - 4) :])


def _screen() -> Console | None:
    """The terminal; None when input or output is none, where plain text is right."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    from rich.console import Console

    return Console()


def _lines(screen: Console | None) -> Iterator[str]:
    """What is typed, line by line, with the arrow keys for earlier lines; or the lines of a file."""
    if screen is None:
        for raw in sys.stdin.buffer:
            yield raw.decode("utf-8", "replace").strip()
        return
    import readline  # noqa: F401  gives input() its history

    while True:
        try:
            yield input("> ").strip()
        except Ended:
            raise
        except (EOFError, KeyboardInterrupt):
            write_line("")
            return
