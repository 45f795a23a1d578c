"""gradus.prepare.tokenizer: a word of any length is learned from in no time, and text comes back as it was."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from gradus.prepare.tokenizer import train_tokenizer


def test_a_huge_word_costs_no_time_and_text_comes_back(tmp_path: Path) -> None:
    """In one piece each of the first two takes the trainer minutes."""
    texts = ["A gene: " + "ACGT" * 100_000, "A line: " + "=" * 400_000, "Größe 12, 日本語"]
    size = train_tokenizer(texts, 400, tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert size == tokenizer.get_vocab_size() <= 400
    for text in (texts[0][:5000], texts[2]):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
