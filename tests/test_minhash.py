"""MinHash: the signatures are datasketch's, bit for bit, and the bands are chosen for the recall that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from datasketch import LeanMinHash, MinHash, MinHashLSH

from gradus.config import load_config
from gradus.config.schema import NearDuplicates
from gradus.minhash import Banding, choose_banding, shingle_values, signatures
from gradus.shingles import hash_shingles

TEXTS = ["one two three four five six", "", "word", "a b 日本語 c", "again and again " * 40, " ".join(f"w{i}" for i in range(3000))]


@pytest.fixture(scope="module")
def settings() -> NearDuplicates:
    """The shipped ones."""
    return load_config().curate.near_duplicates


@pytest.mark.parametrize("permutations", [16, 128, 256])
def test_signatures_are_those_of_datasketch(settings: NearDuplicates, permutations: int) -> None:
    settings = settings.model_copy(update={"permutations": permutations})
    hashes, starts = hash_shingles(TEXTS, settings.shingle_words)
    values = shingle_values(hashes)
    found = signatures(TEXTS, settings)
    assert found.shape == (len(TEXTS), permutations)
    for row, start, stop in zip(found, starts, starts[1:], strict=False):
        reference = MinHash(num_perm=permutations, hashfunc=int)
        reference.update_batch(values[start:stop].tolist())
        assert row.dtype == reference.hashvalues.dtype
        assert np.array_equal(row, reference.hashvalues)


def test_datasketch_takes_the_signatures(settings: NearDuplicates) -> None:
    base = [f"w{i}" for i in range(200)]
    found = signatures([" ".join(base), " ".join([*base[:190], "x", *base[191:]]), "another text altogether, with nothing shared"], settings)
    sketches = [LeanMinHash(MinHash(hashvalues=row, scheme="affine32")) for row in found]
    banding = choose_banding(settings)
    index = MinHashLSH(num_perm=settings.permutations, params=(banding.bands, banding.rows))
    for position, sketch in enumerate(sketches):
        index.insert(position, sketch)
    assert sorted(index.query(sketches[0])) == [0, 1]
    assert index.query(sketches[2]) == [2]
    assert sketches[0].jaccard(sketches[1]) == pytest.approx(195 / 201, abs=0.06)


@pytest.mark.parametrize(("threshold", "permutations"), [(0.5, 128), (0.8, 128), (0.8, 256), (0.95, 64), (1.0, 128)])
def test_the_banding_has_the_recall_that_was_asked_for(threshold: float, permutations: int) -> None:
    wanted = NearDuplicates(threshold=threshold, permutations=permutations, shingle_words=3, minimum_recall=0.999)
    banding = choose_banding(wanted)
    assert banding.bands * banding.rows <= permutations
    assert banding.recall(threshold) >= 0.999
    longer = Banding(permutations // (banding.rows + 1), banding.rows + 1)
    assert longer.recall(threshold) < 0.999 or banding.rows == permutations


def test_the_default_banding_is_25_by_5(settings: NearDuplicates) -> None:
    assert choose_banding(settings) == Banding(25, 5)


def test_an_impossible_recall_is_said(caplog: pytest.LogCaptureFixture) -> None:
    choose_banding(NearDuplicates(threshold=0.1, permutations=16, shingle_words=3, minimum_recall=0.999))
    assert "16 permutations find only 81 % of the pairs at similarity 0.1" in caplog.text
