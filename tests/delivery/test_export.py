"""12_export: the folder is the model it was made from, and its card states the measured numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradus.compare import ask
from gradus.config import load_config
from gradus.errors import GradusError, UserError
from gradus.export import STEP
from gradus.export.card import cell, front_matter, model_card
from gradus.export.facts import read_facts
from gradus.export.work import export
from gradus.fences import fenced
from gradus.files import read_json, sha256_file, write_json
from gradus.interval import Interval
from gradus.models import load_model
from gradus.records import Base
from gradus.registry import Registry
from gradus.registry_entries import Candidate, Graded
from gradus.step import StepContext

from .random_models import qwen_tokenizer

Export = Callable[..., StepContext]
SPLIT = {"examples": 10, "variants": 0, "groups": 4, "tokens": 900, "supervised_tokens": 500}


@pytest.fixture
def inputs(tmp_path: Path, delivered: dict[str, Path], evaluated: Callable[..., Path], metadata: Path) -> dict[str, Path]:
    """The real outputs of 10_fuse and 11_quantize, and what the other steps leave."""
    write_json(tmp_path / "statistics.json", {"splits": dict.fromkeys(("train", "valid", "test"), SPLIT), "split_unit": "group"})
    sources = {"numpy": {"documents": 7, "bytes": 12_345}, "/home/someone/private|notes": {"documents": 3, "bytes": 999}}
    write_json(tmp_path / "manifest.json", {"by_source": sources})
    return delivered | {
        "07_evaluate/evaluation.json": evaluated(75.5, 50.0),
        "06_train_mlx/run_metadata.json": metadata,
        "05_prepare/statistics.json": tmp_path / "statistics.json",
        "01_collect/manifest.json": tmp_path / "manifest.json",
    }


@pytest.fixture
def run_export(context_of: Callable[..., StepContext], inputs: dict[str, Path], tiny_settings: list[str]) -> Export:
    """Runs the step's work; gives the context."""

    def run(*settings: str) -> StepContext:
        context = context_of(STEP, load_config(settings=[*tiny_settings, *settings]), inputs)
        export(context)
        return context

    return run


