"""Load a model, let it answer many questions at once, and measure how likely it finds given answers."""

from __future__ import annotations

import copy
import math
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.backend import device_name, mx, nn
from gradus.chat import Messages, prompt_tokens, render
from gradus.cpu_attention import use_fast_attention
from gradus.errors import UserError

Progress = Callable[[int, str], None]
SHARED_TOKENS = 32  # a shorter beginning is read again faster than its cache is copied
PREFILL_TOKENS = 512  # read at a time
DAMAGED = ("[load_safetensors]", "[read]")  # how MLX begins to tell of a file that is cut off or something else
OF_BASE = "Check model.base, or run 05_prepare again with --force"
OF_ADAPTER = "Take the base model that it was trained on, or train it again: 06_train_mlx.py --force"


@dataclass(frozen=True)
class Answer:
    """A generated answer; `finished` says whether the model ended it by itself (EOS) before the token limit."""

    text: str
    finished: bool
    tokens: int


def load_model(path: str | Path, adapter: str | Path | None = None) -> tuple[nn.Module, Any]:
    """Load an MLX model folder and its tokenizer through mlx-lm, with an adapter when one is given.

    Raises:
        UserError: when the folder is missing, not a model or damaged, or the adapter is damaged or does not fit it.
    """
    return load_with_config(path, adapter)[:2]


def load_with_config(path: str | Path, adapter: str | Path | None = None) -> tuple[nn.Module, Any, dict[str, Any]]:
    """`load_model`, and the model's configuration as mlx-lm completed it: what a changed model is saved with."""
    from mlx_lm.tuner.utils import load_adapters
    from mlx_lm.utils import load

    use_fast_attention()
    folder = Path(path)
    if not (folder / "config.json").exists():
        raise UserError("no model in this folder (config.json is missing)", where=str(folder), cure=OF_BASE)
    with _loading(folder, "", OF_BASE):
        model, tokenizer, config = load(str(folder), return_config=True)
    if adapter:
        with _loading(Path(adapter), " with its adapter", OF_ADAPTER):
            model = load_adapters(model, str(adapter))
            model.eval()
    return model, tokenizer, config


def load_tokenizer(path: str | Path) -> Any:
    """The tokenizer of a model folder, as mlx-lm wraps it. Raises UserError when it has none that can be loaded."""
    from mlx_lm.utils import load_tokenizer

    with _loading(Path(path), "'s tokenizer", "Check that all files of the model are in that folder"):
        return load_tokenizer(Path(path))


def context_of(config: dict[str, Any]) -> int:
    """How many tokens a model reads at most, by its configuration; without a limit when that does not say."""
    return config.get("max_position_embeddings") or sys.maxsize


