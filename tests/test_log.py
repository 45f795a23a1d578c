"""Messages for people and for programs, and progress on a terminal and elsewhere."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradus import log

from .terminal import in_terminal


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    log.close()
    logging.getLogger("gradus").propagate = True


def rows(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_screen_shows_its_level_and_the_file_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reports" / "x" / "log.jsonl"
    log.set_up("warning", file)
    logger = logging.getLogger("gradus.room")
    for level in ("debug", "info", "warning"):
        getattr(logger, level)("%s äöü", level)
    assert capsys.readouterr().err == "WARNING warning äöü\n"
    logger.debug("a file name that is no text: \udc80")
    assert [(row["level"], row["logger"]) for row in rows(file)] == [(level, "gradus.room") for level in ("DEBUG", "INFO", "WARNING", "DEBUG")]
    assert rows(file)[0]["message"] == "debug äöü"
    assert rows(file)[3]["message"] == "a file name that is no text: \udc80"


def test_file_is_continued_not_replaced(tmp_path: Path) -> None:
    for word in ("one", "two"):
        log.set_up("error", tmp_path / "log.jsonl")
        logging.getLogger("gradus.room").info(word)
    assert [row["message"] for row in rows(tmp_path / "log.jsonl")] == ["one", "two"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_log_that_cannot_be_written_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    log.set_up("info", tmp_path / "log.jsonl")
    for number in range(3):
        logging.getLogger("gradus.room").info("message %d", number)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "INFO message 0"
    assert [line for line in lines if "cannot be written" in line] == [lines[1]]
    assert lines[2:] == ["INFO message 1", "INFO message 2"]


def test_progress_without_a_terminal_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(log, "PLAIN_INTERVAL_SECONDS", 0.0)
    log.set_up("info")
    with log.progress("Counting", 4, start=1) as advance:
        for loss in ("3.0", "2.0", "1.0"):  # the first one starts the clock
            advance(1, f"loss {loss}")
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"INFO Counting 3/4 loss 2\.0, \d+ s left", first)
    assert re.fullmatch(r"INFO Counting 4/4 loss 1\.0, 0 s left", second)


PROGRAM = """
import logging, time
from gradus.log import progress, set_up
set_up("info")
with progress("training", 30) as advance:
    for number in range(30):
        advance(1, "loss 5.844, validation 5.904, 2,445 tokens/s and more that has no room")
        time.sleep(0.005)
        if number == 10:
            logging.getLogger("gradus.room").info("a message in between")
"""


@pytest.mark.parametrize("columns", [60, 200])
def test_progress_on_a_terminal_cuts_the_note_never_the_numbers(columns: int) -> None:
    shown = in_terminal(PROGRAM, COLUMNS=str(columns))
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown))
    bars = [line for line in lines if line.startswith("training")]
    assert any("a message in between" in line for line in lines)
    assert all(re.search(r" \d+/30 (\d+ s) (left|so far)", line) for line in bars)
    assert any(line.rstrip().endswith("no room") for line in bars) == (columns == 200)
    assert all(len(line.split("INFO")[0]) <= columns for line in bars)


STEPPED = """
import time
from gradus.log import aside, progress, set_up, working
set_up("info")
with working("07_evaluate", "last time 41 s"):
    time.sleep(0.25)
    with progress("Answering", 3) as advance:
        for name in ("base", "tuned", "tuned"):
            advance(1, name)
            time.sleep(0.15)
    with aside():
        print("somebody else's bar", flush=True)
    time.sleep(0.25)
"""


def test_a_bar_takes_the_place_of_the_step_that_works() -> None:
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", in_terminal(STEPPED, COLUMNS="100"))
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    kinds = [line.split()[0] for line in lines]
    runs = [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]
    assert runs == ["07_evaluate", "Answering", "07_evaluate", "somebody", "07_evaluate"]
    assert any(re.search(r"\d s so far\s+last time 41 s", line) for line in lines)
    assert any(re.search(r"3/3 0 s left\s+tuned", line) for line in lines)


@pytest.mark.parametrize("settings", [{"TERM": "dumb"}, {"TERM": "unknown"}])
def test_a_terminal_that_cannot_redraw_gets_plain_lines(settings: dict[str, str]) -> None:
    program = PROGRAM.replace("import logging, time", "import logging, time\nimport gradus.log\ngradus.log.PLAIN_INTERVAL_SECONDS = 0.02")
    text = in_terminal(program, **settings)
    assert "\x1b" not in text
    assert re.search(r"^INFO training \d+/30 loss 5.844.*, 0 s left\r?$", text, re.MULTILINE)


def test_no_color_leaves_no_colour() -> None:
    assert re.findall(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|38)", in_terminal(PROGRAM, NO_COLOR="1", TERM="xterm-256color")) == []


@pytest.mark.parametrize(
    ("folder", "text", "shown"),
    [
        ("/srv", "/srv/x.json: bad, see (/srv/y) and '/srv/z'", "x.json: bad, see (y) and 'z'"),
        ("/srv", "/var/srv/x, file:///srv/x, /srv and /srvx/y", "/var/srv/x, file:///srv/x, /srv and /srvx/y"),
        ("/", "http://127.0.0.1:8080/v1 of /etc//x", "http://127.0.0.1:8080/v1 of /etc//x"),
    ],
)
def test_paths_are_told_from_the_current_folder(folder: str, text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: Path(folder))
    assert log.from_here(text) == shown


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (-1, "0 s")])
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert log.duration(seconds) == text
