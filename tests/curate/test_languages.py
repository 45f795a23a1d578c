"""Which language prose is in, which ones are expected, and what another one costs."""

from __future__ import annotations

import numpy as np
import pytest

from gradus.config import load_config
from gradus.config.schema import Curate
from gradus.curate.decide import measure
from gradus.curate.languages import expected_languages, language_of, language_signal
from gradus.curate.quality import SIGNAL_NAMES

from .conftest import Make, Score

ENGLISH = "The function opens the file, reads it line by line and closes it in the end, whatever went wrong on the way. "
GERMAN = "Die Funktion öffnet die Datei, liest sie Zeile für Zeile und schließt sie am Ende wieder, was auch immer geschieht. "
CODE = "```python\nfor zeile in datei:\n    print(zeile)\n```"
MANY = 20


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (GERMAN, "de"), ("ファイルを開いて一行ずつ読み、最後に閉じます。" * 2, "ja")])
def test_prose_has_a_language(text: str, language: str, settings: Curate) -> None:
    found, confidence = language_of(text, settings.bounds)
    assert found == language
    assert 0.5 < confidence <= 1


@pytest.mark.parametrize("text", ["Returns None.", "a (array): Input array or scalar. b (array): Input array or scalar. " * 3])
def test_a_few_words_and_words_of_no_language_do_not_tell(text: str, settings: Curate) -> None:
    assert language_of(text, settings.bounds) == ("", 0.0)


def test_the_end_of_a_long_text_counts_too(settings: Curate) -> None:
    assert language_of("In short: " + GERMAN * 5, settings.bounds)[0] == "de"


def test_expected_are_those_asked_for_or_those_with_a_share() -> None:
    counts = {"": 1000, "en": 90, "de": 8, "la": 2}
    assert expected_languages(counts, [], 0.05) == {"en", "de"}
    assert expected_languages(counts, ["fr"], 0.05) == {"fr"}
    assert expected_languages({"": 3}, [], 0.05) == frozenset()


def test_the_surer_another_language_the_lower_the_signal() -> None:
    signal = language_signal(np.array([0, 1, 2, 2]), ["", "en", "de"], np.array([0, 0.9, 0.9, 0.3]), frozenset({"en"}))
    assert signal.tolist() == pytest.approx([1, 1, 0.1, 0.7])


@pytest.mark.parametrize(("settings", "low"), [([], {"stray"}), (["curate.languages=[de]"], {"english"}), (["curate.languages=[de, en]"], set())])
def test_the_signal_reads_prose_without_code(make: Make, score: Score, settings: list[str], low: set[str]) -> None:
    examples = [make(f"What is {n}?", ENGLISH, name=f"e{n}") for n in range(MANY)]
    examples += [make("Und?", GERMAN, name="stray"), make("And?", f"Runs:\n\n{CODE}\n\n{CODE}", name="code")]
    curate = load_config(settings=settings).curate
    signals = measure(score(examples, curate).table, curate).signals[:, SIGNAL_NAMES.index("language")]
    assert {"english" if e.id.startswith("e") else e.id for e, signal in zip(examples, signals, strict=True) if signal < 0.5} == low


def test_norwegian_needs_no_quotes() -> None:
    settings = load_config(settings=["curate.languages=[en, no]", "curate.phone_regions=[NO, US]"]).curate
    assert (settings.languages, settings.phone_regions) == (["en", "no"], ["NO", "US"])
