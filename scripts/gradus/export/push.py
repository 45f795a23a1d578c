"""Upload to the Hugging Face hub: the folder with its card, and the GGUF files beside it."""

from __future__ import annotations

import os
from pathlib import Path

from gradus.config import Config
from gradus.errors import GradusError, UserError, first_line
from gradus.step import read_marker, target_of

TOKEN = "HF_TOKEN"  # noqa: S105  the variable's name


def push(config: Config) -> str:
    """Upload what 12_export wrote; gives the address.

    The repository is made when it is not there, private unless `export.upload.private` says otherwise; one that is
    there keeps its state. The token is read from the environment, handed to the hub and shown nowhere.

    Raises:
        UserError: when there is no repository name, no token, or nothing exported. GradusError: when the hub refuses.
    """
    repo, token, folder = _repo(config), _token(), _exported(config)
    return upload(_parts(folder), repo, token, private=config.export.upload.private, message=f"Gradus, run {config.run.name}")


def upload(parts: list[tuple[Path, str]], repo: str, token: str, *, private: bool, message: str) -> str:
    """Upload folders to their places in a repository, in one commit each; gives the repository's address."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled

    api = HfApi(token=token)
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        for part, inside in parts:
            api.upload_folder(repo_id=repo, folder_path=part, path_in_repo=inside, commit_message=message)
    except (HTTPError, OfflineModeIsEnabled, OSError) as error:
        what = f"the hub did not take the upload ({first_line(error)})"
        raise GradusError(what, where=repo, cure=f"Check the network, the name, and that the token in {TOKEN} may write there") from error
    return f"{api.endpoint}/{repo}"


def _repo(config: Config) -> str:
    if not config.export.upload.repo:
        raise UserError("no repository to upload to", where="export.upload.repo", cure="Set it to owner/name")
    return config.export.upload.repo


def _token() -> str:
    token = os.environ.get(TOKEN, "")
    if not token:
        raise UserError(f"{TOKEN} is not set", where="12_export --push", cure="Make a token that may write at https://huggingface.co/settings/tokens")
    return token


def _exported(config: Config) -> Path:
    from gradus.export import STEP

    folder = target_of(STEP, config)
    if read_marker(STEP, config) is None or not _parts(folder):
        raise UserError("nothing to upload", where=str(folder), cure="Have huggingface or a gguf format in export.formats and run 12_export")
    return folder


def _parts(folder: Path) -> list[tuple[Path, str]]:
    """Folders to upload, and where in the repository they go: the model and its card at the top, as the hub wants them."""
    return [(folder / name, inside) for name, inside in (("huggingface", "."), ("gguf", "gguf")) if (folder / name).is_dir()]
