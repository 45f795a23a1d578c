"""How fast, how complete and how exact near-duplicates are found: Gradus beside datasketch, rensa and gaoya, all from text.

python benchmarks/dedup.py --examples 100000

Corpus: texts of 100 to 200 words (0.9 kB) drawn from 30,000 words with natural frequencies. A share of them gets one to
five copies in which some words were exchanged, so that similarities lie between 0.55 and 1: pairs and hard negatives. All
engines: word 3-shingles, 128 permutations, 25 bands of 5 where they can be set, Jaccard of at least 0.8, all processors.
Every engine runs in a process of its own, the rounds interleaved; the median counts. `processor` is the time that all
processors together were at work, which other programs on the machine disturb less than the clock. Time starts with the texts in memory
(with --stream: on disk) and ends with the answer. The answers are judged by exact Jaccard similarities: Gradus by its
pairs, and all by the texts that they say have a near-duplicate, the only answer that rensa's fastest path gives.
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

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from gradus.config import load_config  # noqa: E402
from gradus.shingles import jaccard, shingles  # noqa: E402

THRESHOLD, PERMUTATIONS, BANDS, ROWS = 0.8, 128, 25, 5
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
        self._stream.seek(self._offsets[index])
        return str(json.loads(self._stream.readline())["text"])


def make_corpus(path: Path, examples: int, copied: float) -> None:
    """One JSON object a line: `text`, and `family`, the same for a text and its copies."""
    draw = random.Random(7)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(draw.choices(letters, k=max(2, int(draw.gauss(5, 2.2))))) for _ in range(30_000)]
    weights = [1 / (rank + 10) for rank in range(len(words))]
    rows: list[str] = []
    while len(rows) < examples:
        base = draw.choices(words, weights, k=draw.randint(100, 200))
        family = len(rows)
        copies = draw.choice([1, 1, 1, 2, 5]) if draw.random() < copied else 0
        for copy in range(min(copies + 1, examples - len(rows))):
            text = list(base)
            for _ in range(draw.randint(1, 8) if copy else 0):
                text[draw.randrange(len(text))] = draw.choice(words)
            rows.append(json.dumps({"family": family, "text": sentences(text)}))
    draw.shuffle(rows)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def sentences(words: Sequence[str]) -> str:
    """Fifteen words each, with a capital and a full stop."""
    return " ".join(" ".join(words[start : start + 15]).capitalize() + "." for start in range(0, len(words), 15))


def true_pairs(path: Path) -> set[tuple[int, int]]:
    """The pairs of a family at the threshold. Texts of different families share a stray shingle, never four in five."""
    families: dict[int, list[tuple[int, str]]] = {}
    with path.open(encoding="utf-8") as stream:
        for position, line in enumerate(stream):
            row = json.loads(line)
            families.setdefault(row["family"], []).append((position, row["text"]))
    found = set()
    for members in families.values():
        sets = [(position, shingles(text, 3)) for position, text in members if len(members) > 1]
        found |= {(i, j) for (i, one), (j, other) in combinations(sets, 2) if jaccard(one, other) >= THRESHOLD}
    return found


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
    """Most memory that this process has held, in GiB; macOS counts bytes, Linux kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 30 if sys.platform == "darwin" else 1 << 20)


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


def table(results: dict[str, list[dict[str, float]]], corpus: Path, examples: int) -> dict[str, Any]:
    """Print a line per engine; return what the last line says."""
    truth = true_pairs(corpus)
    print(f"{examples:,} examples, {corpus.stat().st_size / 1e6:.0f} MB, {len(truth):,} pairs at {THRESHOLD}")
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
    return {**ratios, **last, "examples": examples, "rounds": len(results["gradus"])}


def answer_of(corpus: Path, engine: str) -> Path:
    return corpus.with_name(f"{engine}.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copied", type=float, default=0.15, help="share of texts that get copies")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES), help="gradus always runs")
    parser.add_argument("--stream", action="store_true", help="read the texts from disk while at work, as a million calls for")
    parser.add_argument("--engine", choices=list(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help="use this file of JSON Lines, made when it is not there")
    options = parser.parse_args()
    if options.engine:
        measure(options.engine, options.corpus, options.stream, answer_of(options.corpus, options.engine))
        return
    with tempfile.TemporaryDirectory() as folder:
        corpus = (options.corpus or Path(folder) / "corpus.jsonl").resolve()
        if not corpus.exists():
            make_corpus(corpus, options.examples, options.copied)
        installed = [name for name in ENGINES if importlib.util.find_spec(ENGINES[name][0]) and (name in options.engines or name == "gradus")]
        for name in set(options.engines) - set(installed):
            print(f"{name}: not installed: pip install {ENGINES[name][0]}")
        results = compare(installed, corpus, options.rounds, options.stream)
        print(json.dumps(table(results, corpus, len(Lines(corpus)))))


if __name__ == "__main__":
    main()
