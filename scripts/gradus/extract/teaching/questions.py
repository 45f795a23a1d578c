"""Which questions were asked of a document before, also in slightly other words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from gradus.extract.grounding.words import Term, terms_of
from gradus.records import Example


class Questions:
    """The questions of each document, as sets of words. Two are the same when they share enough, and all names and numbers."""

    def __init__(self, likeness: float, examples: Iterable[Example] = ()) -> None:
        self._likeness = likeness
        self._asked: defaultdict[str, list[list[Term]]] = defaultdict(list)
        for example in examples:
            self._asked[example.document_id].append(terms_of(example.question))

    def is_new(self, document_id: str, question: str) -> bool:
        """Whether it was not asked of the document before; from now on it was."""
        terms = terms_of(question)
        new = not any(self._same(terms, asked) for asked in self._asked[document_id])
        if new:
            self._asked[document_id].append(terms)
        return new

    def _same(self, one: list[Term], other: list[Term]) -> bool:
        ours, theirs = ({term.stem for term in terms} for terms in (one, other))
        exact = [{term.stem for term in terms if term.hard} for terms in (one, other)]
        denied = [{term.stem for term in terms if term.denial} for terms in (one, other)]
        if exact[0] != exact[1] or denied[0] != denied[1]:
            return False
        return ours == theirs or len(ours & theirs) >= self._likeness * len(ours | theirs)
