"""K-quants through llama.cpp's own `llama-quantize`, which the `gguf` package cannot write."""

from __future__ import annotations

import os
from pathlib import Path

from gradus.errors import GradusError, UserError
from gradus.export.programs import run_program

VARIABLE = "LLAMA_CPP_DIR"
PLACES = ("build/bin", "bin", ".")


def quantize_tool() -> Path:
    """The `llama-quantize` of the llama.cpp build that `LLAMA_CPP_DIR` names.

    Raises:
        UserError: when the variable is not set or there is no such program; it says how to get it.
    """
    folder = os.environ.get(VARIABLE, "")
    found = [Path(folder) / place / "llama-quantize" for place in PLACES] if folder else []
    tool = next((path for path in found if os.access(path, os.X_OK)), None)
    if tool is None:
        what = f"K-quants need llama-quantize of llama.cpp, and {VARIABLE} " + (f"({folder}) has none" if folder else "is not set")
        cure = (
            "brew install llama.cpp and export LLAMA_CPP_DIR=$(brew --prefix llama.cpp), or clone https://github.com/ggml-org/llama.cpp, run "
            "cmake -B build && cmake --build build --target llama-quantize in it and export LLAMA_CPP_DIR to that folder; or take gguf-q4_0"
        )
        raise UserError(what, where="export.formats", cure=cure)
    return tool


def quantize_file(tool: Path, source: Path, target: Path, kind: str) -> None:
    """Run `llama-quantize source target KIND`.

    Raises:
        GradusError: when it fails, with its last line.
    """
    code, said = run_program([str(tool), str(source), str(target), kind.upper()])
    if code or not target.is_file():
        raise GradusError(f"llama-quantize failed with code {code}: {said}", where=str(tool), cure="Try another format")
