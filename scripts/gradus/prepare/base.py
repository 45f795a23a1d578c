"""Choose the base model and put it on disk: a folder, a model of the Hugging Face hub, or the built-in tiny one."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gradus.backend import device_name
from gradus.config.schema import Hub, Model
from gradus.errors import GradusError, UserError, first_line
from gradus.files import MODEL_FILES, sha256_file, sha256_json
from gradus.log import aside
from gradus.records import Base

log = logging.getLogger(__name__)
PATTERNS = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model", "*.txt", "LICENSE*", "README.md"]


def provide_base(model: Model, texts: Sequence[str], seed: int, folder: Path) -> Base:
    """The base model on disk, as `model.base` asks for it.

    Args:
        texts: training documents, for the built-in base.
        folder: where built-in bases are kept (`models/base`).

    Raises:
        UserError: when what is named is no model that can be loaded. GradusError: when a named hub model cannot be had.
    """
    if model.base == "builtin":
        return _builtin(model, texts, seed, folder, "asked for by model.base")
    if model.base == "auto":
        return _auto(model, texts, seed, folder)
    path = Path(model.base).expanduser()
    if path.is_dir() or model.base.startswith((".", "/", "~")):
        return _folder(path)
    return _hub(Hub(name=model.base, revision=model.hub.revision, timeout_seconds=model.hub.timeout_seconds, on_cpu=True))


def _auto(model: Model, texts: Sequence[str], seed: int, folder: Path) -> Base:
    """The hub model when it can be had and the machine can train it; every other outcome is said."""
    if device_name() == "cpu" and not model.hub.on_cpu:
        reason = f"this machine has no GPU, and model.hub.on_cpu is off: {model.hub.name} would take hours"
    else:
        try:
            return _hub(model.hub)
        except GradusError as error:
            reason = f"{model.hub.name} could not be had: {error.what}"
    log.warning("Base model: the built-in tiny one, because %s.", reason)
    return _builtin(model, texts, seed, folder, reason)


def _folder(path: Path) -> Base:
    if not (path / "config.json").is_file():
        raise UserError("no model in this folder (config.json is missing)", where=str(path), cure="Check model.base")
    return Base("folder", path.name, str(path.resolve()), _weights_hash(path), "named by model.base", _parameters(path), _licence(path))


def _builtin(model: Model, texts: Sequence[str], seed: int, folder: Path, reason: str) -> Base:
    """Build the tiny base, or take the one that the same texts, settings and seed gave before."""
    from gradus.prepare.builtin import VERSION, build_builtin

    key = sha256_json([VERSION, list(texts), model.builtin.model_dump(), seed])[:12]
    path = folder / f"builtin-{key}"
    if (path / "pretraining.json").is_file():
        log.info("The built-in base is there already: %s", path)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        build_builtin(texts, model.builtin, seed, path)
    return Base("builtin", "built-in tiny base", str(path), _weights_hash(path), reason, _parameters(path))


def _hub(hub: Hub) -> Base:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        path = snapshot_download(hub.name, revision=hub.revision, allow_patterns=PATTERNS, local_files_only=True)
        if not list(Path(path).glob("*.safetensors")):
            raise LocalEntryNotFoundError("the cached copy has no weights")
        log.info("Base model %s from the local cache", hub.name)
    except HFValidationError as error:
        cure = "Check model.base (builtin, auto, a folder that there is, or owner/name of a model of the hub) and model.hub.name"
        raise UserError("neither a folder nor the name of a model of the hub", where=hub.name, cure=cure) from error
    except LocalEntryNotFoundError:
        check_hub(hub)
        path = _download(hub)
    folder = Path(path)
    return Base("hub", hub.name, str(folder), folder.name, "from the Hugging Face hub", _parameters(folder), _licence(folder))


def _download(hub: Hub) -> str:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError

    log.info("Downloading %s (revision %s)", hub.name, hub.revision)
    try:
        with aside():
            return str(snapshot_download(hub.name, revision=hub.revision, allow_patterns=PATTERNS))
    except (HTTPError, OSError) as error:
        raise GradusError(
            f"the download broke off ({first_line(error)})", where=hub.name, cure="Run the same command again, it goes on where it was"
        ) from error


def check_hub(hub: Hub) -> None:
    """Ask the hub for the model within `timeout_seconds`, name resolution and retries included.

    Raises:
        GradusError: when there is no answer in time or the answer is no.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise GradusError("HF_HUB_OFFLINE is set", where=hub.name, cure="Unset it or take model.base=builtin")
    outcome: list[Exception | None] = []

    def ask() -> None:
        from huggingface_hub import HfApi

        try:
            HfApi().model_info(hub.name, revision=hub.revision, timeout=hub.timeout_seconds)
            outcome.append(None)
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised again below, in the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(hub.timeout_seconds)
    cure = "Check the network, the name and the revision, or take model.base=builtin"
    if not outcome:
        raise GradusError(f"the hub did not answer within {hub.timeout_seconds:g} s", where=hub.name, cure=cure)
    if outcome[0] is not None:
        raise GradusError(f"the hub says no ({first_line(outcome[0])})", where=hub.name, cure=cure) from outcome[0]


def _weights_hash(path: Path) -> str:
    """One hash over the weights, the configuration, the tokenizer and the chat template of a model folder."""
    files = sorted(file for pattern in MODEL_FILES for file in path.glob(pattern))
    return sha256_json([[file.name, sha256_file(file)] for file in files])[:16]


def _parameters(path: Path) -> int:
    """Number of parameters by mlx-lm's count, which unpacks quantized weights."""
    from mlx_lm.utils import get_total_parameters, load_model

    with _damage_is_told(path):
        return int(get_total_parameters(load_model(path, lazy=True)[0]))


def tokenizer_of(base: Base) -> Any:
    """The base model's tokenizer, as mlx-lm wraps it. Raises UserError when the folder has none that can be loaded."""
    from mlx_lm.utils import load_tokenizer

    with _damage_is_told(Path(base.path)):
        return load_tokenizer(Path(base.path))


@contextmanager
def _damage_is_told(path: Path) -> Iterator[None]:
    """What mlx-lm, MLX and transformers raise for a folder that is no whole model, as a mistake of the user."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        cure = "Check model.base: all files of the model must be there, and mlx-lm must know its architecture"
        raise UserError(f"the model cannot be loaded ({first_line(error)})", where=str(path), cure=cure) from error


def _licence(path: Path) -> str:
    """The licence that the model card states in its front matter, or ''."""
    import yaml

    card = path / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    if not text.startswith("---"):
        return ""
    try:
        front: Any = yaml.safe_load(text.split("---", 2)[1])
    except yaml.YAMLError:
        return ""  # a card that cannot be read states no licence
    return str(front.get("license", "")) if isinstance(front, dict) else ""


def base_json(base: Base, workspace: Path) -> str:
    """`base.json` as text; a folder inside the workspace is named relative to it, so that the project can be moved."""
    path = Path(base.path).resolve()
    place = path.relative_to(workspace.resolve()).as_posix() if path.is_relative_to(workspace.resolve()) else base.path
    return json.dumps(asdict(replace(base, path=place)), indent=2, ensure_ascii=False) + "\n"
