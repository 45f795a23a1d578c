"""A byte-level BPE tokenizer with a chat template, trained on the documents of the training split."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

PIECES = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

# A run of letters or of signs is one word to the trainer, whose time grows with the square of a word: one of 300 kB took 88 s.
_LONG_WORD = re.compile(r"[^\W\d_]{1000}|(?:[^\w\s]|_){1000}")

# ChatML, the form of the Qwen family: each turn ends with the end-of-sequence token, so the model learns to stop.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)


def train_tokenizer(texts: Iterable[str], vocabulary: int, folder: Path) -> int:
    """Train the tokenizer and save it in Hugging Face form into `folder`.

    Args:
        texts: what to learn the merges from.
        vocabulary: number of entries wanted; a small corpus may give fewer.

    Returns:
        The number of entries it has.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    # Qwen's pre-tokenization, which llama.cpp has under the name qwen2: a pattern of our own could not be exported as GGUF.
    pieces = Regex(PIECES)
    split = pre_tokenizers.Split(pieces, behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[PAD, START, END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator((_LONG_WORD.sub(r"\g<0>\n", text) for text in texts), trainer)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1_000_000,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return int(tokenizer.get_vocab_size())
