"""A workspace in which one continuation has run all twelve steps for real, on very little."""

from __future__ import annotations

import re
import shutil
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gradus.config import Config, load_config
from gradus.config.load import PROJECT

FACTS = {
    "bread": (
        "How is sourdough kept alive?",
        "Feed the starter **daily** with flour and water, and keep it near 24 degrees so that wild yeast thrives.",
    ),
    "rivers": (
        "Why do rivers meander?",
        "Faster current erodes the **outer bank**, while sand settles on the inner one; loops grow until floods cut them off.",
    ),
    "clocks": (
        "What keeps a pendulum clock exact?",
        "Its period depends on **length and gravity** alone, and the escapement returns lost energy at every swing.",
    ),
    "bees": (
        "How do bees tell where nectar is?",
        "A returning forager dances: the **angle** against the vertical gives the direction, the duration of waggling the distance.",
    ),
    "glass": (
        "When does glass become soft?",
        "Soda-lime glass softens around **700 degrees**; borosilicate, used for ovens, holds out a hundred degrees longer.",
    ),
    "letters": (
        "Who cut the first printing types?",
        "Goldsmiths engraved steel **punches**, struck them into copper and cast lead alloy from those matrices.",
    ),
    "ships": (
        "How does a ship sail against the wind?",
        "The crew tacks: a **keel** resists drift, so canvas trimmed at an angle pulls the hull forward in zigzags.",
    ),
    "volcanoes": (
        "What makes an eruption explosive?",
        "Sticky magma traps **dissolved gas**; once pressure drops, bubbles expand and shatter molten rock into ash.",
    ),
    "tea": (
        "Why does green tea stay green?",
        "Leaves are steamed or pan-fired soon after picking, which stops the **enzymes** that would oxidise them to black.",
    ),
}


def write_document(folder: Path, name: str) -> None:
    """A Markdown page with a question in a heading and its answer."""
    question, answer = FACTS[name]
    notes = f"Notes about {name}, gathered from people who know their trade; each answers what visitors ask them again and again, year after year."
    body = f"# About {name}\n\n{notes}\n\n## {question}\n\n{answer}\n"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.md").write_text(body, encoding="utf-8")


@dataclass(frozen=True)
class Place:
    """A folder of documents and a workspace."""

    root: Path
    rubric: Path
    tiny_settings: list[str]

    @property
    def workspace(self) -> Path:
        """Where the outputs are."""
        return self.root / "workspace"

    @property
    def documents(self) -> Path:
        """What is collected; the settings name it relative to `root`."""
        return self.root / "documents"

    @property
    def settings(self) -> list[str]:
        """Everything as small as it goes."""
        small = {"collect.python_docs": "[]", "collect.folders": "[documents]", "paths.workspace": self.workspace, "run.name": "weekly"}
        small |= {"curate.keep_fraction": 1, "prepare.max_tokens": 128, "prepare.split": "{valid: 0.15, test: 0.35, largest_cluster: 1}"}
        small |= {"train.iterations": 6, "train.report_every": 2, "train.validate_every": 3, "train.checkpoint_every": 3, "train.row_tokens": 128}
        small |= {"train.schedule.warmup_updates": 1, "train.lora.rank": 4, "evaluate.questions": 8, "evaluate.max_tokens": 8}
        small |= {"evaluate.embedding.model": "'off'", "evaluate.bootstrap_samples": 100, "promote.must_beat_base": "false"}
        small |= {"promote.tolerance_points": 100, "promote.significance": 0.001, "fidelity.questions": 2, "fidelity.answer_tokens": 4}
        small |= {"quantize.recipes": "[8]", "quantize.grade": "false", "quantize.speed_tokens": 2}
        small["evaluate.rubric"] = self.rubric
        return [*self.tiny_settings, *(f"{key}={value}" for key, value in small.items())]

    def config(self, *settings: str) -> Config:
        """The configuration, with more settings laid over it."""
        return load_config(settings=[*self.settings, *settings])


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_settings: list[str]) -> Place:
    """The first continuation has ended with a promotion. Do not write into it."""
    from gradus.continuing import continue_run
    from gradus.pipeline import STEPS

    place = Place(tmp_path_factory.mktemp("continuing"), tmp_path_factory.mktemp("rubric") / "rubric.yaml", tiny_settings)
    for name in list(FACTS)[:-1]:
        write_document(place.documents, name)
    # Of so few and short questions chance decides whether answers of others score as low as the rubric expects.
    rubric = (PROJECT / "config" / "rubric.yaml").read_text(encoding="utf-8")
    place.rubric.write_text(re.sub(r"shuffled_below: \S+", "shuffled_below: 90", rubric), encoding="utf-8")
    with chdir(place.root):
        continue_run(place.config(), STEPS)
    return place


@pytest.fixture
def place(finished: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy to go on with, elsewhere: that it goes on there shows that a project can be moved."""
    shutil.copytree(finished.root, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return replace(finished, root=tmp_path / "copy")
