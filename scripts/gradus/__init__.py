"""Gradus: from a folder of documents to a graded, promoted, exported language model on one machine.

One package a step (`collect` … `export`) over a shared floor: `config`, `step`, `cli`, `log`, `records`,
`files`, `models`, `backend`. A room imports the floor, never another room; what passes between rooms is files.
"""

import sys

__version__ = "0.1.0"

if sys.version_info < (3, 11):  # noqa: UP036  told here, where an older one would stop with a trace at its first import
    sys.exit(f"Gradus needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}. Run: source .venv/bin/activate")
