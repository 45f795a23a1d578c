"""How the training process is ended, and that two never work in one folder. The child is a few lines of Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradus.config.load import PROJECT
from gradus.leftover import remove_folder
from gradus.train import child
from gradus.train.child import run_child
from gradus.train.group import Stop

from .conftest import JobMaker

SLOW = """
import sys, time
from pathlib import Path
told = Path(sys.argv[1]).with_name("told")
for word, seconds in (("start", 0.5), ("end", 0)):
    with told.open("a") as stream:
        stream.write(word + "\\n")
    time.sleep(seconds)
"""
PARENT = """
import sys
from pathlib import Path
from gradus.train.child import run_child
run_child(Path(sys.argv[1]), 1, (sys.executable, "-c", sys.argv[2]))
"""
DEAF = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"event": "interrupted"}', flush=True)
time.sleep(60)
"""


def killed_parent_of(job: Path) -> Path:
    """Kill a run while its training process works; gives the file in which that one tells of its end, in a while."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(job), SLOW], cwd=PROJECT / "scripts", stderr=subprocess.DEVNULL)
    told, deadline = job.with_name("told"), time.monotonic() + 60
    while not told.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    return told


def test_after_a_kill_the_next_run_waits_for_the_old_training_process(make_job: JobMaker) -> None:
    job = make_job("killed")
    told = killed_parent_of(job)
    run_child(job, 1, (sys.executable, "-c", SLOW))
    assert told.read_text().split() == ["start", "end", "start", "end"]


def test_a_folder_is_not_removed_under_the_old_training_process(make_job: JobMaker, tmp_path: Path) -> None:
    """As with --force, or with another setting, after `kill -9`."""
    job = make_job("killed")
    told = killed_parent_of(job)
    kept = tmp_path / "kept"
    os.link(told, kept)
    remove_folder(job.parent)
    assert kept.read_text().split() == ["start", "end"]
    assert not job.parent.exists()


def test_a_child_that_does_not_end_when_asked_is_killed(make_job: JobMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "STOP_SECONDS", 0.2)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_child(make_job("deaf"), 1, (sys.executable, "-c", DEAF))
    assert time.monotonic() - begun < 30


def test_every_way_to_end_a_program_asks_to_stop_unless_it_is_to_be_ignored(tmp_path: Path) -> None:
    kinds = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {kind: signal.getsignal(kind) for kind in kinds}
    try:
        for kind in kinds:
            stop = Stop(tmp_path, {})
            assert not stop()
            signal.raise_signal(kind)
            assert stop()
            signal.signal(kind, signal.SIG_IGN)
            Stop(tmp_path, {})
            assert signal.getsignal(kind) == signal.SIG_IGN
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
