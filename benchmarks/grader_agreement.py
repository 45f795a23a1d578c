"""Does the content score of 07_evaluate agree with people? Its correlation with their marks, beside each single measure.

    python benchmarks/grader_agreement.py MARKED.csv [MORE.csv]     # columns: question, reference, answer, human_score (0 to 5)
    python benchmarks/grader_agreement.py --fit A.csv B.csv         # weights for config/rubric.yaml, and how they transfer

The score is the very function that 07_evaluate uses. For QWK and RMSE a score from 0 to 1 is taken as 0 to 5 linearly
(QWK after rounding). The interval is a bootstrap over questions. A blank answer is marked like any other; rows without
a reference or a mark are left out, and named. The last line is JSON.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from gradus import agreement as two_markers  # noqa: E402
from gradus.config import load_config  # noqa: E402
from gradus.embedding import Encoder, load_encoder  # noqa: E402
from gradus.errors import GradusError, UserError  # noqa: E402
from gradus.evaluate.content import raw_measures, settle, yardstick  # noqa: E402
from gradus.evaluate.marking import mark, mark_all  # noqa: E402
from gradus.evaluate.overlap import said  # noqa: E402
from gradus.evaluate.rubric import MEANING, OVERLAPS, Rubric, load_rubric, rubric_path  # noqa: E402
from gradus.evaluate.words import normal, words  # noqa: E402
from gradus.structure import parse  # noqa: E402

Numbers = NDArray[np.float64]
COLUMNS = ("question", "reference", "answer", "human_score")
TOP = 5.0
SEED = 7
DRAWS = 1000
CHUNK = 400  # rows marked at a time: the vectors of their words are kept until then
OURS, BY_WORDS = "content score", "content score, by words"
SHRINK = 0.02
REASONS = ("no reference", "no mark from 0 to 5")


@dataclass(frozen=True)
class Row:
    """One marked answer."""

    question: str
    reference: str
    answer: str
    human: float


@dataclass(frozen=True)
class Marked:
    """Marks of people (0 to 5) and every measure of the same answers (0 to 1)."""

    questions: list[str]
    human: Numbers
    measures: dict[str, Numbers]
    brevity: Numbers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path, metavar="DATASET.csv")
    parser.add_argument("--fit", action="store_true", help="fit the weights on the datasets together, and test each on the others")
    parser.add_argument("--embedding", help="in place of evaluate.embedding.model: auto, off, a folder or a model of the hub")
    told = parser.parse_args(arguments)
    try:
        config = load_config(settings=[f"evaluate.embedding.model={told.embedding}"] if told.embedding else [])
        encoder = load_encoder(config.evaluate.embedding)
        rubric = load_rubric(rubric_path(config.evaluate.rubric))
        marked = {str(path): measure(rubric, encoder, read(path)) for path in told.datasets}
    except GradusError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return fit(rubric, marked) if told.fit else report(marked, encoder)


def read(path: Path) -> list[Row]:
    """All usable rows. Raises UserError when the file is missing, lacks a column or holds none."""
    table = _table_of(path)
    if missing := [name for name in COLUMNS if not table or name not in table[0]]:
        raise UserError(f"no column {', '.join(missing)}", where=str(path), cure=f"The columns are {', '.join(COLUMNS)}")
    rows: list[Row] = []
    left_out: dict[str, list[int]] = {reason: [] for reason in REASONS}
    for number, line in enumerate(table, 2):
        human = _human(line["human_score"])
        reference = line["reference"] or ""
        if not words(parse(reference).text):
            left_out[REASONS[0]].append(number)
        elif human is None:
            left_out[REASONS[1]].append(number)
        else:
            rows.append(Row(line["question"] or "", reference, line["answer"] or "", human))
    for reason, numbers in left_out.items():
        if numbers:
            shown = ", ".join(map(str, numbers[:10])) + (" ..." if len(numbers) > 10 else "")
            print(f"{path.name}: {len(numbers)} rows left out, {reason}: row {shown} (the heading is row 1)")
    if len(rows) < 3:
        raise UserError("fewer than three marked answers", where=str(path), cure="Give a file with more rows")
    blank = sum(not words(row.answer) for row in rows)
    print(f"{path.name}: {len(rows)} answers to {len({row.question for row in rows})} questions, {blank} of them blank")
    return rows


def _table_of(path: Path) -> list[dict[str, str | None]]:
    """The rows by the heading's names, whatever their order, case and the spaces around them."""
    lines = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        heading = [name.strip().casefold() for name in next(lines, [])]
        return [dict(zip_longest(heading, line[: len(heading)])) for line in lines if line]
    except csv.Error as error:
        raise UserError(f"not a table ({error})", where=f"{path}:{lines.line_num}", cure="Save it as CSV with commas and double quotes") from error


