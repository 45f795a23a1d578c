"""The reading processes: order, limits, crashes, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gradus.collect import child
from gradus.collect.child import read_files
from gradus.collect.readers import FileReading, ReadOptions, options_of
from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.errors import GradusError

OPTIONS = options_of(load_config().collect)
READERS = """
import ctypes, os, re, socket, subprocess, time
from gradus.collect.readers import FileReading

def sleep(path, options): time.sleep(60)
def hang(path, options): re.match(r"(a+)+$", "a" * 60 + "b")  # holds the interpreter, as a C parser does
def eat(path, options): kept = [bytearray(10_000_000) for _ in range(40)]
def crash(path, options): ctypes.string_at(0)
def leave(path, options): os._exit(3)
def chat(path, options): print("{}", flush=True); return FileReading("empty", "printed")
def connect(path, options): socket.create_connection(("127.0.0.1", 9))
def shell(path, options): subprocess.run(["true"])
def who(path, options): return FileReading("empty", str(os.getpid()))
def swell(path, options): kept = bytearray(b"x") * 200_000_000; return FileReading("empty", str(os.getpid()))
"""
NAMES = "sleep hang crash leave chat connect shell eat who swell".split()


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReadOptions:
    """Limits of two seconds and 300 MB, and readers that misbehave, for files named after them."""
    (tmp_path / "bad_readers.py").write_text(READERS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return replace(OPTIONS, timeout=2.0, memory=300_000_000, readers={f".{name}": f"bad_readers:{name}" for name in NAMES})


def made(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_text(f"text of {name}", encoding="utf-8")
    return [folder / name for name in names]


def still_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def gone(processes: list[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while any(map(still_there, processes)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(still_there, processes))


def test_every_file_is_answered_for_in_order_whatever_the_ones_before_did(tmp_path: Path, options: ReadOptions) -> None:
    paths = made(tmp_path, "0.md", *(f"{number}.{kind}" for number, name in enumerate(NAMES[:7]) for kind in (name, "md")))
    readings = list(read_files(paths, options, 2))
    assert [reading.found.title if reading.found else "" for reading in readings] == [path.name if path.suffix == ".md" else "" for path in paths]
    answers = {path.suffix[1:]: reading for path, reading in zip(paths, readings, strict=True)}
    assert {name: answers[name].status for name in NAMES[:7]} == {
        "sleep": "timed out", "hang": "timed out", "crash": "broken", "leave": "broken",
        "chat": "empty", "connect": "broken", "shell": "broken",
    }  # fmt: skip
    assert "collect.file_timeout_seconds" in answers["hang"].reason
    assert "SIGSEGV" in answers["crash"].reason
    assert "exit status 3" in answers["leave"].reason
    assert "may not use socket" in answers["connect"].reason
    assert "may not use subprocess" in answers["shell"].reason


def test_a_file_that_eats_memory_is_named_and_the_next_one_read(tmp_path: Path, options: ReadOptions) -> None:
    eaten, after = read_files(made(tmp_path, "a.eat", "b.md"), replace(options, timeout=60.0), 1)
    assert (eaten.status, after.status) == ("out of memory", "text")
    assert "300 MB (collect.file_memory_mb)" in eaten.reason


def test_one_process_reads_many_files_and_one_that_has_swollen_is_replaced(tmp_path: Path, options: ReadOptions) -> None:
    paths = made(tmp_path, "a.who", "b.who", "c.swell", "d.who")
    first, second, swollen, after = (reading.reason for reading in read_files(paths, options, 1))
    assert first == second == swollen != after
    assert gone([int(first), int(after)], 1)


def test_the_parents_watch_alone_ends_what_takes_too_much(tmp_path: Path, options: ReadOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, where the system holds no process to a limit of its memory."""
    monkeypatch.setattr(child, "_resident", lambda process: options.memory + 1)
    (reading,) = read_files(made(tmp_path, "a.sleep"), replace(options, timeout=30.0), 1)
    assert reading.status == "out of memory"


def test_ps_tells_the_memory_where_there_is_no_proc() -> None:
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    assert 0.5 < child._resident(os.getpid()) / (int(done.stdout) * 1024) < 2


def test_stopping_early_leaves_no_process(tmp_path: Path, options: ReadOptions) -> None:
    readings = read_files(made(tmp_path, "a.who", "b.sleep"), replace(options, timeout=30.0), 1)
    assert isinstance(readings, Iterator)
    with closing(readings):  # type: ignore[type-var]
        process = int(next(readings).reason)
        assert still_there(process)
    assert gone([process], 1)


def test_a_killed_parent_leaves_no_process(tmp_path: Path, options: ReadOptions) -> None:
    paths = made(tmp_path, "a.who", "b.hang")
    script = (
        "import json, sys; from pathlib import Path; from gradus.collect.child import read_files; from gradus.collect.readers import ReadOptions\n"
        "for reading in read_files([Path(p) for p in sys.argv[2:]], ReadOptions(**json.loads(sys.argv[1])), 1):\n"
        "    sys.stdout.write(reading.reason + '\\n'); sys.stdout.flush()\n"
    )
    import json
    from dataclasses import asdict

    environment = {**os.environ, "PYTHONPATH": f"{PROJECT / 'scripts'}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-c", script, json.dumps(asdict(options)), *map(str, paths)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        reader = int(parent.stdout.readline())
        time.sleep(0.3)  # by now it hangs in the second file
        assert still_there(reader)
        parent.send_signal(signal.SIGKILL)
    assert gone([reader], 2 + 2 + 2), "its alarm ends it when it cannot notice the closed pipe"


def test_a_few_small_files_start_one_process_and_none_start_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[ReadOptions] = []

    class Counted(child._Child):
        def __init__(self, options: ReadOptions) -> None:
            started.append(options)
            super().__init__(options)

    monkeypatch.setattr(child, "_Child", Counted)
    assert list(read_files([], OPTIONS, 8)) == []
    assert started == []
    assert [reading.status for reading in read_files(made(tmp_path, "a.md", "b.md", "c.txt"), OPTIONS, 8)] == ["text"] * 3
    assert len(started) == 1


def test_a_python_that_cannot_start_is_an_error_with_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('no luck')", encoding="utf-8")
    monkeypatch.setattr(child, "PROJECT", tmp_path)
    with pytest.raises(GradusError, match="cannot be started"):
        list(read_files(made(tmp_path, "a.md"), OPTIONS, 1))


def test_a_reading_survives_the_way_between_processes(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"question": "\\ud83d Ü", "answer": "b"}\nbroken\n', encoding="utf-8")
    (reading,) = read_files([tmp_path / "a.jsonl"], OPTIONS, 1)
    assert isinstance(reading, FileReading)
    assert reading.found is not None
    assert (reading.found.format, reading.found.source) == ("rows", str(tmp_path / "a.jsonl"))
    assert reading.faults == ("line 2: not valid JSON (Expecting value at column 1)",)
