"""Run the twelve steps in their order, or a part of them. What is up to date is left alone.

Example:
    python scripts/run_all.py
    python scripts/run_all.py --from 05_prepare --to 08_report --set train.iterations=200
"""

import sys

from gradus import cli
from gradus.config import Config


def main() -> int:
    """Run the chosen steps; returns the exit code."""
    parser = cli.parser(__doc__)
    parser.add_argument("--from", dest="first", metavar="STEP", default="01_collect", help="first step (default: 01_collect)")
    parser.add_argument("--to", dest="last", metavar="STEP", default="12_export", help="last step (default: 12_export)")
    args = parser.parse_args()

    def action(config: Config) -> int:
        from gradus.pipeline import STEPS
        from gradus.road import run_all

        run_all(config, STEPS, args.first, args.last, force=args.force, dry_run=args.dry_run)
        return 0

    return cli.guard(args, action)


if __name__ == "__main__":
    sys.exit(main())
