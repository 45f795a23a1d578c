"""The doctor's page: what training will see, and what looks wrong with it, before any time is spent."""

from __future__ import annotations

from typing import Any

from gradus.config.schema import Train
from gradus.prepare.plan import Plan
from gradus.records import Base


def doctor_page(statistics: dict[str, Any], base: Base, plan: Plan, seconds: float, train: Train) -> str:
    """`doctor.md`: a table of the parts, what training will make of them, and a list of findings, each with its cure."""
    parts = statistics["splits"]
    rows = [
        "| part | examples | groups | tokens | supervised | truncated | missing EOS | median | longest |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, part in parts.items():
        share = part["supervised_tokens"] / part["tokens"]
        rows.append(
            f"| {name} | {part['examples']:,} | {part['groups']:,} | {part['tokens']:,} | {share:.0%} "
            f"| {part['truncated']:,} | {part['missing_eos']:,} | {part['length']['median']} | {part['length']['max']} |"
        )
    shape = ", ".join(f"{name} {share:.0%}" for name, share in statistics["structure"].items())
    lines = [
        "# What training will see", "",
        f"Base model: {base.name}, {base.parameters:,} parameters, revision {base.revision} ({base.reason}).", "",
        *rows, "", f"Training answers with {shape}.", "", *training_section(plan, seconds, train), "", "## Findings", "",
        *[f"- {finding}" for finding in findings(statistics) or ["Nothing looks wrong."]],
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def training_section(plan: Plan, seconds: float, train: Train) -> list[str]:
    """What the batches will be, beside those of stock mlx-lm, and an estimate of the time."""
    return [
        "## Training", "",
        f"With train.batch_size={train.batch_size}, train.packing={str(train.packing).lower()}, train.row_tokens={train.row_tokens} "
        f"and train.iterations={train.iterations} as they were when this page was written:", "",
        "| | here | stock mlx-lm |", "|---|---:|---:|",
        f"| padding, share of all places | {plan.padding:.1%} | {plan.stock_padding:.1%} |",
        f"| shapes to compile | {plan.shapes} | {plan.stock_shapes} |", "",
        f"{plan.batches:,} batches an epoch, so {plan.epochs:.3g} epochs. "
        f"About {duration(seconds)} of training on this machine, estimated from forward passes of the base model; validation is not in it.",
    ]  # fmt: skip


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.2g} seconds"


def findings(statistics: dict[str, Any]) -> list[str]:
    """What a doctor would point at, each with a cure."""
    train = statistics["splits"]["train"]
    lost, empty = train["truncated"], train["unsupervised"]
    checks = [
        (
            lost > 0.02 * train["examples"],
            f"{lost:,} training conversations are cut at {statistics['max_tokens']} tokens and lose their end; raise `prepare.max_tokens`.",
        ),
        (
            train["missing_eos"] > lost,
            "Some answers do not end with the end-of-sequence token: the model may never stop. Check the base model's chat template.",
        ),
        (empty > 0, f"{empty:,} conversations have no answer left after the cut and are left out of training; raise `prepare.max_tokens`."),
        (
            train["supervised_tokens"] < 0.2 * train["tokens"],
            "Fewer than a fifth of the tokens are supervised: questions are much longer than answers, so an epoch teaches little.",
        ),
        (
            statistics["split_unit"] != "group",
            f"Too few sources: the parts are split by `{statistics['split_unit']}`, so held-out scores are optimistic. Add documents.",
        ),
        (
            statistics["splits"]["test"]["examples"] < 20,
            "Fewer than 20 test examples: the grade will have a wide interval. Add documents or raise `prepare.split.test`.",
        ),
    ]
    return [text for wrong, text in checks if wrong]
