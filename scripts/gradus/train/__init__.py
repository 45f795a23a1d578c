"""06_train_mlx: train an adapter through mlx-lm's own layers; a killed run goes on as if it had not been killed."""

from gradus.config import Config
from gradus.config.schema import Train
from gradus.step import Step, StepContext, Summary, workspace_of

# What changes nothing of the adapter must not make it out of date.
WITHOUT_INFLUENCE = ("find_lr", "sweep")


def _work(context: StepContext) -> Summary:
    from gradus.train.work import train

    return train(context)


def _outside(config: Config) -> object:
    """The adapter that training goes on from and the teacher's files; the settings already tell that there is neither."""
    start, objectives = _start(config), config.train.objectives
    if not objectives.distillation:
        return start
    from pathlib import Path

    from gradus.files import model_state

    return [start, model_state(Path(objectives.teacher))]


def _start(config: Config) -> str | None:
    """SHA-256 of the adapter that training goes on from."""
    if config.train.start_from == "base":
        return None
    from gradus.train.start import starting_version

    version = starting_version(workspace_of(config), config.run.name)
    return version.weights if version else None


STEP = Step(
    name="06_train_mlx",
    title="train the adapter",
    version=4,
    output="adapters/{run}",
    work=_work,
    reads=("05_prepare/train.jsonl", "05_prepare/valid.jsonl", "05_prepare/base.json"),
    config_keys=(*(f"train.{key}" for key in Train.model_fields if key not in WITHOUT_INFLUENCE), "prepare.max_tokens", "run.seed"),
    outside=_outside,
    outside_is="the current adapter or the teacher",
    resumable=True,
)