def _text(path: Path) -> str:
    """The file's text: UTF-8, UTF-16 with its mark, or else Windows' Western encoding, which reads any byte."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=str(path), cure="Check the path") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        print(f"{path.name}: not UTF-8, read as Windows-1252")
        return data.decode("cp1252", "replace")


def _human(text: str | None) -> float | None:
    try:
        value = float((text or "").replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value <= TOP else None


def measure(rubric: Rubric, encoder: Encoder | None, rows: list[Row]) -> Marked:
    """The content score and every single measure of all answers."""
    found = [one for at in range(0, len(rows), CHUNK) for one in _chunk(rubric, encoder, rows[at : at + CHUNK])]
    names = [name for name in found[0] if name != "brevity"]
    measures = {name: np.array([one[name] for one in found]) for name in names}
    brevity = np.array([one["brevity"] for one in found])
    return Marked([row.question for row in rows], np.array([row.human for row in rows]), measures, brevity)


def _chunk(rubric: Rubric, encoder: Encoder | None, rows: list[Row]) -> list[dict[str, float]]:
    settled, understanding = settle(rubric, encoder)
    by_words = rubric.by_words()
    if understanding:
        understanding.read(parse(row.reference).text for row in rows)
    yards = [yardstick(settled.content, "", row.question, row.reference, understanding) for row in rows]
    marked = mark_all(settled, [(yard, row.answer, True) for yard, row in zip(yards, rows, strict=True)])
    made = []
    for yard, row, marks in zip(yards, rows, marked, strict=True):
        answer = parse(row.answer)
        raw = raw_measures(settled.content, yard, answer, said(answer.text))
        single = {name: value for name, value in raw.items() if name in (*MEANING, *OVERLAPS)}
        ours = {OURS: marks.content, BY_WORDS: mark(by_words, yard, row.answer, True).content}
        plain = {"plain recall of words": _recall(yard.said.words, answer.text), "chrF": chrf(yard.structure.text, answer.text)}
        made.append(ours | single | plain | {"brevity": min(1.0, len(words(answer.text)) / len(yard.said.words))})
    return made


def _recall(reference: Sequence[str], answer: str) -> float:
    wanted = set(reference)
    return len(wanted & set(words(answer))) / len(wanted)


def chrf(reference: str, answer: str, longest: int = 6, beta: float = 2.0) -> float:
    """chrF (Popovic 2015): F-measure over runs of 1 to 6 characters without white space, recall twice as important."""
    scores = []
    for size in range(1, longest + 1):
        one, other = _runs(reference, size), _runs(answer, size)
        shared = sum(min(count, other.get(run, 0)) for run, count in one.items())
        if one and other and shared:
            precision, recall = shared / sum(other.values()), shared / sum(one.values())
            scores.append((1 + beta**2) * precision * recall / (beta**2 * precision + recall))
        elif one:
            scores.append(0.0)
    return sum(scores) / len(scores) if scores else 0.0


def _runs(text: str, size: int) -> dict[str, int]:
    plain = "".join(normal(text).split())
    counts: dict[str, int] = {}
    for at in range(len(plain) - size + 1):
        counts[plain[at : at + size]] = counts.get(plain[at : at + size], 0) + 1
    return counts


def pearson(one: Numbers, other: Numbers) -> float:
    """Correlation; 0 when one of them never changes."""
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: Numbers) -> Numbers:
    """Ranks, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def agreement(score: Numbers, human: Numbers) -> dict[str, float]:
    """Pearson, Spearman, QWK and RMSE of a score from 0 to 1 with marks from 0 to 5; what is not defined is 0."""
    found = two_markers.agreement(list(TOP * np.clip(score, 0, 1)), list(human), TOP)
    spearman = pearson(_ranks(score), _ranks(human))
    return {"pearson": pearson(score, human), "spearman": spearman, "qwk": found.qwk or 0.0, "rmse": found.rmse}


def interval(marked: Marked, name: str) -> tuple[float, float]:
    """95 % bootstrap interval of the Pearson correlation; whole questions are drawn, their answers depend on each other."""
    members = [np.flatnonzero(np.array(marked.questions) == question) for question in dict.fromkeys(marked.questions)]
    generator = np.random.default_rng(SEED)
    values = []
    for _ in range(DRAWS):
        chosen = np.concatenate([members[i] for i in generator.integers(len(members), size=len(members))])
        values.append(pearson(marked.measures[name][chosen], marked.human[chosen]))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def together(marked: Sequence[Marked]) -> Marked:
    """All sets as one."""
    measures = {name: np.concatenate([one.measures[name] for one in marked]) for name in marked[0].measures}
    questions = [question for one in marked for question in one.questions]
    return Marked(questions, np.concatenate([one.human for one in marked]), measures, np.concatenate([one.brevity for one in marked]))


