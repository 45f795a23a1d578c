"""Programs of others that an export can use: Ollama and llama.cpp's quantizer."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


def run_program(words: Sequence[str]) -> tuple[int, str]:
    """Run a program without a shell; its exit code, and the last line of what it said, its errors before its output."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, errors="replace")
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()] or ["it said nothing"]
    return done.returncode, lines[-1].strip()
