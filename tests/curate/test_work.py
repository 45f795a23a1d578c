"""The whole step on a small set: nothing is lost, every removal says why, the same input gives the same bytes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gradus.config import Config, load_config
from gradus.curate import STEP
from gradus.curate.decide import decide, measure
from gradus.curate.work import curate
from gradus.errors import UserError
from gradus.files import read_examples
from gradus.records import Example
from gradus.step import StepContext

from .conftest import Make, Score

VERBS = ("sorts", "reverses", "filters", "counts", "merges", "splits", "prints", "reads", "writes", "copies")
THINGS = ("lists", "tables", "files", "strings", "numbers", "images", "sets", "trees")
TEMPLATE = """The function `{name}` {verb} {thing} and returns the result as a new value, so that the old one stays as it was.

- `{thing}`: what it {verb}.
- `strict`: whether a wrong type is an error."""


def good(make: Make) -> list[Example]:
    """80 distinct good answers, a00 to a79; all score the same, so their ids decide."""
    pairs = [(verb, thing) for verb in VERBS for thing in THINGS]
    facts = [f"It came with release {i} and does it in {i * 7} steps for {thing} of {verb[:-1]} kind." for i, (verb, thing) in enumerate(pairs)]
    return [
        make(f"What does `{verb}_{thing}` do?", f"{TEMPLATE.format(name=f'{verb}_{thing}', verb=verb, thing=thing)}\n\n{fact}", name=f"a{i:02}")
        for i, ((verb, thing), fact) in enumerate(zip(pairs, facts, strict=True))
    ]


def mixed(make: Make) -> list[Example]:
    first = good(make)[0]
    return [
        *good(make),
        make(first.question.upper(), first.answer, name="twin"),
        make(first.question, first.answer.replace("so that", "and so"), name="near"),
        make(first.question, "A\u00a0short\u200b other answer, which contradicts the first one about the same function.", name="conflict"),
        make("Who wrote `sorts_lists`?", "Anna Berg wrote the function sorts_lists; mail her at anna.berg@firma.de when it fails.", name="mail"),
        make("What is `x`?", " \u200b ", name="empty"),
        make("What is `y`?", "I'm sorry, but I can't help with that.", name="refusal"),
        make("What is `z`?", "Lorem ipsum dolor sit amet, consectetur", name="filler"),
    ]


def run(examples: list[Example], folder: Path, *settings: str) -> tuple[dict[str, Any], Path]:
    return run_lines([json.dumps(asdict(example), ensure_ascii=False).encode() for example in examples], folder, *settings)


def run_lines(lines: list[bytes], folder: Path, *settings: str) -> tuple[dict[str, Any], Path]:
    out = folder / "out"
    out.mkdir(parents=True)
    (folder / "examples.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return curate(context(load_config(settings=list(settings)), folder, out)), out


def context(config: Config, folder: Path, out: Path) -> StepContext:
    return StepContext(config, out, out, folder, {"02_extract/examples.jsonl": folder / "examples.jsonl"})


def removed(out: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in (out / "removed.jsonl").read_text(encoding="utf-8").splitlines()]
    return {row["example"]["id"]: row for row in rows}


class Run(NamedTuple):
    """What came in, the summary, and the folder that came out."""

    examples: list[Example]
    summary: dict[str, Any]
    out: Path


@pytest.fixture(scope="module")
def whole(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The step on the mixed examples as it is shipped. Do not write into it."""
    return Run(mixed(make), *run(mixed(make), tmp_path_factory.mktemp("whole")))


def test_kept_and_removed_are_the_input(whole: Run) -> None:
    examples, summary, out = whole
    kept, gone = read_examples(out / "kept.jsonl"), removed(out)
    assert Counter([example.id for example in kept] + list(gone)) == Counter(example.id for example in examples)
    assert summary["kept"] == len(kept)
    assert {row["reason"] for row in gone.values()} == {"empty", "exact_duplicate", "near_duplicate", "low_quality"}
    assert [e.id for e in kept] == [e.id for e in examples if e.id not in gone], "the order stays"
    assert all(0 <= e.quality <= 1 for e in kept if e.quality is not None)
    assert None not in {e.quality for e in kept}


def test_reasons(whole: Run) -> None:
    first, gone = whole.examples[0], removed(whole.out)
    assert (gone["twin"]["reason"], gone["twin"]["duplicate_of"], gone["twin"]["similarity"]) == ("exact_duplicate", first.id, 1.0)
    assert (gone["near"]["reason"], gone["near"]["duplicate_of"]) == ("near_duplicate", first.id)
    assert 0.8 <= gone["near"]["similarity"] < 1
    assert gone["empty"]["detail"] == "no answer"
    assert gone["refusal"]["reason"] == gone["filler"]["reason"] == "low_quality"
    assert "refusal 0.00" in gone["refusal"]["detail"]
    assert gone["refusal"]["duplicate_of"] is None
    assert gone["refusal"]["similarity"] is None


