"""Data sets of the Hugging Face hub: found, checked, and downloaded into the hub's own cache. They are read like any file.

The token comes from the environment variable HF_TOKEN alone. With HF_HUB_OFFLINE=1, or when the hub does not answer,
what the cache holds of the revision is taken.
"""

from __future__ import annotations

import glob
import logging
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from gradus.collect.text import Found
from gradus.config.hub_data import HubDataset, HubDefaults
from gradus.errors import GradusError, UserError, first_line
from gradus.files import size_label
from gradus.log import aside

DATASET_URL = "hf://datasets/"
_CARD = "README.md"
_DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
_NO_DATA = [pattern for name in (".*", *_DESCRIPTIONS) for pattern in (name, f"*/{name}")]
"""What `datasets` writes beside the data: descriptions, not rows."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """One entry of `collect.hub_datasets` with what it leaves out filled in."""

    name: str
    revision: str
    files: list[str]
    max_rows: int
    max_mb: float
    timeout: float
    licence: str | None

    @property
    def url(self) -> str:
        """What the manifest calls it."""
        return f"{DATASET_URL}{self.name}"


@dataclass(frozen=True)
class Snapshot:
    """A data set on disk: its commit, its licence, and its data files relative to `folder`."""

    wanted: Wanted
    folder: Path
    commit: str
    licence: str
    files: tuple[str, ...]

    def url(self, file: str) -> str:
        """Where a file is from, to the commit."""
        return f"{self.wanted.url}@{self.commit}/{file}"


def wanted_of(dataset: HubDataset, defaults: HubDefaults) -> Wanted:
    """Fill in from `collect.hub` what an entry does not say."""
    return Wanted(
        dataset.name,
        dataset.revision or defaults.revision,
        dataset.files or defaults.files,
        dataset.max_rows or defaults.max_rows,
        defaults.max_mb,
        defaults.timeout_seconds,
        dataset.licence,
    )


def fetch(wanted: Wanted) -> Snapshot:
    """Bring the files of a data set into the hub's cache.

    Raises:
        UserError: when the hub knows no such data set, revision or file, or they are larger than `collect.hub.max_mb`.
        GradusError: when the hub does not answer and the cache does not hold it, or the download breaks off.
    """
    from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import logging as hub_logging

    hub_logging.set_verbosity_error()  # what it would warn of, we say ourselves
    try:
        names = _on_the_hub(wanted)
    except (HTTPError, OfflineModeIsEnabled, ValueError, TypeError, KeyError) as error:  # the last three: no answer of a hub
        return _cached(wanted, error)
    return _snapshot(wanted, _download(wanted, names))


def _on_the_hub(wanted: Wanted) -> list[str]:
    """The files to download, as the hub lists them."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        info = HfApi(token=_token()).dataset_info(wanted.name, revision=wanted.revision, files_metadata=True, timeout=wanted.timeout)
    except RevisionNotFoundError as error:
        what = f"the data set has no revision '{wanted.revision}'"
        raise UserError(what, where=wanted.name, cure="Correct its revision in collect.hub_datasets") from error
    except RepositoryNotFoundError as error:
        cure = "Check the name in collect.hub_datasets; for a private or gated one put your token into the environment variable HF_TOKEN"
        raise UserError("the hub has no such data set, or you may not read it", where=wanted.name, cure=cure) from error
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or []}
    names = _matching(list(sizes), wanted)
    if not names:
        raise _no_file(wanted, list(sizes))
    size = sum(sizes[name] for name in names)
    if size > wanted.max_mb * 1e6:
        what = f"the {len(names)} files are {size / 1e6:,.2f} MB together, collect.hub.max_mb is {wanted.max_mb:g}"
        raise UserError(what, where=wanted.name, cure=f"Name fewer in its 'files' (say files: [{names[0]}]) or raise collect.hub.max_mb")
    log.info("%s: %d files, %s, from the hub or its cache", wanted.name, len(names), size_label(size))
    return [*names, *(name for name in sizes if name == _CARD)]


def _no_file(wanted: Wanted, names: list[str]) -> UserError:
    there = ", ".join(names[:5]) + (", …" if len(names) > 5 else "") or "nothing"
    cure = "Correct its 'files' in collect.hub_datasets (default: collect.hub.files)"
    return UserError(f"no file of the data set matches {' '.join(wanted.files)} (there is {there})", where=wanted.name, cure=cure)


def _download(wanted: Wanted, names: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    patterns = [glob.escape(name) for name in names]
    try:
        with aside():
            folder = snapshot_download(
                wanted.name, repo_type="dataset", revision=wanted.revision, token=_token(), allow_patterns=patterns, etag_timeout=wanted.timeout
            )
        return Path(folder)
    except (HTTPError, OSError) as error:
        cure = "Run the same command again, it goes on where it was"
        raise GradusError(f"the download broke off ({first_line(error)})", where=wanted.name, cure=cure) from error


def _cached(wanted: Wanted, error: Exception) -> Snapshot:
    """What the cache holds. Raises GradusError when that is not the whole."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    offline = isinstance(error, OfflineModeIsEnabled)
    reason = "HF_HUB_OFFLINE is set" if offline else f"the hub at {constants.ENDPOINT} gives no usable answer ({first_line(error)})"
    try:
        folder = snapshot_download(
            wanted.name, repo_type="dataset", revision=wanted.revision, allow_patterns=wanted.files, ignore_patterns=_NO_DATA, local_files_only=True
        )
    except LocalEntryNotFoundError as missing:
        cure = "Unset it" if offline else "Check the network and HF_ENDPOINT"
        cure += ", or take the data set out of collect.hub_datasets"
        raise GradusError(f"{reason}, and the cache does not hold all of this data set", where=wanted.name, cure=cure) from missing
    snapshot = _snapshot(wanted, Path(folder))
    log.warning("%s: %s; the cached commit %s is taken", wanted.name, reason, snapshot.commit[:12])
    return snapshot


def _snapshot(wanted: Wanted, folder: Path) -> Snapshot:
    files = _matching([path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()], wanted)
    if not files:
        raise _no_file(wanted, [])
    licence = wanted.licence if wanted.licence is not None else _licence(folder / _CARD)
    return Snapshot(wanted, folder, folder.name, licence, tuple(files))


def _matching(names: list[str], wanted: Wanted) -> list[str]:
    from huggingface_hub.utils import filter_repo_objects

    return sorted(filter_repo_objects(names, allow_patterns=wanted.files, ignore_patterns=_NO_DATA))


def _licence(card: Path) -> str:
    """The licence that the card's metadata names, '' when there is none."""
    import yaml
    from huggingface_hub import metadata_load

    try:
        stated = (metadata_load(card) or {}).get("license", "")
    except (OSError, ValueError, yaml.YAMLError):
        return ""  # no card, or one that cannot be read, states no licence
    return ", ".join(map(str, stated)) if isinstance(stated, list) else str(stated or "")


def _token() -> str | bool:
    """HF_TOKEN; False keeps the hub's library from looking for one on the disk."""
    return os.environ.get("HF_TOKEN") or False


def first_rows(found: Found, most: int) -> tuple[Found, int, int]:
    """The first `most` rows of a text of rows; returns it with how many rows it has and how many were cut off."""
    lines = found.text.split("\n")
    rows = [number for number, line in enumerate(lines) if line.strip()]
    if len(rows) <= most:
        return found, len(rows), 0
    return replace(found, text="\n".join(lines[: rows[most - 1] + 1])), most, len(rows) - most
