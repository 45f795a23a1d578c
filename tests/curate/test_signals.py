"""Each signal: a good answer scores 1, the defect it is for scores low, and what web rules misfire on scores high."""

from __future__ import annotations

import pytest

from gradus.config import load_config
from gradus.config.schema import Curate
from gradus.curate.decide import measure as measure_all
from gradus.curate.quality import LANGUAGE, losses
from gradus.curate.signals import SIGNALS, at_least, at_most, sample_of
from gradus.errors import UserError

from .conftest import Make, Score

QUESTION = "How do I sort an array with `numpy.sort`?"
GOOD = """Call `numpy.sort`; it returns a sorted copy of the array.

**Parameters**

- `a`: the array to be sorted.
- `axis`: the axis along which to sort.

```python
>>> np.sort([3, 1, 2])
array([1, 2, 3])
```"""
CODE_LIST_TABLE = """| Kind | Worst case | Stable |
|------|------------|--------|
| `quicksort` | O(n^2) | no |
| `mergesort` | O(n log n) | yes |

```python
a = np.array([3, 1, 2])
a = np.array([3, 1, 2])
a = np.array([3, 1, 2])
np.sort(a, kind="mergesort")
```

- `a`
- `kind`"""
SENTENCES = (
    "The function walks over the rows and adds up what it finds. An empty row counts as zero, so no special case is needed. "
    "When a row holds text, the call fails with an error that names its place. Larger tables are read in blocks, which keeps "
    "memory small even for files of many gigabytes. The result has one entry for each row and is always of type float."
)


def measure(name: str, question: str, answer: str, make: Make, settings: Curate) -> float:
    return SIGNALS[name](sample_of(make(question, answer)), settings.bounds)


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("answer", [GOOD, CODE_LIST_TABLE])
def test_a_good_answer_scores_one(name: str, answer: str, make: Make, settings: Curate) -> None:
    assert measure(name, "Which kinds does `sort` of an array know?" if answer == CODE_LIST_TABLE else QUESTION, answer, make, settings) == 1


DEFECTS = [
    ("length", "Yes.", 0.1),
    ("length", "a b c d e f g h i j k l m n o p q r s t u v w x y z", 0.4),
    ("length", " ".join(["pneumonoultramicroscopic"] * 20), 0.1),
    ("length", " ".join(str(i) for i in range(1000, 1100)), 0.0),
    ("length", "word " * 2500, 0.0),
    ("completeness", "It returns a sorted copy of the", 0.5),
    ("completeness", "It returns the following:", 0.5),
    ("completeness", "It sorts the array and then...", 0.5),
    ("completeness", "It sorts.\n\n```python\nnp.sort(a)", 0.5),
    ("completeness", "It sorts the array.\n\n**Notes**", 0.5),
    ("completeness", "TODO: describe the sort.", 0.5),
    ("completeness", "[Your answer here]", 0.5),
    ("completeness", "It has two:\n\n| a | b |\n|---|---|", 0.5),
    ("completeness", "It has two:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3", 0.5),
    ("completeness", "Use `a and then b.", 0.5),
    ("formatting", "Call numpy.lib.sort_complex(a) with sort_order and --stable on.", 0.67),
    ("formatting", "word " * 300, 0.5),
    ("formatting", "Steps: (1) open it (2) read it (3) close it.", 0.67),
    ("formatting", "Sort it and see :func:`numpy.sort`.", 0.67),
    ("formatting", "<p>It sorts.</p>", 0.5),
    ("repetition", "It sorts the array.\n" * 8, 0.0),
    ("repetition", "the array is sorted in place and so " * 12, 0.0),
    ("repetition", "the " * 30, 0.1),
    ("repetition", "buy now " * 25, 0.1),
    ("relevance", "How do I sort an array with `numpy.sort`?", 0.0),
    ("refusal", "I'm sorry, but I can't help with that request.", 0.0),
    ("refusal", QUESTION, 0.0),
    ("refusal", f"{QUESTION} {QUESTION}", 0.0),
    ("refusal", "Lorem ipsum dolor sit amet, consectetur adipiscing elit.", 0.0),
    ("refusal", "This website uses cookies. Accept all cookies. It sorts arrays.", 0.34),
    ("encoding", "It sorts the arr\ufffdy and gives a sort\ufffdd copy.", 0.0),
    ("encoding", "It sorts the array Ã© Ã¼ Ã¶ and gives a copy.", 0.0),
    ("encoding", "%%%% $$$$ %%%% ---- ==== !!!! ab", 0.4),
]