def report(marked: Mapping[str, Marked], encoder: Encoder | None) -> int:
    """Print a table for each set, and for all together when there are several."""
    sets = dict(marked) | ({"all together": together(list(marked.values()))} if len(marked) > 1 else {})
    print(f"Meaning by {encoder.name}." if encoder else "No sentence encoder: the content score is the one by words.")
    outcome: dict[str, object] = {}
    for title, one in sets.items():
        outcome = _table(title, one)
    print(json.dumps(outcome | {"embedding": encoder.name if encoder else None}))
    return 0


def _table(title: str, one: Marked) -> dict[str, object]:
    rows = {name: agreement(values, one.human) for name, values in one.measures.items() if encoder_differs(name, one)}
    print(f"\n{title}: {len(one.human)} answers, human mean {one.human.mean():.2f} of 5")
    print(f"{'':26}{'Pearson':>9}{'Spearman':>10}{'QWK':>8}{'RMSE':>8}")
    for name, row in rows.items():
        print(f"{name:26}{row['pearson']:9.3f}{row['spearman']:10.3f}{row['qwk']:8.3f}{row['rmse']:8.2f}")
    low, high = interval(one, OURS)
    print(f"Pearson of the content score: {rows[OURS]['pearson']:.3f} (95 %: {low:.3f} to {high:.3f})")
    single = {name: row["pearson"] for name, row in rows.items() if name not in (OURS, BY_WORDS)}
    best = max(single, key=lambda name: single[name])
    values = {name: round(value, 4) for name, value in rows[OURS].items()}
    return values | {
        "best_single": round(single[best], 4),
        "best_single_name": best,
        "pearson_interval": [round(low, 4), round(high, 4)],
        "answers": len(one.human),
    }


def encoder_differs(name: str, one: Marked) -> bool:
    """Whether a measure has a line of its own: without an encoder both content scores are the same."""
    return name != BY_WORDS or not np.array_equal(one.measures[OURS], one.measures[BY_WORDS])


def fit(rubric: Rubric, marked: Mapping[str, Marked]) -> int:
    """Weights that agree best with people over all sets, with and without meaning; and each set by the weights of the others."""
    outcome: dict[str, object] = {}
    for key, names in (("weight", (*MEANING, *OVERLAPS)), ("by_words", OVERLAPS)):
        if any(name not in one.measures for name in names for one in marked.values()):
            print(f"{key}: not fitted, there is no sentence encoder")
            continue
        weights = fitted(rubric, names, list(marked.values()))
        shown = {name: round(float(value), 2) for name, value in zip(names, weights, strict=True)}
        print(f"{key}: {json.dumps(shown)}")
        outcome[key] = shown | {"transfer": _transfer(rubric, names, marked)}
    print(json.dumps(outcome))
    return 0


def _transfer(rubric: Rubric, names: Sequence[str], marked: Mapping[str, Marked]) -> dict[str, float]:
    found = {}
    for title, one in marked.items():
        others = [other for name, other in marked.items() if name != title]
        if others:
            found[title] = round(combined(rubric, one, scaled(rubric, names, one), fitted(rubric, names, others)), 4)
            print(f"  Pearson on {title} with weights fitted on the others: {found[title]:.3f}")
    return found


def fitted(rubric: Rubric, names: Sequence[str], sets: Sequence[Marked]) -> Numbers:
    """Weights, none below 0 and 1 together: the mean Pearson correlation over the sets less `SHRINK` x distance from equal ones.

    Each set counts alike, whatever its size. What is redundant on these sets need not be so elsewhere, hence the second term.
    """
    from scipy.optimize import minimize

    count = len(names)
    values = [scaled(rubric, names, one) for one in sets]

    def loss(raw: Numbers) -> float:
        weights = raw / raw.sum()
        correlation = np.mean([combined(rubric, one, own, weights) for one, own in zip(sets, values, strict=True)])
        return float(SHRINK * count * ((weights - 1 / count) ** 2).sum() - correlation)

    found = minimize(loss, np.full(count, 1 / count), bounds=[(1e-6, 1)] * count, method="L-BFGS-B").x
    return np.asarray(found / found.sum())


def scaled(rubric: Rubric, names: Sequence[str], marked: Marked) -> Numbers:
    """Measures x answers, on the rubric's scale."""
    return np.array([[getattr(rubric.content.measures, name).value(raw) for raw in marked.measures[name]] for name in names])


def combined(rubric: Rubric, marked: Marked, values: Numbers, weights: Numbers) -> float:
    """Pearson of the measures so weighed, with the rubric's curve and brevity (without numbers and repetition)."""
    mean = np.minimum(1, weights @ values / rubric.content.full) ** rubric.content.curve
    return pearson(mean * marked.brevity**rubric.content.brevity, marked.human)


if __name__ == "__main__":
    sys.exit(main())
