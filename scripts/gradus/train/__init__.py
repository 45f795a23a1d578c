"""06_train_mlx: train an adapter through mlx-lm's own layers; a killed run goes on as if it had not been killed."""

from gradus.config.schema import Train
from gradus.step import Step, StepContext, Summary

# What changes nothing of the adapter must not make it out of date.
WITHOUT_INFLUENCE = ("find_lr", "sweep")


def _work(context: StepContext) -> Summary:
    from gradus.train.work import train

    return train(context)


STEP = Step(
    name="06_train_mlx",
    title="Train the adapter",
    version=1,
    output="adapters/{run}",
    work=_work,
    reads=("05_prepare/train.jsonl", "05_prepare/valid.jsonl", "05_prepare/base.json"),
    config_keys=(*(f"train.{key}" for key in Train.model_fields if key not in WITHOUT_INFLUENCE), "prepare.max_tokens", "run.seed"),
    resumable=True,
)
