"""English of headings: which verbs they begin with, and how they read inside a question."""

from __future__ import annotations

import re
from functools import cache

_VERBS = (
    "activate add adjust allow apply approve assemble assign attach authenticate automate avoid become book browse build calculate "
    "calibrate cancel change "
    "check choose claim clean clear clone close collect combine compare compile compose compute configure connect contact contribute convert create "
    "customize customise deactivate debug decide define delete deploy describe develop determine diagnose disable disconnect download "
    "edit enable encrypt enroll "
    "ensure enter escape estimate evaluate exclude execute export extend extract fetch fill find fix format generate get give handle "
    "identify implement import improve include "
    "initialize initialise insert inspect install integrate invite join keep launch learn load log maintain make manage mark measure "
    "merge migrate mix modify "
    "monitor mount move navigate obtain open operate optimize optimise order organize organise override pair paste pay perform pick plan "
    "prepare preprocess prevent print protect provide provision publish purchase push query read rebuild receive reconnect record "
    "recover reduce refresh "
    "register release reload remove rename renew replace report request reschedule reset resolve restart restore resume retrieve return reuse review "
    "revoke roll rotate run save scale schedule search secure select send serve set share show sign simulate simplify skip sort "
    "specify split start stop store "
    "submit subscribe support switch sync synchronize tag take test trace track train transfer translate troubleshoot tune turn "
    "understand uninstall unlock unsubscribe "
    "update upgrade upload use validate verify view visualize visualise withdraw work wrap write"
)
_ALSO_NOUNS = frozenset(
    "access book build change check claim clean clear clone close contact debug design download edit export fill fix format "
    "import launch load log mark measure mix monitor mount move open order pair paste plan print process purchase push query read record "
    "release report request reset return reuse review roll run sample save scale schedule search secure select set share sign skip "
    "sort split start stop "
    "store support switch tag test trace track train transfer tune turn update upgrade upload use view work wrap write provision override".split()
)
"""Verbs that stand as nouns or adjectives in headings (`Test results`, `Use cases`): alone they prove no action."""
_ALSO_ADJECTIVES = frozenset(
    "training building opening processing testing working printing loading reading writing closing billing learning logging planning "
    "reporting recording "
    "saving tracking operating purchasing mounting moving filling mixing sorting searching monitoring cleaning wrapping scaling "
    "measuring marking viewing "
    "keeping including running ordering booking starting selling trading sharing tuning handling setting describing defining".split()
)
"""The same for forms in -ing (`Training data`, `Opening hours`)."""
_TAKES_OBJECT = re.compile(
    r"(?:the|a|an|your|my|our|its|this|these|that|all|any|each|every|new|to|for|from|with|in|into|on|up|out|off|as|by|it|them|one|two|multiple|several|another|`.+)(?:\s|$)",
    re.IGNORECASE,
)
_SECOND_GERUND = re.compile(r"(?<=\band )\w+ing\b|^\w+ing(?= and )")
_DOUBLED = frozenset(("get", "run", "set", "stop", "log", "plan", "submit", "tag", "wrap", "skip", "split", "debug", "transfer"))
_PRODUCT = {
    "installation": "install", "configuration": "configure", "deployment": "deploy", "compilation": "compile", "registration": "register for",
    "activation": "activate", "deactivation": "deactivate", "uninstallation": "uninstall",
    "customization": "customize", "initialization": "initialize",
    "removal": "remove", "creation": "create", "validation": "validate", "verification": "verify", "migration": "migrate", "integration": "integrate",
}  # fmt: skip


@cache
def _gerunds() -> dict[str, str]:
    return {gerund(verb): verb for verb in _VERBS.split()}


@cache
def _verbs() -> frozenset[str]:
    return frozenset(_VERBS.split())


def gerund(verb: str) -> str:
    """`install` → `installing`, `use` → `using`, `run` → `running`."""
    if verb in _DOUBLED:
        return verb + verb[-1] + "ing"
    return (verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb) + "ing"


