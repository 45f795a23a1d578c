"""What the teacher is asked: other wordings of a question, a translation, an answer of another length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gradus.config.teacher import Teacher
from gradus.records import Example
from gradus.teacher import Request

KEEP = "Keep every name, number, link, quotation and everything in backticks exactly as it stands."
PARAPHRASE = (
    "You rewrite questions for a training set. Write {count} other wordings of the question below. Each must ask for exactly the same, "
    "in the same language, and differ clearly from the others. {keep} Do not answer it.\n\n<question>\n{question}\n</question>"
)
TRANSLATE = "Translate the question below into {language}. {keep} Do not answer it.\n\n<question>\n{question}\n</question>"
TRANSLATE_BACK = (
    "Translate the question below into the language of this sample: «{sample}». {keep} Do not answer it.\n\n<question>\n{question}\n</question>"
)
LENGTHS = {
    "short": "The new answer is short: the one or two sentences that matter most, with code only where the question asks for it.",
    "medium": "The new answer is about as long as the old one, in other words.",
    "long": "The new answer is about twice as long as the old one and explains more, with what the source below says and nothing else.",
}
REWRITE = (
    "You rewrite examples for a training set. Below are a question and its answer. Write the answer anew, in the same language. {length} "
    "State nothing that is not said below, change no fact, and take names, numbers, links and code as they stand. "
    "Then put the question so that it asks for an answer of this length, and for the same as before.\n\n"
    "<question>\n{question}\n</question>\n\n<answer>\n{answer}\n</answer>{source}"
)


@dataclass(frozen=True)
class Prompts:
    """Builds requests with the teacher's settings and the seed of the run."""

    teacher: Teacher
    seed: int

    def paraphrases(self, example: Example, count: int) -> Request:
        """For `count` wordings: `{"questions": [...]}`."""
        items = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        return self._request(PARAPHRASE.format(count=count, keep=KEEP, question=example.question), {"questions": items})

    def translation(self, example: Example, language: str) -> Request:
        """For the question in another language: `{"question": ...}`."""
        return self._request(TRANSLATE.format(language=language, keep=KEEP, question=example.question), {"question": {"type": "string"}})

    def back(self, example: Example, translated: str) -> Request:
        """For the translated question in the language of the original's answer, without the original question."""
        sample = " ".join(example.answer.split())[:200]
        return self._request(TRANSLATE_BACK.format(sample=sample, keep=KEEP, question=translated), {"question": {"type": "string"}})

    def length(self, example: Example, length: str, source: str) -> Request:
        """For an answer of another length and a question that asks for it: `{"question": ..., "answer": ...}`."""
        told = f"\n\n<source>\n{source}\n</source>" if length == "long" else ""
        text = REWRITE.format(length=LENGTHS[length], question=example.question, answer=example.answer, source=told)
        return self._request(text, {"question": {"type": "string"}, "answer": {"type": "string"}})

    def _request(self, text: str, properties: dict[str, Any]) -> Request:
        schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
        messages = ({"role": "user", "content": text},)
        return Request(messages, self.teacher.max_tokens, self.teacher.temperature, schema, self.seed)


def passage(text: str, span: Sequence[int], characters: int) -> str:
    """The part of a document around a span, at most so many characters."""
    begin, end = span
    spare = max(characters - (end - begin), 0) // 2
    return text[max(begin - spare, 0) : end + spare][:characters]
