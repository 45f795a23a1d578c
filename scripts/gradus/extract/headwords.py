"""Headings that are known: words with a question of their own, words that say nothing, names of platforms, signs of trouble."""

from __future__ import annotations

import re

_ONE_WORD = {
    "install|installing|installation|setup|setting up|set up|installation guide|installation instructions|how to install": (
        "how-to",
        "How do I install {subject}?",
    ),
    "uninstall|uninstalling|uninstallation": ("how-to", "How do I uninstall {subject}?"),
    "configure|configuring|configuration": ("how-to", "How do I configure {subject}?"),
    "usage|how to use|using it|basic usage|use": ("how-to", "How do I use {subject}?"),
    "getting started|get started|quick ?start(?: guide)?|first steps": ("how-to", "How do I get started with {subject}?"),
    "building|build|building from source|build from source|compiling|compilation": ("how-to", "How do I build {subject}?"),
    "upgrading|upgrade|updating": ("how-to", "How do I upgrade {subject}?"),
    "deploying|deployment": ("how-to", "How do I deploy {subject}?"),
    "contributing|how to contribute|contribute": ("how-to", "How do I contribute to {subject}?"),
    "testing|running tests|run tests|tests": ("how-to", "How do I run the tests of {subject}?"),
    "requirements|system requirements|prerequisites|dependencies|limitations|known limitations|known issues|features|key features|main features"
    "|benefits|advantages|disadvantages|drawbacks|goals|objectives|non-goals|ingredients": ("section", "What are the {title} of {subject}?"),
    "options|parameters|arguments|attributes|properties|fields|methods|settings|commands|command[- ]line options|configuration "
    "options|environment variables|supported formats"
    "|supported platforms": ("section", "Which {title} does {subject} have?"),
    "how it works|how does it work|mode of operation|principle of operation": ("section", "How does {subject} work?"),
    "troubleshooting": ("troubleshooting", "How do I troubleshoot {subject}?"),
    "(?:an? )?(?:simple |quick |minimal |complete |basic |full |small |short |usage )?examples?|example usage": (
        "example",
        "Can you give me an example of how to use {subject}?",
    ),
    "support|help|getting help|get help": ("section", "Where do I get help with {subject}?"),
    "purpose|motivation|aim": ("section", "What is the {title} of {subject}?"),
    "scope": ("section", "What is the scope of {subject}?"),
    "who it applies to|applicability|eligibility": ("section", "Who does {subject} apply to?"),
}
HEADWORDS = [(re.compile(names, re.IGNORECASE), *value) for names, value in _ONE_WORD.items()]
_OF_DOCUMENT = {
    "decisions|decisions made|resolutions": "What was decided in {document}?",
    "action items|actions|to-?dos?|next steps|follow[- ]ups?": "What are the {title} of {document}?",
    "attendees|participants|present|attendance": "Who took part in {document}?",
    "agenda": "What was on the agenda of {document}?",
    "summary|abstract|tl;?dr|executive summary|key points|key takeaways|conclusions?": "What are the main points of {document}?",
}
OF_DOCUMENT = [(re.compile(names, re.IGNORECASE), question) for names, question in _OF_DOCUMENT.items()]
GENERIC = re.compile(
    r"(?:general(?: information| questions)?|misc(?:ellaneous)?|other|others|notes?|remarks?|comments?|introduction|intro|overview|"
    r"about|background|basics|details?|more|"
    r"further information|additional information|additional notes|info(?:rmation)?|summary|conclusions?|description|discussion|results?|"
    r"appendix(?: \w)?|annex(?: \w)?|"
    r"part \w+|step(?: \w+)?\b.*|chapter(?: \w+)?|section(?: [\w.]+)?|table \d.*|figure \d.*|exercise.*|faqs?|"
    r"frequently asked questions.*|questions(?: and answers)?|q ?& ?a|"
    r"important|warning|caution|tip|tips|hint|hints|attention|note that|example(?: \w+)?|examples|output|result|input|code|solution|"
    r"answer|problem|question|symptoms?|causes?|cure|"
    r"status|donat(?:e|ions?)|sponsors?(?:hip)?|backers|news|authors?|maintainers?|contributors|team|develop|documentation|docs|fixed|added|changed|removed|deprecated|testimonials|"
    r"badges?|download|disclaimers?|stay in touch|community|changes|benchmarks?|citations?|versions?|versioning|alternatives|"
    r"advanced(?: usage| topics)?|basic|welcome|preface|foreword|untitled|document|title|sheet ?\d*|slide ?\d+|page ?\d+|"
    r"before you (?:begin|start)|what's next\??|"
    r"procedure|instructions?|steps|method|methods|cell \d+|todo|open points|[\W\d]*|this document|concepts?|tutorials?|guides?|"
    r"reference|api|readme|home|main)",
    re.IGNORECASE,
)
DEFINES = r"(?:is|are|was|means|refers to|denotes|describes|stands for)\b"
PREPOSED = re.compile(r"(?:on|for|with|from|via|in|using|under|without|through|by)\b", re.IGNORECASE)
_PLATFORMS = {
    "on": "linux|windows|macos|mac|mac os|mac os x|ubuntu|debian|fedora|android|ios|raspberry pi|kubernetes|aws|azure|google cloud",
    "with": "docker|conda|pip|pipx|homebrew|uv|npm|python",
    "from the": "command line",
    "from": "the command line|source",
    "with the": "cli",
    "": "from source",
}
PLATFORM = {name: link for link, names in _PLATFORMS.items() for name in names.split("|")}
"""Below a how-to: what comes between its question and the heading (`Linux` → `on Linux`)."""
SYMPTOM = re.compile(
    r"\b(?:errors?|exception|fails?|failed|failure|cannot|can't|can’t|won't|won’t|doesn't|doesn’t|does not|do not|don't|is not|are not|"
    r"isn't|not (?:found|working|recognized|"
    r"recognised|responding|supported|available|possible|starting|loading)|crash(?:es|ed)?|hangs?|freezes?|missing|unable to|"
    r"timed? ?out|denied|refused|too slow|is slow|out of memory|"
    r"corrupt(?:ed)?|stuck|no (?:sound|signal|connection|output|power|response|data|space|such)|broken|lost|overheats?|invalid|unexpected)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(
    r"(?:(?:the|a|an|my|your|our|i|we|you|it|there|nothing|no)\b.*|\S+ )\b(?:is|are|was|were|has|have|does|do|did|cannot|can't|can’t|"
    r"won't|won’t|doesn't|doesn’t|don't|isn't|fails?|crashes|hangs|freezes|"
    r"shows?|stops?|keeps?|takes?|gets?|makes?|overheats?|loses?|appears?|disappears?|turns?|reports?|says?|remains?)\b",
    re.IGNORECASE,
)
FINITE = re.compile(r"\b(?:is|are|was|were|has|have|will|must|should|can|may|does|do|need|needs|it's|don't|you)\b", re.IGNORECASE)
