"""What is trained and how: adapters (LoRA, DoRA) or all weights, optimizer, learning-rate schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradus.backend import mx, nn, optimizers, tree_flatten
from gradus.config.schema import Train
from gradus.errors import UserError
from gradus.train.checks import check_warmup, layer_count

DECAYING = ("adamw", "muon", "sgd")


def adapter_config(train: Train, model: nn.Module, base_path: str) -> dict[str, Any]:
    """`adapter_config.json` in the form that stock mlx-lm loads."""
    return {
        "fine_tune_type": train.method,
        "model": base_path,
        "num_layers": layer_count(train, len(model.layers)),
        "lora_parameters": None if train.method == "full" else train.lora.model_dump(),
    }


def make_trainable(model: nn.Module, train: Train) -> None:
    """Freeze the model and open what the method trains, through mlx-lm's own layers.

    Raises:
        UserError: for a full fine-tuning of quantized weights, and for adapters that cannot be made.
    """
    from mlx_lm.tuner.utils import linear_to_lora_layers

    layers = layer_count(train, len(model.layers))
    model.freeze()
    if train.method == "full":
        if any(isinstance(m, nn.QuantizedLinear | nn.QuantizedEmbedding) for m in model.modules()):
            raise UserError(
                "quantized weights cannot be trained in full", where="train.method", cure="Take lora (QLoRA) or dora, or an unquantized model.base"
            )
        for layer in model.layers[-layers:]:
            layer.unfreeze()
    else:
        try:
            linear_to_lora_layers(model, layers, train.lora.model_dump(), use_dora=train.method == "dora")
        except (OverflowError, ValueError) as error:
            what = f"no {train.method} adapters of rank {train.lora.rank} can be made for this model ({str(error).rstrip('.')})"
            raise UserError(what, where="train.lora", cure="Lower train.lora.rank, or take train.method=lora") from error


def make_schedule(train: Train) -> Callable[[mx.array], mx.array] | float:
    """mlx-lm's schedule; it counts optimizer updates. Raises UserError when warm-up leaves nothing."""
    from mlx_lm.tuner.utils import build_schedule

    updates = check_warmup(train)
    schedule, rate = train.schedule, train.learning_rate
    rest, end = updates - schedule.warmup_updates, rate * schedule.final_fraction
    if schedule.name == "constant" and not schedule.warmup_updates:
        return rate
    arguments = {
        "cosine": ("cosine_decay", [rate, rest, end]),
        "linear": ("linear_schedule", [rate, end, rest]),
        "constant": ("linear_schedule", [rate, rate, rest]),
    }
    name, values = arguments[schedule.name]
    return build_schedule({"name": name, "arguments": values, "warmup": schedule.warmup_updates})


def make_optimizer(train: Train, rate: Callable[[mx.array], mx.array] | float | None = None) -> optimizers.Optimizer:
    """The optimizer by name, with the configured schedule unless `rate` is given.

    Raises:
        UserError: when weight decay is set for one that has none.
    """
    kinds = {"adam": optimizers.Adam, "adamw": optimizers.AdamW, "muon": optimizers.Muon, "sgd": optimizers.SGD, "adafactor": optimizers.Adafactor}
    rate = make_schedule(train) if rate is None else rate
    if train.optimizer in DECAYING:
        return kinds[train.optimizer](learning_rate=rate, weight_decay=train.weight_decay)
    if train.weight_decay:
        raise UserError(
            f"{train.optimizer} has no weight decay", where="train.weight_decay", cure=f"Set it to 0 or take one of {', '.join(DECAYING)}"
        )
    if train.optimizer == "adafactor":
        return kinds["adafactor"](learning_rate=rate, relative_step=False)
    return kinds[train.optimizer](learning_rate=rate)


def trainable_parameters(model: nn.Module) -> dict[str, mx.array]:
    """The trained weights by their dotted names: what `adapters.safetensors` holds."""
    return dict(tree_flatten(model.trainable_parameters()))
