"""The work of 05_prepare."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradus.backend import BLAS, SLOW_GFLOPS, device_name, matmul_gflops
from gradus.chat import Rendered
from gradus.errors import UserError
from gradus.files import read_documents, read_examples, write_json, write_jsonl, write_text
from gradus.prepare.base import base_json, provide_base, tokenizer_of
from gradus.prepare.doctor import doctor_page
from gradus.prepare.leakage import check_leakage
from gradus.prepare.plan import expected_seconds, make_plan
from gradus.prepare.split import Splits, sources, split_examples
from gradus.prepare.statistics import kinds, part_statistics, structure_shares, supervised_tokens, tokenize, with_system
from gradus.records import Base, Document, Example
from gradus.registry import Registry
from gradus.step import StepContext, Summary

log = logging.getLogger(__name__)


def prepare(context: StepContext) -> Summary:
    """Split, write the data files, provide the base model, count tokens, write the doctor's page."""
    config = context.config
    warn_if_slow()
    likeness = config.curate.near_duplicates
    trained = Registry(context.workspace).sources_of(config.prepare.trained_before) if config.prepare.trained_before else None
    splits = split_examples(read_examples(context.input("04_augment/examples.jsonl")), config.prepare.split, likeness, config.run.seed, trained)
    for name, examples in splits.parts().items():
        write_jsonl(context.out / f"{name}.jsonl", (row_of(e, config.prepare.system_prompt) for e in examples))
    leakage = check_leakage(context.out, likeness)
    texts = training_texts(read_documents(context.input("01_collect/documents.jsonl")), splits)
    base = provide_base(config.model, texts, config.run.seed, context.workspace / "models" / "base")
    write_text(context.out / "base.json", base_json(base, context.workspace))
    tokenizer = tokenizer_of(base)
    tokenized = {name: tokenize(examples, tokenizer, config.prepare.system_prompt) for name, examples in splits.parts().items()}
    statistics = {**_statistics(splits, tokenized, set(tokenizer.eos_token_ids), config.prepare.max_tokens), "leakage": asdict(leakage)}
    write_json(context.out / "statistics.json", statistics)
    _write_doctor(context, statistics, base, tokenized["train"])
    return _summary(statistics, base)


def warn_if_slow() -> None:
    """Say it when matrix products are slow, which on Linux means that no fast BLAS was found."""
    if device_name() != "cpu":
        return
    speed = matmul_gflops()
    log.info("CPU matrix products: %.0f GFLOP/s%s", speed, f" ({BLAS})" if BLAS else "")
    if speed < SLOW_GFLOPS:
        log.warning("That is slow: training will take 10 to 30 times longer. Cure: pip install -r requirements.txt, or apt install libopenblas0.")


def row_of(example: Example, system_prompt: str) -> dict[str, Any]:
    """A line of train.jsonl: `messages` as mlx-lm reads them, and what evaluation and a later split need to know."""
    keys = ("id", "origin_id", "document_id", "group", "kind", "quality")
    row = {"messages": with_system(example.messages(), system_prompt), **{key: getattr(example, key) for key in keys}}
    return row | {key: value for key, value in example.meta.items() if key == "repeated_in"}


def training_texts(documents: Sequence[Document], splits: Splits) -> list[str]:
    """Texts that a base may be pre-trained on: all but those of the sources that are held out or said the same."""
    held_out = [*splits.valid, *splits.test]
    groups = {name for e in held_out for name in sources(e, "group")} if splits.unit == "group" else set()
    ids = {name for e in held_out for name in sources(e, "document_id")}
    texts = [d.text for d in documents if d.id not in ids and d.group not in groups and d.format != "rows"]
    # Conversations of data sets and scenarios stand in no document: those of the training part are read themselves.
    texts += [f"{e.question}\n\n{e.answer}" for e in splits.train if not texts or e.kind in ("chat", "scenario")]
    if sum(map(len, texts)) < 1000:
        raise UserError("too little text to go on with", where="05_prepare", cure="Add documents (collect.folders)")
    return texts


def _write_doctor(context: StepContext, statistics: dict[str, Any], base: Base, conversations: Sequence[Rendered]) -> None:
    """The doctor's page. No later step reads it: the settings of training and the clock are in it."""
    limit = context.config.prepare.max_tokens
    supervised = [supervised_tokens(conversation, limit) for conversation in conversations]
    if not any(supervised):
        raise UserError("no training conversation has a supervised token left", where="05_prepare", cure="Raise prepare.max_tokens")
    lengths = [min(len(conversation.tokens), limit) for conversation in conversations]
    plan = make_plan(lengths, supervised, context.config)
    seconds = expected_seconds(Path(base.path), [n for n, s in zip(lengths, supervised, strict=True) if s], context.config)
    write_json(context.out / "doctor.json", {**asdict(plan), "expected_seconds": round(seconds, 1)})
    write_text(context.out / "doctor.md", doctor_page(statistics, base, plan, seconds, context.config.train))


def _statistics(splits: Splits, tokenized: dict[str, list[Rendered]], ends: set[int], max_tokens: int) -> dict[str, Any]:
    parts = {name: part_statistics(examples, tokenized[name], ends, max_tokens) for name, examples in splits.parts().items()}
    return {
        "splits": {name: asdict(part) for name, part in parts.items()},
        "split_unit": splits.unit,
        "split_clusters": splits.clusters,
        "variants_left_out": splits.left_out,
        "max_tokens": max_tokens,
        "structure": structure_shares(splits.train),
        "kinds": kinds(splits.train),
    }


def _summary(statistics: dict[str, Any], base: Base) -> Summary:
    parts = statistics["splits"]
    return {
        "train / valid / test": " / ".join(f"{part['examples']:,}" for part in parts.values()),
        "kept together by": statistics["split_unit"],
        "seen in training": f"{statistics['leakage']['found']} of {statistics['leakage']['held_out']:,} held-out examples",
        "supervised tokens": parts["train"]["supervised_tokens"],
        "tokens median / longest": f"{parts['train']['length']['median']} / {parts['train']['length']['max']}",
        "truncated": parts["train"]["truncated"],
        "base model": f"{base.name} ({base.parameters:,} parameters)",
        "why this base": base.reason,
    }
