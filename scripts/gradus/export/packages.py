"""What other programs want around a GGUF file: an Ollama Modelfile, the folders of LM Studio."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gradus.config.export import Export
from gradus.export.chat_form import chat_form
from gradus.export.gguf_export import GgufFile, GgufSource
from gradus.export.ollama import modelfile
from gradus.files import write_text


def write_modelfile(folder: Path, source: GgufSource, file: GgufFile, settings: Export) -> Path:
    """Write `folder/Modelfile` for one GGUF file. Raises UserError when the chat template has no form in Go."""
    vocabulary, tokenizer = source.vocabulary, source.tokenizer
    ends = [number for role, number in vocabulary.special.items() if role in ("eos", "eot", "eom")]
    wanted = settings.ollama.parameters
    text = modelfile(
        os.path.relpath(file.path, folder),
        chat_form(tokenizer, str(source.folder)),
        bos=vocabulary.tokens[vocabulary.special["bos"]] if vocabulary.adds_bos else "",
        stops=[vocabulary.tokens[number] for number in ends],
        parameters={"temperature": wanted.temperature, "num_ctx": min(wanted.num_ctx, source.context)},
    )
    write_text(folder / "Modelfile", text)
    return folder / "Modelfile"


def write_lmstudio(folder: Path, files: list[GgufFile], settings: Export) -> Path:
    """Lay the GGUF files out as LM Studio's models folder does: `<publisher>/<model>-GGUF/<file>.gguf`."""
    target = folder / settings.publisher / f"{settings.model_name}-GGUF"
    target.mkdir(parents=True)
    for file in files:
        _link(file.path, target / file.path.name)
    return target


def _link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
