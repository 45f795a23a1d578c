"""Texts that say what an earlier one said, found as they come: exact ones by their words, near ones by incremental MinHash LSH."""

from __future__ import annotations

from zlib import crc32

from datasketch import MinHash, MinHashLSH

from gradus.config.curate import NearDuplicates
from gradus.minhash import choose_banding
from gradus.shingles import Shingles, jaccard, shingles, tokens


class Seen:
    """The texts so far. A candidate of the index is verified by its exact similarity, so nothing is dropped by chance."""

    def __init__(self, settings: NearDuplicates) -> None:
        banding = choose_banding(settings)
        self._settings = settings
        self._index = MinHashLSH(num_perm=settings.permutations, params=(banding.bands, banding.rows))
        self._shingles: list[Shingles] = []
        self._exact: set[str] = set()

    def kind(self, text: str) -> str:
        """`exact` or `near` when an earlier text said it, else ''."""
        if " ".join(tokens(text)) in self._exact:
            return "exact"
        content = shingles(text, self._settings.shingle_words)
        candidates = self._index.query(self._signature(content)) if content else []
        return "near" if any(jaccard(content, self._shingles[n]) >= self._settings.threshold for n in candidates) else ""

    def add(self, text: str) -> None:
        """Remember a text."""
        self._exact.add(" ".join(tokens(text)))
        content = shingles(text, self._settings.shingle_words)
        if content:
            self._index.insert(len(self._shingles), self._signature(content), check_duplication=False)
        self._shingles.append(content)

    def _signature(self, content: Shingles) -> MinHash:
        signature = MinHash(num_perm=self._settings.permutations, hashfunc=crc32)
        signature.update_batch(sorted(content))
        return signature
