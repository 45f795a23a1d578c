"""What files do to a collection: names, places, doubles, files that change or vanish, and what is read again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradus.collect import STEP
from gradus.collect.gather import gather
from gradus.collect.incremental import Readings, job_of
from gradus.collect.manifest import Collection, Entry
from gradus.config import load_config
from gradus.config.load import PROJECT
from gradus.config.schema import Collect
from gradus.errors import GradusError
from gradus.files import read_documents, read_json
from gradus.step import Outcome, run_step


def text(name: str) -> str:
    return f"# {name}\n\nThe text of document {name}, which says what there is to say.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.mkdir()
    for number in range(6):
        (path / f"{number}.md").write_text(text(str(number)), encoding="utf-8")
    return path


def config_for(*folders: Path) -> Collect:
    return load_config().collect.model_copy(update={"python_docs": [], "folders": [str(folder) for folder in folders]})


def collected(*folders: Path) -> Collection:
    return gather(config_for(*folders), "2026-01-01T00:00:00+00:00")


def fates(collection: Collection) -> dict[str, Entry]:
    return {entry.name: entry for entry in collection.entries}


def run(tmp_path: Path, folder: Path, *settings: str) -> Outcome:
    """The step as its script runs it, always anew."""
    keys = [f"paths.workspace={tmp_path / 'ws'}", "collect.python_docs=[]", f"collect.folders=['{folder}']", *settings]
    return run_step(STEP, load_config(settings=keys), {STEP.name: STEP}, force=True)


def counted(outcome: Outcome) -> str:
    return str(outcome.summary["files"])


def test_only_what_changed_is_read_again_and_the_result_is_that_of_a_full_run(tmp_path: Path, folder: Path) -> None:
    assert counted(run(tmp_path, folder)) == "read 6, unchanged 0"
    assert counted(run(tmp_path, folder)) == "read 0, unchanged 6"
    (folder / "1.md").write_text(text("changed"), encoding="utf-8")
    (folder / "2.md").unlink()
    (folder / "new.md").write_text(text("new"), encoding="utf-8")
    outcome = run(tmp_path, folder)
    assert counted(outcome) == "read 2, unchanged 4"
    documents = read_documents(outcome.target / "documents.jsonl")
    assert [Path(d.source).name for d in documents] == ["0.md", "1.md", "3.md", "4.md", "5.md", "new.md"]
    whole = {name: (outcome.target / name).read_bytes() for name in ("documents.jsonl", "manifest.json", "seen.jsonl")}
    (outcome.target.parent / ".work/01_collect.readings.sqlite").unlink()
    assert counted(run(tmp_path, folder)) == "read 6, unchanged 0"
    assert {name: (outcome.target / name).read_bytes() for name in whole} == whole


def test_another_limit_of_the_readers_reads_everything_again(tmp_path: Path, folder: Path) -> None:
    run(tmp_path, folder)
    assert counted(run(tmp_path, folder, "collect.max_inflated_mb=7.0")) == "read 6, unchanged 0"
    assert counted(run(tmp_path, folder, "collect.max_inflated_mb=7.0", "collect.min_characters=10")) == "read 0, unchanged 6"


@pytest.mark.parametrize("damage", [b"no database at all", b"", None])
def test_damaged_readings_are_no_obstacle(tmp_path: Path, folder: Path, damage: bytes | None) -> None:
    target = run(tmp_path, folder).target
    before = (target / "documents.jsonl").read_bytes()
    kept = target.parent / ".work/01_collect.readings.sqlite"
    if damage is None:
        kept.unlink()
        kept.mkdir()
    else:
        kept.write_bytes(damage)
    assert counted(run(tmp_path, folder)) == "read 6, unchanged 0"
    assert (target / "documents.jsonl").read_bytes() == before


def test_a_damaged_row_gives_its_own_file_and_no_other(tmp_path: Path, folder: Path) -> None:
    import sqlite3

    target = run(tmp_path, folder).target
    before = (target / "documents.jsonl").read_bytes()
    database = sqlite3.connect(target.parent / ".work/01_collect.readings.sqlite")
    database.execute("UPDATE readings SET reading = x'00' WHERE key IN (SELECT key FROM readings LIMIT 2)")
    database.commit()
    database.close()
    run(tmp_path, folder)
    assert (target / "documents.jsonl").read_bytes() == before


def test_a_broken_file_is_tried_again_each_time(tmp_path: Path, folder: Path) -> None:
    (folder / "list.jsonl").write_text("[1]\n", encoding="utf-8")
    run(tmp_path, folder)
    assert counted(run(tmp_path, folder)) == "read 1, unchanged 6"


def test_a_kill_in_the_middle_loses_no_reading(tmp_path: Path, folder: Path) -> None:
    for number in range(150):
        (folder / f"many{number}.md").write_text(text(f"many{number}") + "word " * 20_000, encoding="utf-8")
    settings = [f"paths.workspace={tmp_path / 'ws'}", "collect.python_docs=[]", f"collect.folders=[{folder}]"]
    command = [sys.executable, str(PROJECT / "scripts/01_collect.py"), *(word for key in settings for word in ("--set", key))]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    kept = tmp_path / "ws/data/.work/01_collect.readings.sqlite"
    while not (kept.exists() and kept.stat().st_size > 20_000):
        time.sleep(0.005)
        assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "ws/data/01_collected/documents.jsonl").exists()
    read, unchanged = (int(part.split()[1]) for part in counted(run(tmp_path, folder)).split(","))
    assert unchanged > 0
    assert read + unchanged == 156
    clean = run(tmp_path / "clean", folder)
    documents = read_documents(tmp_path / "ws/data/01_collected/documents.jsonl")
    assert [(d.id, d.source) for d in documents] == [(d.id, d.source) for d in read_documents(clean.target / "documents.jsonl")]


def test_a_renamed_file_keeps_its_first_time_and_the_manifest_says_so(tmp_path: Path, folder: Path) -> None:
    target = run(tmp_path, folder).target
    first = {d.id: d.collected_at for d in read_documents(target / "documents.jsonl")}
    (folder / "3.md").rename(folder / "renamed.md")
    (folder / "0.md").unlink()
    time.sleep(1.1)  # a new text would get another time
    (folder / "x.md").write_text(text("x"), encoding="utf-8")
    run(tmp_path, folder)
    documents = {Path(d.source).name: d for d in read_documents(target / "documents.jsonl")}
    assert documents["renamed.md"].collected_at == first[documents["renamed.md"].id]
    assert documents["x.md"].collected_at > documents["renamed.md"].collected_at
    entries = {Path(entry["name"]).name: entry for entry in read_json(target / "manifest.json")["entries"]}
    day = documents["renamed.md"].collected_at[:10]
    assert entries["renamed.md"]["reason"] == f"same content as {folder}/3.md, collected on {day}; it keeps that time"
    assert entries["renamed.md"]["document"] == documents["renamed.md"].id
    assert entries["1.md"]["reason"] == ""
    (folder / "0.md").write_text(text("0"), encoding="utf-8")
    run(tmp_path, folder)
    back = next(d for d in read_documents(target / "documents.jsonl") if d.source.endswith("/0.md"))
    assert back.collected_at == first[back.id], "a text that was gone for a while keeps its first time"


def test_a_damaged_memory_of_earlier_runs_is_named_and_no_obstacle(tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    target = run(tmp_path, folder).target
    (target / "seen.jsonl").write_text("{broken\n", encoding="utf-8")
    assert run(tmp_path, folder).summary["documents"] == 6


def test_one_file_by_several_paths_is_read_once(tmp_path: Path, folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner/deep.md").write_text(text("deep"), encoding="utf-8")
    (tmp_path / "link").symlink_to(folder)
    (folder / "same.md").symlink_to(folder / "0.md")
    os.link(folder / "1.md", folder / "hard.md")
    collection = collected(folder, folder / "inner", tmp_path / "link", folder / "../notes/0.md")
    assert len(collection.documents) == 7
    entries = fates(collection)  # of a path that occurs twice, the later one
    assert all(entries[str(tmp_path / "link" / f"{n}.md")].status == "duplicate" for n in range(6))
    assert entries[str(folder / "inner/deep.md")].reason == "this very file was read already"
    assert entries[str(folder / "same.md")].reason == "this very file was read already"
    assert entries[str(folder / "hard.md")].reason == f"same content as {folder}/1.md, collected on 2026-01-01"


def test_odd_names_reach_the_files_whole_and_the_screen_in_one_line(tmp_path: Path, folder: Path) -> None:
    names = ["new\nline.md", "tab\there.md", "[bold]red.md", "quote'\".md", "é\u202eevil.md"]
    for name in names:
        (folder / name).write_text(text(repr(name)), encoding="utf-8")
    raw = os.fsencode(folder) + b"/latin\xe9.md"
    try:
        Path(os.fsdecode(raw)).write_text(text("latin"), encoding="utf-8")
        names.append(os.fsdecode(b"latin\xe9.md"))
    except OSError:
        pass  # macOS takes no such name
    (folder / "bad\nname.md").write_bytes(b"\xff" * 50)
    outcome = run(tmp_path, folder)
    assert {Path(d.source).name for d in read_documents(outcome.target / "documents.jsonl")} >= set(names)
    assert set(names) <= {Path(entry["name"]).name for entry in read_json(outcome.target / "manifest.json")["entries"]}
    assert "\n" not in outcome.summary["not UTF-8"]
    assert "bad\\nname.md" in outcome.summary["not UTF-8"]
    assert counted(run(tmp_path, folder)) == f"read 0, unchanged {7 + len(names)}"


def test_what_is_no_plain_file_is_named_and_never_waited_for(tmp_path: Path, folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    (folder / "empty.md").write_bytes(b"")
    (folder / "null.md").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket may not be long
        try:
            listening.bind("socket.md")
        finally:
            os.chdir(here)
        entries = fates(collected(folder))
    states = {name: entries[str(folder / name)].status for name in ("pipe.md", "empty.md", "socket.md", "null.md")}
    assert states == {"pipe.md": "unsupported", "empty.md": "empty", "socket.md": "unsupported", "null.md": "refused"}


def test_a_file_that_vanishes_or_may_not_be_read_is_an_entry(tmp_path: Path, folder: Path) -> None:
    assert "it was there a moment ago" in (job_of(folder / "gone.md").answer or pytest.fail("no answer")).reason
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (folder / "0.md").chmod(0)
    entry = fates(collected(folder))[str(folder / "0.md")]
    assert (entry.status, entry.reason) == ("broken", "Permission denied")


def test_a_change_of_rights_is_a_change_of_the_sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradus.collect.outside import describe

    before = describe(config_for(folder))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert describe(config_for(folder)) != before


def test_strict_refuses_and_keeps_the_last_output(tmp_path: Path, folder: Path) -> None:
    target = run(tmp_path, folder).target
    before = {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()}
    for number in range(5):
        (folder / f"bad{number}.md").write_bytes(b"\xff" * 50)
    (folder / "rows.jsonl").write_text('{"question": "Why?", "answer": "Because it is so, and for no other reason."}\n{broken\n', encoding="utf-8")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    (folder / "empty.md").write_bytes(b"")
    (folder / "copy.md").write_text(text("1"), encoding="utf-8")
    with pytest.raises(GradusError, match=r"6 files could not be read in full \(.*bad0\.md: not UTF-8.*; and 3 more\)") as caught:
        run(tmp_path, folder, "collect.strict=true")
    assert caught.value.exit_code == 1
    assert {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()} == before
    faults = tmp_path / "ws/reports/default/collect_faults.json"
    assert str(faults) in str(caught.value)
    assert {Path(entry["name"]).name: entry["status"] for entry in json.loads(faults.read_text(encoding="utf-8"))} == {
        **{f"bad{number}.md": "not UTF-8" for number in range(5)}, "rows.jsonl": "text",
    }  # fmt: skip
    for path in folder.glob("bad*"):
        path.unlink()
    (folder / "rows.jsonl").unlink()
    outcome = run(tmp_path, folder, "collect.strict=true")
    assert counted(outcome) == "read 0, unchanged 9", "a refused run's readings are kept"
    assert not faults.exists()


def test_the_flag_stands_for_the_setting(tmp_path: Path, folder: Path) -> None:
    (folder / "bad.md").write_bytes(b"\xff" * 50)
    settings = [f"paths.workspace={tmp_path / 'ws'}", "collect.python_docs=[]", f"collect.folders=[{folder}]"]
    command = [sys.executable, str(PROJECT / "scripts/01_collect.py"), *(word for key in settings for word in ("--set", key))]
    done = subprocess.run([*command, "--strict"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ERROR collect.strict: 1 file could not be read in full" in done.stderr
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_readings_of_another_kind_of_file_are_not_taken(tmp_path: Path, folder: Path) -> None:
    with Readings(tmp_path / "kept.sqlite") as readings:
        gather(config_for(folder), "now", readings=readings)
    shutil.move(folder / "0.md", folder / "0.txt")
    with Readings(tmp_path / "kept.sqlite") as readings:
        collection = gather(config_for(folder), "now", readings=readings)
    assert (collection.read, collection.unchanged) == (1, 5)
    assert {d.format for d in collection.documents if d.source.endswith("0.txt")} == {"text"}
