"""Train the adapter with MLX; a killed run goes on where it stopped. Or one of the things around it, each by its flag.

Example:
    python scripts/06_train_mlx.py --set train.iterations=800
    python scripts/06_train_mlx.py --watch                   # the curves of the run in a browser, from a second terminal
    python scripts/06_train_mlx.py --find-lr                 # writes reports/<run>/find_lr/find_lr.json and .png
    python scripts/06_train_mlx.py --sweep config/sweeps/learning_rate.yaml   # writes reports/<run>/sweep/
    python scripts/06_train_mlx.py --replay adapters/default # trains that run again and compares the losses
    python scripts/06_train_mlx.py --from-log lora.log       # writes reports/<run>/from_log/loss_curve.json and .png
"""

import sys

from gradus import cli
from gradus.train import commands


def main() -> int:
    """Run the step, or what a flag asks for; returns the exit code."""
    parser = cli.parser(__doc__)
    commands.add_flags(parser)
    return commands.run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