def test_the_best_share_of_distinct_examples_stays(make: Make, score: Score) -> None:
    for fraction in (0.25, 0.5, 1.0):
        settings = load_config(settings=[f"curate.keep_fraction={fraction}"]).curate
        store = score(mixed(make), settings)
        quality = measure(store.table, settings)
        verdict = decide(store, quality, settings, ())
        kept = [p for p in range(len(store.table)) if p not in verdict.reason]
        assert len(kept) == round(fraction * 84)  # 87 examples, one empty, two copies
        low = [quality.score[p] for p, reason in verdict.reason.items() if reason == "low_quality"]
        assert min(quality.score[kept]) == verdict.score_cut
        assert all(value <= (verdict.score_cut or 0) for value in low)
        assert {duplicate.of for duplicate in verdict.duplicates.values()} <= set(kept)


def test_curation_json_adds_up(whole: Run) -> None:
    examples, _, out = whole
    found = json.loads((out / "curation.json").read_text(encoding="utf-8"))
    assert found["examples"] == len(examples) == found["kept"] + found["removed"]
    assert sum(found["removed_by_reason"].values()) == found["removed"]
    assert 4 <= sum(found["lowered_by"].values()) <= found["removed_by_reason"]["low_quality"]
    for signal in found["signals"].values():
        assert len(signal["kept"]["histogram"]) == 10
        assert (sum(signal["kept"]["histogram"]), sum(signal["removed"]["histogram"])) == (found["kept"], found["removed"])
    assert found["cluster_sizes"] == {"3": 1}
    assert len(found["largest_clusters"][0]["removed"]) == 2
    assert found["conflicts"] == 1
    assert {answer["id"] for answer in found["conflict_examples"][0]["answers"]} >= {"conflict"}
    assert found["personal_data"] == {"EMAIL": 1}
    assert found["repairs"] == {"control characters": 2, "white space": 1}
    assert found["settings"]["banding"]["bands"] == 25


@pytest.mark.parametrize(("mode", "text"), [("mask", "[EMAIL]"), ("keep", "anna.berg@firma.de")])
def test_personal_data_masked_or_kept(make: Make, tmp_path: Path, mode: str, text: str) -> None:
    _, out = run(mixed(make), tmp_path, f"curate.personal_data={mode}", "curate.keep_fraction=1.0")
    kept = {example.id: example for example in read_examples(out / "kept.jsonl")}
    assert text in kept["mail"].answer
    assert json.loads((out / "curation.json").read_text(encoding="utf-8"))["personal_data"] == {"EMAIL": 1}


def test_personal_data_removed_is_written_nowhere(make: Make, tmp_path: Path) -> None:
    _, out = run(mixed(make), tmp_path, "curate.personal_data=remove")
    assert removed(out)["mail"]["reason"] == "personal_data"
    assert removed(out)["mail"]["detail"] == "EMAIL 1 (masked here)"
    assert not [path for path in out.iterdir() if b"anna.berg" in path.read_bytes()]


def test_the_order_of_the_input_decides_nothing(whole: Run, tmp_path: Path) -> None:
    _, back = run(whole.examples[::-1], tmp_path)
    results = [{name: (row["reason"], row["duplicate_of"], row["similarity"]) for name, row in removed(out).items()} for out in (whole.out, back)]
    assert results[0] == results[1]


def test_the_picture_is_a_picture(whole: Run) -> None:
    from PIL import Image

    with Image.open(whole.out / "curation.png") as image:
        assert image.size == (1500, 570)
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50


