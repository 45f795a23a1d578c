"""Train the adapter with MLX; a killed run goes on where it stopped. Or do one of
the things around it, each by its flag.

Examples:
  python scripts/06_train_mlx.py --set train.iterations=800
  python scripts/06_train_mlx.py --sweep config/sweeps/learning_rate.yaml
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
