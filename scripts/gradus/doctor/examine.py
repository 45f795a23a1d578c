"""All that is examined, in the order in which it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gradus.doctor import machine
from gradus.doctor.finding import Finding
from gradus.doctor.packages import packages
from gradus.errors import GradusError

if TYPE_CHECKING:
    from gradus.config import Config


def examine(files: Sequence[Path], settings: Sequence[str]) -> Iterator[Finding]:
    """Every finding about this machine, for the configuration of these files and `key=value` settings.

    What needs a package that is missing is left out; the missing package is told.
    """
    config = _configuration(files, settings)
    hub = None if isinstance(config, Finding) else _asking_the_hub(config)  # the answer comes while the rest is examined
    yield machine.python()
    yield machine.memory()
    yield from packages()
    yield from machine.device()
    if isinstance(config, Finding):
        yield config
        return
    with suppress(ImportError):  # the package that is missing has been told
        yield from _configured(config)
    if hub:
        yield hub()


def _asking_the_hub(config: Config) -> Callable[[], Finding]:
    from gradus.doctor.reach import asking_the_hub

    return asking_the_hub(config)


def _configuration(files: Sequence[Path], settings: Sequence[str]) -> Config | Finding:
    try:
        from gradus.config import load_config

        return load_config(list(files), list(settings))
    except GradusError as error:
        return Finding("config", "bad", f"{error.where}: {error.what}" if error.where else error.what, error.cure)
    except ImportError as error:
        return Finding("config", "bad", f"cannot be read ({error})", "Install the packages: pip install -r requirements.txt")


def _configured(config: Config) -> Iterator[Finding]:
    """What depends on the configuration."""
    from gradus.doctor.fits import bases, presets
    from gradus.doctor.reach import current_model, embedding
    from gradus.step import workspace_of

    workspace = workspace_of(config)
    yield machine.disk(workspace)
    memory = machine.model_memory()
    yield bases(config, memory, gpu=machine.has_gpu())
    yield from presets(config, memory)
    yield embedding(config)
    yield current_model(workspace)
