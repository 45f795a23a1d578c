"""Words of a text, and its shingles: the runs of consecutive words by whose overlap (Jaccard) two texts are compared.

`shingles` says what a shingle is. `hash_shingles` gives the same sets as 64-bit hashes, about a thousand texts at a time
in NumPy: words are found by the places where word bytes begin and end, and read eight bytes at a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

# Thai, Lao, Khmer, Japanese, Chinese and Korean: written without spaces, so each character counts as a word.
UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(f"[{UNSPACED}]|[^\\W{UNSPACED}]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

# A byte of a word stands for itself in lower case, every other one for 0. Bytes from 128 are letters: see _spell.
_FOLD = bytes(byte if byte >= 128 or chr(byte).isalnum() or byte == ord("_") else 0 for byte in range(256)).lower()
_STEP = 8  # bytes that are read at once
_LONG = 64  # bytes from which a word is hashed by itself, so that one huge word costs no thousand rounds
_FIRST_BYTES = np.array([(1 << (8 * count)) - 1 for count in range(_STEP + 1)], np.uint64)
# Odd numbers with bits in no order: the golden ratio and the multiplier of the MurmurHash3 finalizer.
_SPREAD, _NEXT, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD), np.uint64(32)

Shingles = frozenset[bytes]
Hashes = NDArray[np.uint64]
Offsets = NDArray[np.int64]


def tokens(text: str) -> list[str]:
    """The words of a text in order, case folded; punctuation is left out."""
    return _WORD.findall(text.casefold())


def shingles(text: str, size: int) -> Shingles:
    """The distinct runs of `size` consecutive words, case folded; a shorter text is one shingle, none without words."""
    words = tokens(text)
    if not words:
        return frozenset()
    return frozenset(" ".join(words[i : i + size]).encode() for i in range(max(1, len(words) - size + 1)))


def jaccard(first: Shingles, second: Shingles) -> float:
    """Shared shingles over all shingles, in [0, 1]; 0 when either has none."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared) if shared else 0.0


def hash_shingles(texts: Sequence[str], size: int) -> tuple[Hashes, Offsets]:
    """The shingles of texts as 64-bit hashes, repeated ones included, in the order of the texts.

    Equal shingles have equal hashes. Two different ones agree in 63 bits, those that comparisons use, with probability
    about 2^-63: with 150 shingles each, one pair of texts in 2 * 10^14 is judged by a wrong overlap.

    Returns:
        Hashes of all texts, one after the other; and where each text begins in them (one more than texts, the last is the end).
    """
    folded = [_spell(text) for text in texts]
    words, starts = _words(b"\0" + b"\0".join(folded).translate(_FOLD) + bytes(_STEP))
    begins = np.cumsum([0, *(len(text) + 1 for text in folded)])
    first = np.searchsorted(starts, begins)  # word of each text
    hashes = _runs(words, first, size)
    inside = np.ones(len(hashes), bool)
    for back in range(1, size):  # runs that reach into the next text; a short text keeps its first
        outside = first[1:] - back
        inside[outside[outside > first[:-1]]] = False
    counts = np.minimum(np.diff(first), np.maximum(np.diff(first) - size + 1, 1))
    return _mix(hashes[inside]), np.concatenate([[0], np.cumsum(counts)])


def _spell(text: str) -> bytes:
    """UTF-8 in which the bytes from 128 are letters and white space parts unspaced characters, so that bytes alone tell the words."""
    if text.isascii():
        return text.encode("ascii")
    return _NOT_ASCII.sub(lambda found: "".join(map(_spell_character, found[0])), text).encode("utf-8")


@cache
def _spell_character(character: str) -> str:
    parts = (f" {c} " if _UNSPACED.match(c) else c if _WORD.match(c) else " " for c in character.casefold())
    return "".join(parts)


def _words(data: bytes) -> tuple[Hashes, Offsets]:
    """Hash and start of each word; start counts from the second byte, as the first is no part of the texts."""
    letters = np.frombuffer(data, np.uint8) != 0
    edges = np.flatnonzero(letters[1:] != letters[:-1])
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    eights = np.ndarray(len(data) - _STEP, "<u8", data, offset=1, strides=(1,))  # at each byte: it and the seven after it
    hashes = _mix(eights.take(starts) & _FIRST_BYTES.take(np.minimum(lengths, _STEP)))
    longer, done = np.flatnonzero((lengths > _STEP) & (lengths <= _LONG)), _STEP
    while len(longer):
        rest = np.minimum(lengths[longer] - done, _STEP)
        hashes[longer] = _mix(hashes[longer] * _NEXT + (eights[starts[longer] + done] & _FIRST_BYTES[rest]))
        done += _STEP
        longer = longer[lengths[longer] > done]
    for word in np.flatnonzero(lengths > _LONG):
        begin = int(starts[word]) + 1
        hashes[word] = int.from_bytes(blake2b(data[begin : begin + int(lengths[word])], digest_size=8).digest(), "little")
    return hashes, starts


def _runs(words: Hashes, first: Offsets, size: int) -> Hashes:
    """At each word the hash of the run of `size` words that begins there; at the first of a shorter text that of all its words."""
    following = np.concatenate([words, np.zeros(size - 1, np.uint64)])
    hashes = words.copy()
    for step in range(1, size):
        hashes *= _NEXT
        hashes += following[step : step + len(words)]
    for count in range(1, size):
        short = first[:-1][np.diff(first) == count]
        hashes[short] = words[short]
        for step in range(1, count):
            hashes[short] = hashes[short] * _NEXT + words[short + step]
    return hashes


def _mix(values: Hashes) -> Hashes:
    """Each value made another one, no two the same, whose high bits depend on all of its bits."""
    values ^= values >> _HALF
    values *= _SPREAD
    return values
