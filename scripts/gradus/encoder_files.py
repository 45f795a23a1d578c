"""Where the weights of the sentence encoder are: in a named folder, inside an installed package, or from the hub.

Every run asks, to tell whether the grade is up to date; so MLX stays out of here, and a file is hashed once a process.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from gradus.config.embedding import Embedding
from gradus.errors import GradusError, first_line
from gradus.files import sha256_file

log = logging.getLogger(__name__)
WEIGHTS = "model.safetensors"
NEEDED = ("config.json", "tokenizer.json", WEIGHTS)
WANTED = [*NEEDED, "1_Pooling/config.json", "sentence_bert_config.json"]


def sha256_of_weights(folder: Path) -> str:
    """Hex SHA-256 of the weights in an encoder's folder."""
    return _sha256(folder / WEIGHTS)


def _sha256(file: Path) -> str:
    state = file.stat()
    return _sha256_as_it_was(file, state.st_size, state.st_mtime_ns)


@cache
def _sha256_as_it_was(file: Path, _size: int, _changed: int) -> str:
    return sha256_file(file)


def files_here(settings: Embedding) -> list[tuple[str, str]]:
    """Name and SHA-256 of the files that `load_encoder` would take without the network; empty when it would take none.

    The files of an encoder that the grade rests on are part of a step's fingerprint, whatever folder they are in.
    """
    folder = _here(settings)
    return [(name, _sha256(folder / name)) for name in WANTED if (folder / name).is_file()] if folder else []


def fetch(settings: Embedding) -> None:
    """Download the encoder that `load_encoder` would ask the hub for, so that it is here; one that cannot be had is no error yet."""
    if settings.model != "off" and named_folder(settings) is None and _here(settings) is None:
        try:
            of_hub(settings.hub if settings.model == "auto" else settings.model, settings)
        except GradusError as error:
            log.debug("Sentence embeddings: %s", error)  # load_encoder says it, or raises it


def _here(settings: Embedding) -> Path | None:
    """The folder of the asked encoder, when it is on this machine."""
    if settings.model == "off":
        return None
    if settings.model != "auto":
        return named_folder(settings) or _cached(settings.model, settings)
    return next((folder for _, folder in candidates(settings, _cached) if is_pinned(folder, settings)), None)


def candidates(settings: Embedding, from_hub: Callable[[str, Embedding], Path | None]) -> Iterator[tuple[str, Path]]:
    """Where `auto` looks, each place with its name: inside the installed package, and only when asked for more, the hub."""
    if folder := packaged(settings):
        yield settings.package, folder
    if folder := from_hub(settings.hub, settings):
        yield settings.hub, folder


def is_pinned(folder: Path, settings: Embedding) -> bool:
    """Whether the weights in a folder are those that `auto` accepts."""
    return sha256_of_weights(folder) == settings.sha256


def named_folder(settings: Embedding) -> Path | None:
    """The folder that `model` names; None when it names a model of the hub, or `auto`."""
    folder = Path(settings.model).expanduser()
    named = settings.model != "auto" and (folder.is_dir() or settings.model.startswith((".", "/", "~")))
    return folder if named else None


def packaged(settings: Embedding) -> Path | None:
    """The model folder inside the installed package, found without running the package; None when it is not installed."""
    spec = importlib.util.find_spec(settings.package.replace("-", "_"))
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    return folder if folder and (folder / WEIGHTS).is_file() else None


def _cached(name: str, settings: Embedding) -> Path | None:
    """The copy of a hub model in the local cache, if it has weights."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, revision=settings.revision, allow_patterns=WANTED, local_files_only=True))
    except (OSError, ValueError):
        return None
    return folder if (folder / WEIGHTS).is_file() else None


def of_hub(name: str, settings: Embedding) -> Path:
    """The folder of a hub model, downloaded when it is not in the local cache. Raises GradusError when it cannot be had."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError

    if cached := _cached(name, settings):
        return cached
    try:
        return Path(snapshot_download(name, revision=settings.revision, allow_patterns=WANTED, etag_timeout=settings.timeout_seconds))
    except (HTTPError, OSError, ValueError) as error:
        what = f"the hub gave no answer or no such model ({first_line(error)})"
        raise GradusError(what, where=name, cure="Check the network and evaluate.embedding") from error
