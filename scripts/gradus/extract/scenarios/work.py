"""Scenarios as a part of 02_extract: the examples, `scenarios.json`, and what a dry run tells."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import asdict
from typing import Any

from gradus.config import Config
from gradus.errors import UserError
from gradus.extract.scenarios.conversation import NO_SOURCE, request_of
from gradus.extract.scenarios.coverage import Coverage, coverage_of
from gradus.extract.scenarios.generate import Generated, draw, generate, most_extra
from gradus.extract.scenarios.plan import Plan, open_plan
from gradus.extract.scenarios.sample import Scenario
from gradus.extract.scenarios.schema import scenario_path
from gradus.files import write_json
from gradus.records import Example
from gradus.step import StepContext, Summary
from gradus.teacher import Teacher, as_summary, cache_of, estimate, open_teacher

log = logging.getLogger(__name__)


def open_configured(config: Config) -> Plan | None:
    """The configured scenario file, checked; None when there is none. Raises UserError for a mistake in it, and without a teacher."""
    if not config.extract.scenarios.file:
        return None
    if config.extract.teacher.kind == "off":
        cure = 'Set extract.teacher.kind to openai or mlx, or extract.scenarios.file to ""'
        raise UserError("scenarios need a teacher, and extract.teacher.kind is off", where="extract.scenarios.file", cure=cure)
    return open_plan(scenario_path(config.extract.scenarios.file), config.run.seed)


def make(context: StepContext, plan: Plan | None) -> tuple[list[Example], dict[str, Any] | None]:
    """The examples of a scenario file, none without one; writes and returns its report, `scenarios.json`.

    Raises:
        UserError: when no example came out.
    """
    config = context.config.extract
    if plan is None:
        return [], None
    with open_teacher(config.teacher, cache_of(context.workspace)) as teacher:
        made = generate(plan, teacher, config)
        if not made.examples:
            reason = (made.dropped + made.duplicates).most_common(1)[0][0]
            what = f"no example came out of {len(made.asked)} scenarios (mostly: {reason})"
            cure = (
                f"Read the replies in {cache_of(context.workspace)}: equal requests are answered from there, with --force too. "
                "To ask again change extract.scenarios.temperature, or delete the file of this teacher"
            )
            raise UserError(what, where=str(plan.path), cure=cure)
        report = as_json(plan, made, teacher, config.scenarios.count)
    write_json(context.out / "scenarios.json", report)
    if len(made.examples) < config.scenarios.count:
        log.warning("%d of %d scenario examples were made: extract.scenarios.extra is used up", len(made.examples), config.scenarios.count)
    return made.examples, report


def dry_run(context: StepContext) -> Summary:
    """Scenarios, coverage, tokens and cost of a run to come; nothing is asked and nothing written."""
    config, plan = context.config.extract, open_configured(context.config)
    if plan is None:
        return {}
    scenarios = draw(iter(plan.sampler), config.scenarios.count)
    coverage = coverage_of(plan.sampler.grid, plan.sampler.allowed, scenarios)
    requests = [request_of(plan, scenario, config.scenarios) for scenario in scenarios]
    cost = as_summary(estimate(requests, config.teacher, cache_of(context.workspace)))
    more = {"scenarios": f"{len(scenarios):,}, and at most {most_extra(config):,} more in place of duplicates and dropped ones"}
    return {**more, **_coverage_lines(coverage), **cost}


def as_json(plan: Plan, made: Generated, teacher: Teacher, count: int) -> dict[str, Any]:
    """The report: where the examples come from, what became of the rest, how evenly asked and kept ones cover the grid."""
    return {
        "file": plan.path.name,
        "sha256": plan.sha256,
        "name": plan.scenarios.name,
        "mode": plan.scenarios.mode,
        "teacher": teacher.name,
        "grounding": NO_SOURCE,
        "wanted": count,
        "asked": len(made.asked),
        "examples": len(made.examples),
        "duplicates": {kind: made.duplicates[kind] for kind in ("exact", "near")},
        "dropped": dict(made.dropped.most_common()),
        "groups": len({example.group for example in made.examples}),
        "turns": dict(sorted(Counter(plan.turns(scenario) for scenario in made.kept).items())),
        "usage": asdict(teacher.usage),
        "coverage_asked": _coverage(plan, made.asked),
        "coverage_kept": _coverage(plan, made.kept),
    }


def _coverage(plan: Plan, scenarios: list[Scenario]) -> dict[str, Any]:
    coverage = coverage_of(plan.sampler.grid, plan.sampler.allowed, scenarios)
    return {"pair_coverage": round(coverage.share, 6), **asdict(coverage)}


def summary_of(report: dict[str, Any]) -> Summary:
    """The lines of the report for the screen."""
    kept = report["coverage_kept"]
    return {
        "scenarios": f"{report['examples']:,} of {report['wanted']:,} wanted, {report['asked']:,} asked",
        "scenario pairs covered": f"{kept['covered_pairs']:,} of {kept['allowed_pairs']:,} allowed ({kept['pair_coverage']:.2%})",
        "scenario duplicates, dropped": f"{sum(report['duplicates'].values()):,}, {sum(report['dropped'].values()):,}",
    }


def _coverage_lines(coverage: Coverage) -> Summary:
    name, worst = max(coverage.deviations.items(), key=lambda entry: abs(entry[1].found - entry[1].wanted))
    return {
        "variables": f"{coverage.variables} with {coverage.levels} values, bins or absences",
        "pairs covered": f"{coverage.covered_pairs:,} of {coverage.allowed_pairs:,} allowed ({coverage.share:.2%})",
        "pairs forbidden by constraints": coverage.forbidden_pairs,
        "all pairs covered after": coverage.complete_after or "more than these scenarios",
        "furthest from its weight": f"{name} = {worst.value}: {worst.found:.1%} instead of {worst.wanted:.1%}",
        "repeated scenarios": coverage.repeated,
    }
