"""What speaks against a statement in the part of a text that is most like it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradus.extract.grounding.evidence import Evidence, Unit
from gradus.extract.grounding.measures import other_measure, parts_exchanged
from gradus.extract.grounding.words import Term, terms_of

_ALIKE = 0.6
"""Units that hold at least this share of what the best one holds may carry the negation too."""
_LEAST_WORDS = 4
"""With fewer common words an exchange of two cannot be told from another order of the sentence."""
_STOP = re.compile(r"[,;:.]")
_BETWEEN = ("before", "after", "than")
_OPPOSITES = tuple(
    tuple(pair.split("/"))
    for pair in (
        "before/after first/last minimum/maximum min/max least/most true/false always/never more/less more/fewer increase/decrease "
        "increases/decreases left/right above/below required/optional enable/disable enables/disables enabled/disabled allow/forbid "
        "allowed/forbidden include/exclude includes/excludes included/excluded ascending/descending lower/upper input/output inputs/outputs "
        "row/column rows/columns newer/older newest/oldest faster/slower larger/smaller largest/smallest greater/less greater/smaller "
        "higher/lower highest/lowest longer/shorter longest/shortest earlier/later earliest/latest harmful/harmless valid/invalid "
        "success/failure open/closed start/end begin/end beginning/end read/write reads/writes doubles/halves positive/negative even/odd "
        "inclusive/exclusive mutable/immutable synchronous/asynchronous local/remote public/private same/different equal/unequal "
        "horizontal/vertical over/under all/none add/remove adds/removes many/few better/worse best/worst warm/cold hot/cold wet/dry day/night"
    ).split()
)


def contradiction(text: str, terms: Sequence[Term], shares: NDArray[np.float64], evidence: Evidence) -> str:
    """What contradicts the statement, in words; '' when nothing does.

    Args:
        text: the statement, and `terms` its words.
        shares: for each unit of the evidence, how much of the statement it holds.
    """
    best = evidence.units[int(shares.argmax())]
    if pair := _opposites(text, best.text):
        return f"says '{pair[0]}' where the text says '{pair[1]}'"
    like = [unit for unit, share in zip(evidence.units, shares, strict=True) if share >= _ALIKE * shares.max()]
    denied_there = set[str]().union(*(group for unit in like for group in _denials(unit.terms)))
    if any(not group & denied_there for group in _denials(terms, plain=True)):
        return "denies what the text does not"
    stated, denied_here = {term.stem for term in terms}, set[str]().union(*_denials(terms))
    if any(len(group & stated) * 2 > len(group) and not group & denied_here for group in _denials(best.terms, plain=True)):
        return "says what the text denies"
    if measured := other_measure(text, evidence.text):
        return f"says '{measured[0]}' where the text says '{measured[1]}'"
    exchanged = _exchanged(text, terms, best) or _sides_exchanged(text, best.text) or parts_exchanged(text, best.text)
    return "exchanges two things" if exchanged else ""


def _denials(terms: Sequence[Term], *, plain: bool = False) -> list[set[str]]:
    """The stems that each negation reaches; only of plain ones (`not`, `never`) where that is asked."""
    groups: dict[int, set[str]] = {}
    for term in terms:
        if term.denial and (term.plain_denial or not plain):
            groups.setdefault(term.denial, set()).add(term.stem)
    return list(groups.values())


def _opposites(statement: str, source: str) -> tuple[str, str] | None:
    """A word of the statement and its opposite in the source, where neither text holds the other's word."""
    said, told = (set(re.findall(r"[a-z]+", text.casefold())) for text in (statement, source))
    pairs = [*_OPPOSITES, *((b, a) for a, b in _OPPOSITES)]
    return next(((a, b) for a, b in pairs if a in said - told and b in told - said), None)


def _exchanged(text: str, terms: Sequence[Term], best: Unit) -> bool:
    """Whether the statement is the source with two of its words exchanged, other than in a list or by the passive voice."""
    if re.search(r"\bby\b", text):
        return False
    stated, source = Counter(term.stem for term in terms), Counter(term.stem for term in best.terms)
    places = {term.stem: place for place, term in enumerate(best.terms) if source[term.stem] == 1}
    common = [term for term in terms if stated[term.stem] == 1 and term.stem in places]
    order = [places[term.stem] for term in common]
    wrong = [at for at, (found, right) in enumerate(zip(order, sorted(order), strict=True)) if found != right]
    if len(wrong) != 2 or len(common) < _LEAST_WORDS:
        return False
    one, other = (common[at] for at in wrong)
    return wrong[1] - wrong[0] > 1 or (one.hard and other.hard and not other.listed)


def _sides_exchanged(statement: str, source: str) -> bool:
    """Whether what stands before and after a `before`, `after` or `than` is exchanged; not told where one side is empty."""
    for word in _BETWEEN:
        said, told = _sides(statement, word), _sides(source, word)
        if not (said and told):
            continue
        kept = [len(mine & theirs) for mine, theirs in zip(said, told, strict=True)]
        crossed = [len(mine & theirs) for mine, theirs in zip(said, reversed(told), strict=True)]
        if all(crossed) and sum(crossed) > sum(kept):
            return True
    return False


def _sides(text: str, word: str) -> tuple[set[str], set[str]] | None:
    """The stems that only one side of `word` has within its clause; None where it is not there or one side has none."""
    found = re.search(rf"\b{word}\b", text, re.IGNORECASE)
    if not found:
        return None
    clause = (_STOP.split(text[: found.start()])[-1], _STOP.split(text[found.end() :])[0])
    before, after = ({term.stem for term in terms_of(side)} for side in clause)
    return (before - after, after - before) if before - after and after - before else None
