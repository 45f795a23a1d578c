"""01_collect as a step: up to date, byte-identical, groups that can be held out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gradus.collect import STEP
from gradus.collect.gather import even_groups
from gradus.collect.manifest import Collection
from gradus.collect.outside import describe
from gradus.collect.text import Found, document_of, normalise
from gradus.config import Config, load_config
from gradus.errors import UserError
from gradus.files import read_documents, read_json
from gradus.step import Outcome, run_step


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.mkdir()
    for name in ("one", "two"):
        (path / f"{name}.md").write_text(f"# {name}\n\nThe text of document {name}, which says what there is to say.\n", encoding="utf-8")
    return path


def run(config: Config, *, force: bool = False) -> Outcome:
    return run_step(STEP, config, {STEP.name: STEP}, force=force)


def settings(tmp_path: Path, *more: str) -> list[str]:
    return [f"paths.workspace={tmp_path / 'workspace'}", *more]


def test_the_documents_of_packages_and_folders_together(tmp_path: Path, folder: Path) -> None:
    outcome = run(load_config(settings=settings(tmp_path, "collect.python_docs=[json, topics]", f"collect.folders=[{folder}]")))
    documents = read_documents(outcome.target / "documents.jsonl")
    assert len({d.id for d in documents}) == len(documents) == outcome.summary["documents"]
    assert all(d.text == normalise(d.text) and d.id == d.sha256[:16] and d.bytes == len(d.text.encode()) for d in documents)
    manifest = read_json(outcome.target / "manifest.json")
    assert manifest["documents"] == sum(row["documents"] for row in manifest["by_source"].values())
    assert manifest["by_source"][str(folder)]["documents"] == 2
    assert outcome.summary["from folders"] == 2
    assert manifest["bytes"] == sum(d.bytes for d in documents)


def test_a_folder_may_be_called_like_a_package(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.rename(tmp_path / "heapq")
    monkeypatch.chdir(tmp_path)
    summary = run(load_config(settings=settings(tmp_path, "collect.python_docs=[heapq]", "collect.folders=[heapq]"))).summary
    assert summary["from folders"] == 2
    assert summary["from packages"] == summary["documents"] - 2 > 0


def test_nothing_runs_again_until_a_file_changes(tmp_path: Path, folder: Path) -> None:
    config = load_config(settings=settings(tmp_path, "collect.python_docs=[]", f"collect.folders=[{folder}]"))
    first = run(config)
    assert run(config).status == "up to date"
    before = (first.target / "documents.jsonl").read_bytes()
    time.sleep(1.1)  # a second collection would get another time
    assert run(config, force=True).status == "done"
    assert (first.target / "documents.jsonl").read_bytes() == before, "the same content must give the same bytes"
    (folder / "two.md").write_text("# two\n\nAnother text, and long enough to be a document as well.\n", encoding="utf-8")
    assert run(config).status == "done"
    old, new = (before.split(b"\n"), (first.target / "documents.jsonl").read_bytes().split(b"\n"))
    assert new[0] == old[0]
    assert new[1] != old[1]


def test_a_damaged_previous_output_is_no_obstacle(tmp_path: Path, folder: Path) -> None:
    config = load_config(settings=settings(tmp_path, "collect.python_docs=[]", f"collect.folders=[{folder}]"))
    target = run(config).target
    (target / "documents.jsonl").write_text("{broken", encoding="utf-8")
    assert run(config, force=True).summary["documents"] == 2


def test_nothing_at_all_is_an_error_and_leaves_no_output(tmp_path: Path) -> None:
    config = load_config(settings=settings(tmp_path, "collect.python_docs=[]"))
    with pytest.raises(UserError, match="nothing to collect"):
        run(config)
    assert not (tmp_path / "workspace/data/01_collected/documents.jsonl").exists()


def test_the_description_of_the_sources_is_quick_and_sees_what_matters(folder: Path) -> None:
    config = load_config(settings=[f"collect.folders=[{folder}]"]).collect
    start = time.process_time()
    before = describe(config)
    assert time.process_time() - start < 0.3
    assert describe(config) == before
    (folder / "three.md").write_text("new", encoding="utf-8")
    assert describe(config) != before
    missing = config.model_copy(update={"python_docs": ["no_such_package"], "folders": ["/no/such/folder"]})
    assert describe(missing) is not None, "the step itself tells what is missing, with the cure"


def test_big_modules_are_split_into_their_parts() -> None:
    collection = Collection()
    for number in range(40):
        found = Found(f"big.f{number}", f"text {number}", "api", "function", "big", "r", unit="(a)" if number % 2 else "core")
        collection.documents.append(document_of(found, "now"))
        collection.units[collection.documents[-1].id] = found.unit
    for number in range(40):
        collection.documents.append(document_of(Found("x", f"other {number}", "text", f"f{number}", f"f{number}", "r"), "now"))
        collection.units[collection.documents[-1].id] = ""
    groups = {document.group for document in even_groups(collection, 0.3)}
    assert {"big/(a)", "big/core"} <= groups
    assert "big" not in groups
    assert "big" in {document.group for document in even_groups(collection, 0.6)}