@contextmanager
def _loading(folder: Path, whose: str, cure: str) -> Iterator[None]:
    """Tell in one line what mlx-lm raises over files that are no model, do not fit or are damaged."""
    try:
        yield
    except (AttributeError, FileNotFoundError, KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        said = str(error).partition("\n")[0]
        if isinstance(error, RuntimeError) and not said.startswith(DAMAGED):
            raise  # out of memory, say, which is no fault of the files
        what = f"the model{whose} cannot be loaded ({said})"
        raise UserError(what, where=str(folder), cure=cure) from error


def with_plain_weights(model: nn.Module) -> nn.Module:
    """The same weights, ready for many tokens at once: on a CPU a copy whose quantized layers are unpacked, else the model itself.

    For more than one token MLX's CPU product of quantized weights is about 20 times slower than unpacking them once and a
    plain product. The numbers multiplied are the same; they are added in another order.
    """
    from mlx_lm.utils import dequantize_model

    quantized = any(hasattr(module, "bits") for module in model.modules())
    return dequantize_model(copy.deepcopy(model)) if quantized and device_name() == "cpu" else model


def generate_answers(
    model: nn.Module, tokenizer: Any, questions: Sequence[Messages], *, max_tokens: int, batch_size: int, progress: Progress | None = None
) -> list[Answer]:
    """All of `stream_answers`, in the order of the questions.

    Args:
        progress: called with (number of new answers, "") as they come.
    """
    answers: dict[int, Answer] = {}
    for index, answer in stream_answers(model, tokenizer, questions, max_tokens=max_tokens, batch_size=batch_size):
        answers[index] = answer
        if progress:
            progress(1, "")
    return [answers[index] for index in range(len(questions))]


def stream_answers(
    model: nn.Module, tokenizer: Any, questions: Sequence[Messages], *, max_tokens: int, batch_size: int
) -> Iterator[tuple[int, Answer]]:
    """Greedy answers to many conversations, each yielded with its index the moment it is finished.

    Generated by mlx-lm's `BatchGenerator`: an answer that is finished makes room for the next question. What all prompts
    begin with, a long system prompt say, is read once, and its cache copied for each.

    Args:
        questions: conversations that end where the assistant is to speak.
        max_tokens: limit for each answer; one that reaches it is not `finished`.
        batch_size: how many answers are generated at a time.
    """
    from mlx_lm.generate import BatchGenerator

    prompts = [prompt_tokens(tokenizer, messages) for messages in questions]
    waiting = deque(sorted(range(len(prompts)), key=lambda i: len(prompts[i])))
    stops = [[token] for token in tokenizer.eos_token_ids]
    generator = BatchGenerator(model, stop_tokens=stops, completion_batch_size=batch_size, prefill_batch_size=batch_size)
    shared = _shared_prefix(prompts)
    read = _read_prefix(model, prompts[0][:shared], generator.stream) if shared else None
    running: dict[int, int] = {}
    tokens: dict[int, list[int]] = {}
    try:
        while waiting or running:
            new = [waiting.popleft() for _ in range(min(len(waiting), 2 * batch_size - len(running)))]
            if new:  # no more than these: each holds a copy of the cache
                caches = [copy.deepcopy(read) for _ in new] if read else None
                uids = generator.insert([prompts[i][shared:] for i in new], [max_tokens] * len(new), caches)
                running |= dict(zip(uids, new, strict=True))
                tokens |= {uid: [] for uid in uids}
            for response in generator.next_generated():
                if response.finish_reason != "stop":
                    tokens[response.uid].append(response.token)
                if response.finish_reason:
                    ids = tokens.pop(response.uid)
                    yield running.pop(response.uid), Answer(tokenizer.decode(ids).strip(), response.finish_reason == "stop", len(ids))
    finally:
        generator.close()


def _shared_prefix(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with, one at least left over for each; 0 when too few to be worth it."""
    if len(prompts) < 2:
        return 0
    first, last = min(prompts), max(prompts)  # in the order of lists, whatever these two share all of them share
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    length = min(length, min(map(len, prompts)) - 1)
    return length if length >= SHARED_TOKENS else 0


def _read_prefix(model: nn.Module, tokens: list[int], stream: mx.Stream) -> list[Any]:
    """The prompt cache after the model has read `tokens`."""
    from mlx_lm.models.cache import make_prompt_cache

    cache: list[Any] = make_prompt_cache(model)
    with mx.stream(stream):
        for start in range(0, len(tokens), PREFILL_TOKENS):
            model(mx.array([tokens[start : start + PREFILL_TOKENS]]), cache=cache)
            mx.eval([layer.state for layer in cache])
    return cache


@dataclass(frozen=True)
class Likelihood:
    """Negative log-likelihood of reference answers under a model: sum in nats, over so many tokens and UTF-8 bytes."""

    nats: float
    tokens: int
    bytes: int

    @property
    def per_token(self) -> float:
        """Mean negative log-likelihood per supervised token, in nats: the loss."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """exp of the mean loss per token; comparable between models of one tokenizer only."""
        return math.exp(self.per_token)

    @property
    def bits_per_byte(self) -> float:
        """Bits per UTF-8 byte of the answers; comparable between tokenizers."""
        return self.nats / math.log(2) / self.bytes


def likelihood(model: nn.Module, tokenizer: Any, conversations: Sequence[Messages], *, max_tokens: int) -> list[Likelihood]:
    """Likelihood of the assistant turns of each conversation, cut at `max_tokens` (teacher forcing, one at a time)."""
    return [_likelihood(model, tokenizer, messages, max_tokens) for messages in conversations]


def _likelihood(model: nn.Module, tokenizer: Any, messages: Messages, max_tokens: int) -> Likelihood:
    rendered = render(tokenizer, messages)
    tokens = mx.array([rendered.tokens[:max_tokens]])
    mask = _last_run(rendered.mask)[1:max_tokens]
    loss = nn.losses.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:]) * mx.array([mask])
    texts = [[m["content"] for m in messages if m["role"] == "assistant"][-1]]
    if len(rendered.tokens) > max_tokens:  # bytes of what was cut off must not make the rest look cheaper
        kept = [token for token, supervised in zip(rendered.tokens[1:max_tokens], mask, strict=True) if supervised]
        texts = [tokenizer.decode(kept, skip_special_tokens=True)]
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    return Likelihood(float(loss.astype(mx.float32).sum().item()), sum(mask), size)


def _last_run(mask: Sequence[int]) -> list[int]:
    """A mask of the last run of ones alone: of several answers in a conversation the last one."""
    last = max((place for place, one in enumerate(mask) if one), default=-1)
    first = next((place + 1 for place in range(last, -1, -1) if not mask[place]), 0)
    return [int(first <= place <= last) for place in range(len(mask))]
