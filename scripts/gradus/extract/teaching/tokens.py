"""How many tokens a text has for the teacher."""

from __future__ import annotations

from gradus.config.teacher import Teacher as TeacherSettings
from gradus.extract.teaching.chunks import Count
from gradus.teacher.requests import tokens_by_length


def counter_of(settings: TeacherSettings) -> Count:
    """Counts by the tokenizer of an MLX model on this machine; for all others one token is taken to be four characters."""
    from gradus.teacher.local import tokenizer_on_disk

    tokenizer = tokenizer_on_disk(settings)
    if tokenizer is None:
        return tokens_by_length
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))
