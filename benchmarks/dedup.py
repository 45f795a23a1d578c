"""How fast, how complete and how exact near-duplicates are found: Gradus beside datasketch, rensa and gaoya, all from text.

python benchmarks/dedup.py --examples 100000

Corpus: texts of 100 to 200 words (0.9 kB) drawn from 30,000 words with natural frequencies. A share of them gets one to
five copies in which one to eight words were exchanged, so that similarities lie between 0.55 and 1: pairs and hard
negatives. All engines: word 3-shingles, 128 permutations, 25 bands of 5 where they can be set, Jaccard of at least 0.8,
all processors. Every engine runs in a process of its own, the rounds interleaved; the median counts. `processor` is the
time that all processors together were at work, which other programs on the machine disturb less than the clock. Time
starts with the texts in memory (with --stream, which half a million and more imply: on disk) and ends with the answer.

What is true is known without any of the engines: a text and its copies are a family, and of every two of a family the
exact Jaccard similarity of their shingles is taken. Texts of different families were drawn apart and share a stray
shingle; how alike any two of them are is measured on a sample and printed. Gradus is judged by its pairs, and so is each
engine that gives pairs; rensa's fastest path gives the texts that have a near-duplicate, and is judged by these.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from gradus.config import load_config  # noqa: E402
from gradus.shingles import jaccard, shingles  # noqa: E402

THRESHOLD, PERMUTATIONS, BANDS, ROWS = 0.8, 128, 25, 5
SHORTEST, LONGEST, SENTENCE = 100, 200, 15  # words
MOST_EXCHANGED = 8  # words of a copy: similarities from 0.55 on
VOCABULARY = 30_000
ROWS_AT_ONCE = 8192
STREAM_FROM = 500_000  # examples; one round then, as an engine takes minutes
SAMPLE = 1000  # texts of which each pair is compared to see how alike strangers are
WORD = re.compile(r"\w+")


class Lines(Sequence[str]):
    """The texts of a corpus file, each read from disk when asked for."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")
        self._offsets = array("q", [0])
        for line in self._stream:
            self._offsets.append(self._offsets[-1] + len(line))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if index >= len(self):
            raise IndexError(index)
        return str(self.row(index)["text"])

    def row(self, index: int) -> Any:
        """The line as it was written."""
        self._stream.seek(self._offsets[index])
        return json.loads(self._stream.readline())


def make_corpus(path: Path, examples: int, copied: float) -> None:
    """One JSON object a line: `text`, and `family`, the same for a text and its copies. Words are numbers until they are written."""
    draw = np.random.default_rng(7)
    copies = np.where(draw.random(examples) < copied, draw.choice([1, 1, 1, 2, 5], examples), 0)
    family = np.repeat(np.arange(examples), copies + 1)[:examples]
    is_copy = np.append(False, family[1:] == family[:-1])
    table, bases = word_table(), np.empty((int(family[-1]) + 1, LONGEST), np.int16)
    for start in range(0, len(bases), ROWS_AT_ONCE):
        bases[start : start + ROWS_AT_ONCE] = table[draw.integers(0, len(table), (min(ROWS_AT_ONCE, len(bases) - start), LONGEST))]
    lengths = draw.integers(SHORTEST, LONGEST + 1, len(bases))
    forms, order = word_forms(), draw.permutation(examples)
    with path.open("w", encoding="ascii") as stream:
        for start in range(0, examples, ROWS_AT_ONCE):
            rows = order[start : start + ROWS_AT_ONCE]
            words, size = bases[family[rows]], lengths[family[rows]]
            exchange(words, size, np.where(is_copy[rows], draw.integers(1, MOST_EXCHANGED + 1, len(rows)), 0), draw)
            stream.writelines(lines(words, size, family[rows], forms))


def exchange(words: NDArray[np.int16], size: NDArray[np.int64], counts: NDArray[np.int64], draw: np.random.Generator) -> None:
    """Put another word, all alike in likelihood, at so many places of each row."""
    for number in range(int(counts.max())):
        rows = np.flatnonzero(counts > number)
        words[rows, draw.integers(0, size[rows])] = draw.integers(0, VOCABULARY, len(rows))


def lines(words: NDArray[np.int16], size: NDArray[np.int64], family: NDArray[np.int64], forms: NDArray[np.object_]) -> Iterator[str]:
    """Rows of word numbers as lines of JSON: sentences of fifteen words, with a capital and a full stop."""
    place = np.arange(LONGEST)
    first, last = place % SENTENCE == 0, (place % SENTENCE == SENTENCE - 1) | (place == size[:, None] - 1)
    texts = forms[words + VOCABULARY * (first + 2 * last)]
    for row, count, number in zip(texts, size.tolist(), family.tolist(), strict=True):
        yield f'{{"family": {number}, "text": "{" ".join(row[:count].tolist())}"}}\n'


