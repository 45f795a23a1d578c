"""Train the adapter with MLX; a killed run goes on where it stopped. Or draw the loss curve of a saved log of mlx_lm.lora.

Example:
    python scripts/06_train_mlx.py --set train.iterations=800
    python scripts/06_train_mlx.py --from-log lora.log       # writes reports/<run>/from_log/loss_curve.json and .png
"""

import sys
from pathlib import Path

from gradus import cli
from gradus.config import Config


def main() -> int:
    """Run the step, or draw the curve of a log; returns the exit code."""
    parser = cli.parser(__doc__)
    parser.add_argument("--from-log", type=Path, metavar="FILE", help="train nothing: draw the loss curve of this saved log of stock mlx_lm.lora")
    args = parser.parse_args()
    if args.from_log is None:
        return cli.run_one("06_train_mlx", args)

    def action(config: Config) -> int:
        from gradus.train.stock_log import draw_log

        cli.write_line(draw_log(config, args.from_log, dry_run=args.dry_run))
        return 0

    return cli.guard(args, action)


if __name__ == "__main__":
    sys.exit(main())