@pytest.mark.parametrize(("name", "answer", "most"), DEFECTS)
def test_a_defect_scores_low(name: str, answer: str, most: float, make: Make, settings: Curate) -> None:
    assert measure(name, QUESTION, answer, make, settings) <= most


HONEST = [
    ("refusal", f"I do not know. {SENTENCES * 2}"),
    ("refusal", "..."),
    ("refusal", "A server sends cookies in a header; browsers keep them and use cookies to know you again."),
    ("completeness", "It takes these:\n\n- `a`: the array\n- `axis`: the axis"),
    ("completeness", "Use the operator `@`"),
    ("completeness", "配列を並べ替えたものを返す"),
    ("length", "配列を並べ替えたものを返します。元の配列は変わりません。"),
    ("repetition", SENTENCES),
    ("formatting", SENTENCES.replace(". ", ".\n\n")),
    ("encoding", "Größe, naïve, “quotes” — and 日本語 with emoji 🎉 are no damage."),
    ("repetition", "To be or not to be: that is the question, and it is the question that is asked most."),
]


@pytest.mark.parametrize(("name", "answer"), HONEST)
def test_an_honest_answer_is_left_alone(name: str, answer: str, make: Make, settings: Curate) -> None:
    assert measure(name, QUESTION, answer, make, settings) == 1


LONG_QUESTION = "How do I configure nginx as a reverse proxy that balances requests over two backends?"
STOCKS = "Stocks closed higher on Friday after the central bank hinted at lower interest rates."
RELEVANCE = [
    ("What is quantization?", "Storing weights with fewer bits, in groups that share a scale.", 1.0),
    ("What does the letter grade in the report of the finished run mean?", "It stands for the share of points that the model reached.", 1.0),
    ("Was ist das Bruttoinlandsprodukt?", "Der Wert aller Waren, die ein Land in einem Jahr herstellt.", 1.0),
    ("How do plants eat?", "Leaves turn sunlight, water and carbon dioxide into sugar.", 1.0),
    ("Classify the sentiment of this review: the hotel was dirty and loud.", "Negative", 1.0),
    ("Who wrote the letter?\n\nAnna Berg wrote the letter in 1999.", "Anna Berg", 1.0),
    (LONG_QUESTION, "List both servers in an `upstream` block and name it in `proxy_pass`.", 1.0),
    (LONG_QUESTION, STOCKS, 0.0),
    (LONG_QUESTION, LONG_QUESTION, 0.0),
    ("What is echo?", "Echo is echo.", 0.0),
]


@pytest.mark.parametrize(("question", "answer", "value"), RELEVANCE)
def test_relevance_is_low_only_where_there_is_evidence(question: str, answer: str, value: float, make: Make, settings: Curate) -> None:
    assert measure("relevance", question, answer, make, settings) == value


def test_what_is_no_answer_or_half_of_one_scores_far_below_a_good_one(make: Make, score: Score, settings: Curate) -> None:
    bad = ["I'm sorry, but as an AI language model I cannot help with that.", "I do not know.", QUESTION, "It returns a sorted copy of the"]
    quality = measure_all(score([make(QUESTION, answer) for answer in [GOOD, *bad]]).table, settings)
    assert quality.score[0] == 1
    assert max(quality.score[1:]) < 0.87


def test_bounds_fall_evenly() -> None:
    assert [at_least(v, 10) for v in (0, 5, 10, 50)] == [0, 0.5, 1, 1]
    assert [at_most(v, 10) for v in (0, 10, 15, 20, 90)] == [1, 1, 0.5, 0, 0]


def test_the_score_is_the_weighted_mean(make: Make, score: Score) -> None:
    example = make(QUESTION, "I'm sorry, but I can't help with that request.")
    weights = [f"curate.weights.{name}={int(name in ('refusal', 'encoding')) * 3}" for name in (*SIGNALS, LANGUAGE)]
    only = load_config(settings=weights).curate
    quality = measure_all(score([example], only).table, only)
    assert quality.score.tolist() == [0.5]
    assert losses(quality.of(0), only.weights) == {"refusal": 0.5}


def test_all_weights_zero_is_a_mistake_of_the_user() -> None:
    with pytest.raises(UserError, match="every weight is 0"):
        load_config(settings=[f"curate.weights.{name}=0" for name in (*SIGNALS, LANGUAGE)])


def test_bounds_the_wrong_way_round_are_a_mistake_of_the_user() -> None:
    with pytest.raises(UserError, match="least bound must be below its most"):
        load_config(settings=["curate.bounds.minimum_words=2000"])