def word_forms() -> NDArray[np.object_]:
    """The vocabulary four times: in the middle of a sentence, at its start, at its end, and as all of it."""
    draw = random.Random(7)
    words = ["".join(draw.choices("etaoinshrdlucmfwypvbgk", k=max(2, int(draw.gauss(5, 2.2))))) for _ in range(VOCABULARY)]
    starts = [word.capitalize() for word in words]
    return np.array([*words, *starts, *(f"{word}." for word in words), *(f"{word}." for word in starts)], object)


def word_table(places: int = 1 << 20) -> NDArray[np.int16]:
    """Word numbers, each as often as its share among words of frequency 1 / (rank + 10): a random place is a random word."""
    weights = 1 / (np.arange(VOCABULARY) + 10)
    ends = np.rint(np.cumsum(weights) / weights.sum() * places).astype(np.int64)
    return np.repeat(np.arange(VOCABULARY, dtype=np.int16), np.diff(ends, prepend=0))


def true_pairs(texts: Lines) -> set[tuple[int, int]]:
    """The pairs of a family at the threshold, by exact similarity."""
    families: dict[int, list[int]] = {}
    for position in range(len(texts)):
        families.setdefault(texts.row(position)["family"], []).append(position)
    found = set()
    for members in families.values():
        sets = [(position, shingles(texts[position], 3)) for position in members if len(members) > 1]
        found |= {(i, j) for (i, one), (j, other) in combinations(sets, 2) if jaccard(one, other) >= THRESHOLD}
    return found


def strangers(texts: Lines) -> tuple[int, float]:
    """How many pairs of different families a sample holds, and the highest similarity among them."""
    rows = [texts.row(position) for position in range(min(SAMPLE, len(texts)))]
    sets = [(row["family"], shingles(row["text"], 3)) for row in rows]
    apart = [jaccard(one, other) for (family, one), (another, other) in combinations(sets, 2) if family != another]
    return len(apart), max(apart, default=0.0)


def word_shingles(texts: Sequence[str]) -> Iterator[list[str]]:
    """Shingles for the libraries that take them ready-made, as fast as Python makes them."""
    for text in texts:
        words = WORD.findall(text.lower())
        yield list(map(" ".join, zip(words, words[1:], words[2:], strict=False)))


def run_gradus(texts: Sequence[str]) -> Any:
    from gradus.near_duplicates import find_near_duplicates

    return [(pair.first, pair.second) for pair in find_near_duplicates(texts, load_config().curate.near_duplicates)]


def run_datasketch_bulk(texts: Sequence[str]) -> Any:
    """Its bulk path with a fast hash; what the bands find is filtered by the estimate, as its documentation says."""
    from datasketch import MinHash, MinHashLSH
    from xxhash import xxh32_intdigest

    encoded = ([shingle.encode() for shingle in row] for row in word_shingles(texts))
    signatures = MinHash.bulk(encoded, num_perm=PERMUTATIONS, hashfunc=xxh32_intdigest)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, params=(BANDS, ROWS))
    pairs = []
    for position, signature in enumerate(signatures):
        pairs += [(other, position) for other in index.query(signature) if signature.jaccard(signatures[other]) >= THRESHOLD]
        index.insert(position, signature, check_duplication=False)
    return pairs


def run_rensa(texts: Sequence[str]) -> Any:
    """Signatures of whole sets in one matrix, and its one-shot index, which flags texts."""
    from rensa import RMinHash, RMinHashLSH  # type: ignore[import-untyped]

    matrix = RMinHash.digest_matrix_from_token_sets(word_shingles(texts), BANDS * ROWS, 42)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=BANDS * ROWS, num_bands=BANDS)
    return [position for position, flag in enumerate(index.query_duplicate_flags_matrix_one_shot(matrix)) if flag]


def run_gaoya(texts: Sequence[str]) -> Any:
    """Shingles and index in Rust, on all processors; matches are filtered by its estimate."""
    from gaoya.minhash import MinHashStringIndex  # type: ignore[import-untyped]

    index = MinHashStringIndex(32, THRESHOLD, BANDS, ROWS, None, "word", True, (3, 3), "smallvec")
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    matches = index.par_bulk_query(texts)
    return [(other, position) for position, others in enumerate(matches) for other in others if other < position]


ENGINES: dict[str, tuple[str, Callable[[Sequence[str]], Any]]] = {
    "gradus": ("numpy", run_gradus),
    "datasketch_bulk": ("datasketch", run_datasketch_bulk),
    "rensa": ("rensa", run_rensa),
    "gaoya": ("gaoya", run_gaoya),
}


def measure(engine: str, corpus: Path, stream: bool, answer: Path) -> None:
    """Run one engine in this process; write the answer, print seconds and the gigabytes it took beyond what stood there before."""
    lines = Lines(corpus)
    texts: Sequence[str] = lines if stream else list(lines)
    run = ENGINES[engine][1]
    run([f"one two three four {name}" for name in "abcd"])  # imports and first calls are no part of it
    before = peak_gib()
    start, worked = time.perf_counter(), time.process_time()
    found = run(texts)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    print(json.dumps({"seconds": seconds, "processor_seconds": worked, "peak_gib": peak_gib() - before}))
    answer.write_text(json.dumps(found), encoding="utf-8")