def card(context: StepContext) -> tuple[dict[str, Any], str]:
    _, front, body = (context.out / "huggingface" / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(front), body


@pytest.mark.parametrize("variant", ["fused", "quantized"])
def test_the_folder_is_a_model_with_the_answer_its_step_recorded(run_export: Export, inputs: dict[str, Path], variant: str) -> None:
    from mlx_lm import load

    from gradus.models import generate_answers

    context = run_export(f"export.variant={variant}")
    folder = context.out / "huggingface"
    record = read_json(context.out / "export.json")
    sample = read_json(inputs["10_fuse/fuse.json" if variant == "fused" else "11_quantize/quantization.json"])["sample"]
    model, tokenizer = load(str(folder))[:2]
    assert tokenizer.has_chat_template
    assert generate_answers(model, tokenizer, [sample["messages"]], max_tokens=sample["max_tokens"], batch_size=1)[0].text == sample["answer"]
    assert record["checks"]["answer"] == sample["answer"]
    assert record["checks"]["lossless_texts"] == record["checks"]["tokenizer_texts"] == 6
    assert set(record["files"]) == {f"huggingface/{path.name}" for path in folder.iterdir()}
    assert all(entry["sha256"] == sha256_file(context.out / name) for name, entry in record["files"].items())
    assert ("quantization" in json.loads((folder / "config.json").read_text())) == (variant == "quantized")


def test_the_card_states_what_was_measured_and_that_it_is_a_demonstration(run_export: Export) -> None:
    front, body = card(run_export("export.model_name=my-model"))
    tags = ["mlx", "gradus", "lora", "demonstration"]
    assert front == {"library_name": "mlx", "pipeline_tag": "text-generation", "license": "unknown", "tags": tags}
    assert body.strip().startswith("# my-model\n\n**This is a demonstration, not a model to use.**")
    assert "**B** (75.5 %, 95 % interval 71.5 % to 79.5 %)" in body
    assert "| overall | 50.0 % | 75.5 % |" in body
    assert "3 better, 0 equal, 1 worse; +25.5 points (95 % interval +40.0 to +51.0, p = 0.0004)" in body
    assert "| numpy | 7 | 12.3 kB |" in body
    assert "| private\\|notes | 3 | 999 bytes |" in body
    assert "| train | 10 | 4 | 900 | aaaaaaaaaaaaaaaa |" in body
    assert "| test | 10 | 4 | 900 | not seen in training |" in body
    assert "None is stated." in body
    for private in ("/home/someone", "/tmp", str(Path.home())):  # noqa: S108  looked for, not written to
        assert private not in body


def test_the_card_of_a_quantized_model_shows_the_cost(run_export: Export, inputs: dict[str, Path]) -> None:
    figures = read_json(inputs["11_quantize/quantization.json"])
    _, body = card(run_export("export.variant=quantized"))
    assert "quantized to 4 bits in groups of 32" in body
    assert f"loss {figures['before']['loss']:.3f} to {figures['after']['loss']:.3f}" in body


def test_a_withheld_grade_is_not_shown(run_export: Export, inputs: dict[str, Path], evaluated: Callable[..., Path]) -> None:
    inputs["07_evaluate/evaluation.json"] = evaluated(75.5, 50.0, "the control answers came out in the wrong order")
    context = run_export()
    body = card(context)[1]
    assert "The grade is withheld: the control answers came out in the wrong order. What that grader scored is left out." in body
    assert not [said for said in ("| overall |", "| form |", "| content |", "question by question", "points (95") if said in body]
    assert "| loss on the references (nats a token) | 2.00 | 2.00 |" in body, "what the rubric has no part in stays"
    assert read_json(context.out / "export.json")["grade"]["percent"] is None


def registered(context: StepContext, adapter: Path, run: str) -> Registry:
    """A registry with an adapter of the run, which lies where training would have left it."""
    folder = context.workspace / "adapters" / run
    folder.mkdir(parents=True)
    shutil.copyfile(adapter / "adapters.safetensors", folder / "adapters.safetensors")
    (folder / "evaluation.json").write_text("{}")
    write_json(folder / "run_metadata.json", {"base": {"name": "tiny", "revision": "1"}})
    graded = Graded("F", 19.6, 11.6, 48, None, "e" * 64)
    files, evaluation = (folder / "adapters.safetensors",), (folder / "evaluation.json",)
    registry = Registry(context.workspace)
    registry.register_model(Candidate(run, "lora", Base("builtin", "tiny", "base", "1", "", 1), {}, graded, files, evaluation))
    return registry


def test_the_card_says_where_the_model_stands_in_the_registry(run_export: Export, adapter: Path, tmp_path: Path) -> None:
    """`paths.workspace` is what the registry is found by; the context's folder is the same place."""
    workspace = f"paths.workspace={tmp_path / 'workspace'}"
    context = run_export(workspace)
    assert "It is not registered, and no gate has been asked about it." in card(context)[1]
    before = outside_of(context)
    registry = registered(context, adapter, context.config.run.name)
    assert "this is version v1, a candidate: the gate has not been asked." in card(run_export(workspace))[1]
    registry.decide("v1", lambda _version, _current: ["its grade of 19.6 % is below promote.minimum_percent (40 %)"], reason="")
    refused = card(run_export(workspace))[1]
    assert "version v1, a candidate: the gate refused it, because its grade of 19.6 % is below promote.minimum_percent (40 %)." in refused
    registry.promote("v1", reason="by hand, although its grade is low", forced=True)
    assert "v1, the current model: promoted past the gate (by hand, although its grade is low)." in card(run_export(workspace))[1]
    assert outside_of(context) != before, "so that a promotion makes the step write its card anew"


def outside_of(context: StepContext) -> object:
    assert STEP.outside is not None
    return STEP.outside(context.config)


def test_the_card_claims_nothing_that_was_not_measured(run_export: Export) -> None:
    body = card(run_export())[1]
    assert "no better than its base" not in body
    assert "How it answers about anything else was not measured." in body


def test_figures_side_by_side_have_the_same_digits_and_no_interval_is_made_up(run_export: Export) -> None:
    facts = read_facts(run_export())
    tuned = replace(facts.evaluation.tuned, likelihood=replace(facts.evaluation.tuned.likelihood, bits_per_byte=3.3, loss=5.0))
    grade = replace(facts.evaluation.grade, percent=0.0, interval=Interval(0.0, 0.0))
    text = model_card(replace(facts, evaluation=replace(facts.evaluation, tuned=tuned, grade=grade)))
    assert "| bits a byte of the references | 1.40 | 3.30 |" in text
    assert "| loss on the references (nats a token) | 2.00 | 5.00 |" in text
    assert "(0.0 %, no interval can be told: all questions the same)" in text


def test_base_and_licence_in_the_front_matter(run_export: Export) -> None:
    facts = read_facts(run_export())
    hub = replace(facts, base=replace(facts.base, kind="hub", name="someone/Model-4bit"), licence="Apache-2.0")
    front = front_matter(hub)
    assert (front["base_model"], front["license"], "demonstration" in front["tags"]) == ("someone/Model-4bit", "apache-2.0", False)
    assert "demonstration" not in model_card(hub)
    own = front_matter(replace(facts, licence="My own terms"))
    assert (own["license"], own["license_name"]) == ("other", "My own terms")


def test_a_folder_with_other_weights_is_refused(run_export: Export, inputs: dict[str, Path]) -> None:
    inputs["10_fuse/model"] = inputs["11_quantize/model"]
    with pytest.raises(GradusError, match="does not answer as the model it was made from"):
        run_export()


def test_a_missing_figure_is_an_error_not_a_blank(run_export: Export, inputs: dict[str, Path]) -> None:
    metadata = read_json(inputs["06_train_mlx/run_metadata.json"])
    del metadata["first_valid_loss"]
    write_json(inputs["06_train_mlx/run_metadata.json"], metadata)
    with pytest.raises(GradusError, match="first_valid_loss"):
        run_export()


@pytest.fixture
def speakable(inputs: dict[str, Path], tmp_path: Path) -> None:
    """The fused model gets a tokenizer that llama.cpp has."""
    inputs["10_fuse/model"] = qwen_tokenizer(inputs["10_fuse/model"], tmp_path / "speakable")


# Another tokenizer than the graded model had: the loss is another one.
GGUF = [f"export.gguf.{group}.{limit}" for group in ("sixteen_bits", "fewer_bits") for limit in ("max_loss_difference=9", "min_equal_answers=0")]


@pytest.mark.usefixtures("speakable")
def test_gguf_with_modelfile_and_folders_for_lmstudio(run_export: Export) -> None:
    context = run_export("export.formats=[gguf-q8_0, gguf-f16, ollama, lmstudio]", "export.model_name=my-model", *GGUF)
    names = sorted(path.relative_to(context.out).as_posix() for path in context.out.rglob("*") if path.is_file())
    files = [f"my-model-{kind}.gguf" for kind in ("F16", "Q8_0")]
    lmstudio = [f"lmstudio/gradus/my-model-GGUF/{name}" for name in files]
    assert names == ["export.json", *(f"gguf/{name}" for name in files), *lmstudio, "ollama/Modelfile"]
    assert (context.out / lmstudio[0]).samefile(context.out / "gguf" / files[0])
    record = read_json(context.out / "export.json")
    assert [(entry["kind"], entry["path"]) for entry in record["gguf"]] == [("q8_0", f"gguf/{files[1]}"), ("f16", f"gguf/{files[0]}")]
    assert all(entry["check"]["share_of_bound"] <= 1 and entry["drift"]["questions"] == 5 for entry in record["gguf"])
    assert (record["checks"], record["weight_bytes"]) == (None, None)
    text = (context.out / "ollama" / "Modelfile").read_text()
    assert text.startswith("FROM ../gguf/my-model-Q8_0.gguf\n")
    assert text.endswith('PARAMETER stop "<|im_end|>"\nPARAMETER temperature 0\nPARAMETER num_ctx 256\n')
    assert (context.out / "ollama" / "../gguf/my-model-Q8_0.gguf").is_file()


@pytest.mark.usefixtures("speakable")
def test_the_card_names_the_gguf_files_with_what_they_cost(run_export: Export, inputs: dict[str, Path]) -> None:
    fused = read_json(inputs["10_fuse/fuse.json"])
    model, tokenizer = load_model(inputs["10_fuse/model"])
    fused["sample"]["answer"] = ask(model, tokenizer, fused["sample"]["messages"], fused["sample"]["max_tokens"])
    inputs["10_fuse/fuse.json"] = inputs["10_fuse/model"].with_name("fuse.json")
    write_json(inputs["10_fuse/fuse.json"], fused)
    context = run_export("export.formats=[huggingface, gguf-q8_0]", *GGUF)
    drift = read_json(context.out / "export.json")["gguf"][0]["drift"]
    assert f"B | {drift['loss_difference']:+.4f} | {100 * drift['equal_answers']:.0f} % |" in card(context)[1]
    assert "| gguf/gradus-model-Q8_0.gguf | " in card(context)[1]


def test_a_tokenizer_of_its_own_is_refused_as_gguf(run_export: Export, inputs: dict[str, Path], tmp_path: Path) -> None:
    folder = qwen_tokenizer(inputs["10_fuse/model"], tmp_path / "own")
    data = read_json(folder / "tokenizer.json")
    data["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": r"\w+|\W"}
    write_json(folder / "tokenizer.json", data)
    inputs["10_fuse/model"] = folder
    with pytest.raises(UserError, match=r"no pre-tokenizer known to cut text as this tokenizer does \(\\w\+\|\\W\)"):
        run_export("export.formats=[gguf-f16]", *GGUF)


@pytest.mark.usefixtures("speakable")
def test_ollama_create_is_run_when_asked_for(run_export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ["export.formats=[gguf-f16, ollama]", "export.ollama.create=true", *GGUF]
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(UserError, match="ollama is not installed"):
        run_export(*settings)
    program(tmp_path / "bin" / "ollama", f'echo "$@" > {tmp_path}/said')
    context = run_export(*settings)
    assert (tmp_path / "said").read_text() == f"create gradus-model -f {context.out}/ollama/Modelfile\n"
    program(tmp_path / "bin" / "ollama", "echo 'could not connect to a running Ollama instance' >&2; exit 1")
    with pytest.raises(GradusError, match=r"ollama create failed: could not connect .* ollama serve"):
        run_export(*settings)


@pytest.mark.usefixtures("speakable")
def test_k_quants_go_through_llama_quantize(run_export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ["export.formats=[gguf-q4_k_m]", *GGUF]
    monkeypatch.delenv("LLAMA_CPP_DIR", raising=False)
    with pytest.raises(UserError, match=r"LLAMA_CPP_DIR is not set\. brew install llama\.cpp"):
        run_export(*settings)
    monkeypatch.setenv("LLAMA_CPP_DIR", str(tmp_path))
    with pytest.raises(UserError, match="has none"):
        run_export(*settings)
    program(tmp_path / "build" / "bin" / "llama-quantize", f'/bin/cp "$1" "$2"; echo "$3" > {tmp_path}/kind')
    context = run_export(*settings)
    assert (tmp_path / "kind").read_text() == "Q4_K_M\n"
    assert [path.name for path in (context.out / "gguf").iterdir()] == ["gradus-model-Q4_K_M.gguf"]
    program(tmp_path / "build" / "bin" / "llama-quantize", "echo 'main: failed to quantize model' >&2; exit 1")
    with pytest.raises(GradusError, match="llama-quantize failed with code 1: main: failed to quantize model"):
        run_export(*settings)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["export.formats=[ollama]"], "ollama in formats needs a gguf format beside it"),
        (["export.formats=[huggingface, huggingface]"], "formats names one twice"),
        (["export.ollama.create=true"], "ollama.create needs ollama in formats"),
        (["export.formats=[gguf-q7]"], "export.formats"),
        (["export.upload.repo=no-owner"], "export.upload.repo"),
    ],
)
def test_settings_that_cannot_be_honoured(settings: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(settings=settings)


def test_texts_cannot_break_the_page() -> None:
    assert cell("a|b\nc") == "a\\|b c"
    assert fenced("x\n```py\n1\n```", "text").startswith("````text\n")
    assert fenced("x\n```py\n1\n```", "text").endswith("\n````")
