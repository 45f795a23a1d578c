"""What the criteria and controls are called on the page, and in a few words what they measure."""

from __future__ import annotations

from gradus.report.numbers import label

CRITERIA: dict[str, tuple[str, str]] = {
    "bold": ("Bold", "key terms set in bold, but not everything"),
    "lists": ("Lists", "bullet or numbered items"),
    "headings": ("Headings", "headings with text"),
    "tables": ("Tables", "tables with rows"),
    "code": ("Code blocks", "fenced code"),
    "language": ("Language named", "fences that name their language"),
    "closed": ("Fences closed", "no code block left open"),
    "length": ("Length in range", "as a multiple of the reference's length"),
    "finished": ("Ended by itself", "not cut off at the token limit; an empty answer counts as 0"),
    "alignment": ("Meaning word by word", "words of the reference that the answer has or comes close to"),
    "context": ("Meaning of all words", "mean of the word vectors in their context"),
    "fragments": ("Word parts", "runs of letters shared with the reference"),
    "rouge_l": ("ROUGE-L", "longest common run of words, in order"),
    "token_f1": ("Token F1", "words shared with the reference"),
    "key_terms": ("Key terms", "words of the reference that the question does not give away"),
    "numbers": ("Numbers", "numbers of the reference"),
    "identifiers": ("Identifiers", "names in the reference's code"),
    "consistency": ("Consistency", "same vocabulary, similar length"),
    "repetition": ("Variety", "1 when no run of words is repeated"),
    "brevity": ("Not too short", "1 when as long as the reference or longer"),
    "echo": ("No echo", "1 when the answer is not the question again"),
}


def criterion(name: str) -> str:
    """Name of a criterion for people; one that is new here is its key in words."""
    return CRITERIA[name][0] if name in CRITERIA else label(name)


def spoken(name: str) -> str:
    """The name inside a sentence: with a small first letter, unless it is an abbreviation."""
    text = criterion(name)
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def hint(name: str) -> str:
    """What a criterion measures, or '' for one that is new here."""
    return CRITERIA[name][1] if name in CRITERIA else ""