def test_good_examples_that_the_fraction_removes_are_told(make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, out = run([*good(make), make("What is `y`?", "I do not know.")], tmp_path / "most")
    assert json.loads((out / "curation.json").read_text(encoding="utf-8"))["removed_though_good"] == 15
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told.startswith("15 of the 16 examples removed for low quality have a score of 0.95 or more: nothing bad was found in them")
    assert "curate.keep_fraction=1.0" in told
    caplog.clear()
    run(good(make), tmp_path / "all", "curate.keep_fraction=1.0")
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_nothing_left_is_told(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of 1 examples is left"):
        run([make("What?", "")], tmp_path)


def test_the_step_declares_what_it_reads() -> None:
    assert STEP.reads == ("02_extract/examples.jsonl",)
    assert STEP.config_keys == ("curate",)


def test_bad_rows_go_with_their_line_and_stop_nothing(make: Make, tmp_path: Path) -> None:
    examples = good(make)
    lines = [json.dumps(asdict(example)).encode() for example in examples]
    key = "AKIA" + "IOSFODNN7" + "ABCDEFG"
    lines[3:3] = [b"{broken", b"", b'{"id": "x"}', b'"' + b"y" * 3_000_000 + b'"', f"mail anna.berg@firma.de, key {key}".encode()]
    lines.append(json.dumps({**asdict(examples[0]), "answer": "Quite another answer under the same id."}).encode())
    _, out = run_lines(lines, tmp_path, "curate.max_line_mb=1")
    rows = [json.loads(line) for line in (out / "removed.jsonl").read_text(encoding="utf-8").splitlines()]
    bad = {row["line"]: row for row in rows if row["reason"] == "bad_row"}
    assert [(line, row["example"] is None) for line, row in bad.items()] == [(4, True), (6, True), (7, True), (8, True), (86, False)]
    assert bad[4]["detail"].startswith("not JSON")
    assert bad[6]["detail"] == "question: field required"
    assert bad[7]["detail"].startswith("the line has 3,000,003 bytes")
    assert len(bad[7]["beginning"]) == 1000
    assert bad[8]["beginning"] == "mail [EMAIL], key [SECRET]"
    assert bad[86]["detail"] == "line 1 has the same id and another text"
    assert bad[86]["example"]["answer"].startswith("Quite another")
    found = json.loads((out / "curation.json").read_text(encoding="utf-8"))
    assert found["examples"] == 85 == found["kept"] + found["removed"]
    assert found["removed_by_reason"]["bad_row"] == 5
    assert sum(found["quality"]["kept"]["histogram"]) + sum(found["quality"]["removed"]["histogram"]) == 81, "bad lines have no score"


def test_nothing_but_bad_rows_is_told(tmp_path: Path) -> None:
    told = r"none of 2 examples is left \(bad row 2; line 1: not JSON .*\)\. Write one JSON object a line, in UTF-8"
    with pytest.raises(UserError, match=told):
        run_lines([b"{", b"[]"], tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_benchmark_holds_goes_with_its_row(make: Make, tmp_path: Path) -> None:
    examples = good(make)
    (tmp_path / "bench.jsonl").write_text(json.dumps({"question": examples[5].answer.rpartition("\n")[2]}) + "\n", encoding="utf-8")
    _, out = run(examples[:10], tmp_path / "run", f"curate.decontaminate=[{tmp_path / 'bench.jsonl'}]", "curate.keep_fraction=1.0")
    assert {name: (row["reason"], row["detail"].partition(",")[0]) for name, row in removed(out).items()} == {
        examples[5].id: ("contaminated", "shared runs: bench.jsonl:1")
    }


def test_languages_are_counted(whole: Run) -> None:
    found = json.loads((whole.out / "curation.json").read_text(encoding="utf-8"))
    assert found["languages"]["en"] > 70
    assert found["expected_languages"] == ["en"]
    assert found["signals"]["language"]["kept"]["mean"] == 1.0


def test_a_killed_run_leaves_nothing_and_gives_the_same_bytes(whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    again = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("gradus.curate.work.decide", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(whole.examples, tmp_path)
    assert list(again.iterdir()) == []
    curate(context(load_config(), tmp_path, again))
    files = {path.name: path.read_bytes() for path in whole.out.iterdir()}
    assert files.keys() == {"kept.jsonl", "removed.jsonl", "curation.json", "curation.png"}
    assert {path.name: path.read_bytes() for path in again.iterdir()} == files


def test_a_kept_example_names_the_other_sources_of_its_duplicates(make: Make, tmp_path: Path) -> None:
    best, *others = good(make)
    copies = [
        replace(best, id=name, question=best.question.upper(), group=group, document_id=f"doc-{group}")
        for name, group in (("copy1", "here"), ("copy2", "there"), ("copy3", best.group))
    ]
    _, out = run([best, *copies, *others], tmp_path, "curate.keep_fraction=1.0")
    kept = {example.id: example for example in read_examples(out / "kept.jsonl")}
    (name,) = kept.keys() & {best.id, *(copy.id for copy in copies)}
    held = {(example.group, example.document_id) for example in (best, *copies)} - {(kept[name].group, kept[name].document_id)}
    assert kept[name].meta["repeated_in"]["group"] == sorted({group for group, _ in held} - {kept[name].group})
    assert kept[name].meta["repeated_in"]["document_id"] == sorted({document for _, document in held} - {kept[name].document_id})
    assert [example.id for example in kept.values() if "repeated_in" in example.meta] == [name]


def test_every_example_carries_its_signals(whole: Run) -> None:
    weights = load_config().curate.weights
    rows = [json.loads(line) for line in (whole.out / "kept.jsonl").read_text(encoding="utf-8").splitlines()]
    rows += [row["example"] for row in removed(whole.out).values()]
    total = sum(weight for _, weight in weights)
    for row in rows:
        assert row["quality"] == pytest.approx(
            sum(getattr(weights, name) * value for name, value in row["meta"]["signals"].items()) / total, abs=1e-4
        )