def action(title: str, thing: str = "") -> str:
    """What a heading that names an action does, as an infinitive without `to`; '' when it names none or may be a noun.

    Args:
        thing: a name that is certainly an object (`Running Foo as a service`).
    """
    text = title.rstrip(".:! ")
    if match := re.match(
        r"how (?:to|do i|do you|can i|can you|we) (?=\w)|to (?=\w)|steps? (?:to|for) |(?:guide|procedure) (?:to|for) ", text, re.IGNORECASE
    ):
        first = text[match.end() :].split(" ")[0].lower()
        rest = text[match.end() :].partition(" ")[2]
        verb = _gerunds().get(first, first)
        return f"{verb} {rest}".strip() if match[0].lower().startswith("how") or verb in _verbs() else ""
    first, _, rest = text.partition(" ")
    word = first.lower()
    verb = word if word in _verbs() else _gerunds().get(word, "")
    if word in _gerunds():  # `Configuring and testing the proxy`: the second goes the way of the first, or the heading names no action
        others = re.findall(_SECOND_GERUND, rest)
        if not all(other.lower() in _gerunds() for other in others):
            return ""
        rest = re.sub(_SECOND_GERUND, lambda match: _gerunds()[match[0].lower()], rest)
    if not verb or not rest:
        return ""
    certain = word not in _ALSO_NOUNS and word not in _ALSO_ADJECTIVES
    return f"{verb} {rest}" if certain or _TAKES_OBJECT.match(rest) or (thing and rest.startswith(thing)) else ""


def nominal_action(word: str) -> str:
    """The verb of a noun of action: `installation` → `install`; '' for other words."""
    return _PRODUCT.get(word.lower(), "")


def first_person(text: str) -> str:
    """`your password` → `my password`, as the reader would ask."""
    for old, new in ((r"\byour\b", "my"), (r"\byourself\b", "myself"), (r"\byours\b", "mine"), (r"\byou are\b", "I am"), (r"\byou\b", "I")):
        text = re.sub(old, new, text, flags=re.IGNORECASE)
    return text


def in_a_sentence(title: str, text: str, heading: str = "") -> str:
    """A heading as it reads inside a sentence: capitals go, except those of names and of words that `text` writes so, too.

    Args:
        text: the document; a word that it writes with a capital in the middle of a sentence is a name.
        heading: the whole heading where `title` is a part of it; when it writes other words small, a capital inside is a name's.
    """
    whole = heading or title
    sentence_case = any(word in _verbs() or re.fullmatch(r"[a-z]{4,}", word) and word not in _CONNECTING for word in whole.split()[1:])

    def shown(match: re.Match[str]) -> str:
        inside = not whole.startswith(title) if match.start() == 0 else re.search(r"[\w,)`] $", title[: match.start()]) is not None
        return _word(match[0], text, kept=sentence_case and inside)

    small = re.sub(r"(?<![\w`'\"./])[A-Z][a-z]+(?:['’]s)?(?![\w`]*[A-Z_(])", shown, title)
    small = re.sub(r"^(An?|The)\b", lambda match: match[0].lower(), small)
    kept = [old for old, new in zip(title.split()[1:], small.split()[1:], strict=True) if old == new and re.fullmatch(r"[A-Z][a-z]+", old)]
    names = [word for word in kept if word.lower() not in _NAMES]
    return title if names and title.istitle() else small


def is_verb(word: str) -> bool:
    """Whether a word is an infinitive of the verbs that headings begin with."""
    return word.lower() in _verbs()


def is_name(name: str, text: str) -> bool:
    """Whether `text` uses a word as a proper name: more than once, and never without its capital."""
    if name.startswith("`"):
        return True
    known = name.lower() in _NAMES or re.search(rf"\b{re.escape(name.lower())}\b", text) and not name.islower()
    return not known and len(re.findall(rf"\b{re.escape(name)}\b", text)) > 1


def _word(word: str, text: str, *, kept: bool) -> str:
    """A word of a heading with or without its capital; `kept`: it stays where the text has nothing to say."""
    lower = word.lower()
    # The word stands first in the patterns, before what may stand before it: so re finds it as fast as plain text.
    small = len(re.findall(rf"{re.escape(lower)}(?<![\w/`.-]{re.escape(lower)})(?![\w`/]|\.\w)", text))
    large = len(re.findall(rf"{re.escape(word)}(?<=[a-z,;(] {re.escape(word)})\b", text))
    if small:
        return word if large > small else lower
    return word if kept or large or lower in _NAMES else lower


_CONNECTING = frozenset("with from into onto over under upon about after before between through without within than that this when your".split())
"""Longer words that title case writes small, too."""
_NAMES = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday "
    "english german french spanish italian europe european germany france britain british american python java rust ruby linux windows "
    "macos ubuntu debian "
    "docker kubernetes git google microsoft apple amazon azure jupyter numpy pandas excel word outlook slack zoom teams markdown apache nginx redis "
    "postgres sqlite mongo kafka spark hadoop terraform ansible jenkins bash powershell android chrome firefox safari edge internet wikipedia".split()
)