def peak_gib() -> float:
    """Most memory that this process has held, in GiB. On Linux `ru_maxrss` begins with what the parent held, so it is asked elsewhere."""
    if sys.platform == "linux":
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        return int(found[1]) / (1 << 20) if found else float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 30)  # macOS counts bytes


def compare(engines: Sequence[str], corpus: Path, rounds: int, stream: bool) -> dict[str, list[dict[str, float]]]:
    """Rounds of all engines in turn; answers stand beside the corpus."""
    results: dict[str, list[dict[str, float]]] = {engine: [] for engine in engines}
    for number in range(rounds):
        for engine in engines:
            command = [sys.executable, __file__, "--engine", engine, "--corpus", str(corpus), *(["--stream"] if stream else [])]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results[engine].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"round {number + 1} {engine}: {results[engine][-1]['seconds']:.2f} s", file=sys.stderr, flush=True)
    return results


def judge(answer: list[Any], truth: set[tuple[int, int]]) -> tuple[float, float]:
    """Recall and precision of pairs, or of texts where the answer is texts."""
    pairs = bool(answer) and isinstance(answer[0], list)
    found = {(min(pair), max(pair)) for pair in answer} if pairs else set(answer)
    wanted = truth if pairs else {position for pair in truth for position in pair}
    hits = len(found & wanted)
    return hits / max(len(wanted), 1), hits / max(len(found), 1)


def table(results: dict[str, list[dict[str, float]]], corpus: Path) -> dict[str, Any]:
    """Print a line per engine; return what the last line says."""
    texts = Lines(corpus)
    truth, (apart, alike) = true_pairs(texts), strangers(texts)
    print(f"{len(texts):,} examples, {corpus.stat().st_size / 1e6:.0f} MB, {len(truth):,} pairs at {THRESHOLD}")
    print(f"the most alike of {apart:,} pairs of different families: {alike:.3f}")
    print(f"{'engine':18} {'seconds':>8} {'least':>7} {'most':>7} {'processor':>9} {'peak GiB':>9} {'recall':>8} {'precision':>9}  judged by")
    seconds: dict[str, float] = {}
    last: dict[str, Any] = {}
    for engine, rounds in results.items():
        times = [round["seconds"] for round in rounds]
        answer = json.loads(answer_of(corpus, engine).read_text(encoding="utf-8"))
        recall, precision = judge(answer, truth)
        peak, worked = max(round["peak_gib"] for round in rounds), statistics.median(round["processor_seconds"] for round in rounds)
        seconds[engine] = statistics.median(times)
        kind = "texts" if answer and isinstance(answer[0], int) else "pairs"
        spread = f"{seconds[engine]:8.2f} {min(times):7.2f} {max(times):7.2f}"
        print(f"{engine:18} {spread} {worked:9.2f} {peak:9.3f} {recall:8.5f} {precision:9.4f}  {kind}")
        if engine == "gradus":
            last = {"recall": recall, "precision": precision, "seconds": round(seconds[engine], 3), "peak_gib": round(peak, 3)}
    ratios = {f"vs_{name}": round(seconds[name] / seconds["gradus"], 2) if name in seconds else None for name in ENGINES if name != "gradus"}
    return {**ratios, **last, "examples": len(texts), "rounds": len(results["gradus"])}


def answer_of(corpus: Path, engine: str) -> Path:
    return corpus.with_name(f"{engine}.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, help=f"default: 3; from {STREAM_FROM:,} examples on 1")
    parser.add_argument("--copied", type=float, default=0.15, help="share of texts that get copies")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES), help="gradus always runs")
    parser.add_argument("--stream", action="store_true", help=f"read the texts from disk while at work; always from {STREAM_FROM:,} examples on")
    parser.add_argument("--engine", choices=list(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help="use this file of JSON Lines, made when it is not there")
    options = parser.parse_args()
    if options.engine:
        measure(options.engine, options.corpus, options.stream, answer_of(options.corpus, options.engine))
        return
    with tempfile.TemporaryDirectory() as folder:
        corpus = (options.corpus or Path(folder) / "corpus.jsonl").resolve()
        if not corpus.exists():
            start = time.perf_counter()
            make_corpus(corpus, options.examples, options.copied)
            print(f"corpus made in {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)
        large = len(Lines(corpus)) >= STREAM_FROM
        installed = [name for name in ENGINES if importlib.util.find_spec(ENGINES[name][0]) and (name in options.engines or name == "gradus")]
        for name in set(options.engines) - set(installed):
            print(f"{name}: not installed: pip install {ENGINES[name][0]}")
        results = compare(installed, corpus, options.rounds or (1 if large else 3), options.stream or large)
        print(json.dumps(table(results, corpus)))


if __name__ == "__main__":
    main()
