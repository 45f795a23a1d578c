"""A real terminal for the tests, of the operating system's own kind."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def in_terminal(program: str, *arguments: str, **settings: str) -> str:
    """What a program in Python writes on a terminal, its control sequences included; `settings` go into its environment."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    master, slave = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=slave, stderr=slave, env=environment | settings)
    os.close(slave)
    shown = b""
    try:
        while block := os.read(master, 4096):
            shown += block
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(master)
    assert process.wait(timeout=60) == 0
    return shown.decode()
