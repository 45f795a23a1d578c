"""Run the twelve steps in their order, or a part of them. What is up to date is left alone.

Example:
    python scripts/run_all.py
    python scripts/run_all.py --from 05_prepare --to 08_report --set train.iterations=200
    python scripts/run_all.py --continue              new documents, train on, ask the gate (docs/CONTINUE.md)
"""

import sys

from gradus import cli
from gradus.config import Config


def main() -> int:
    """Run the chosen steps; returns the exit code."""
    parser = cli.parser(__doc__)
    parser.add_argument("--from", dest="first", metavar="STEP", help="first step (default: 01_collect)")
    parser.add_argument("--to", dest="last", metavar="STEP", help="last step (default: 12_export)")
    parser.add_argument("--continue", dest="go_on", action="store_true", help="train again when there are new documents, in a run of its own")
    args = parser.parse_args()
    if args.go_on and (args.first or args.last):
        parser.error("--continue decides itself which steps run: leave out --from and --to")

    def action(config: Config) -> int:
        from gradus.continuing import continue_run
        from gradus.pipeline import STEPS
        from gradus.road import run_all

        if args.go_on:
            continue_run(config, STEPS, force=args.force, dry_run=args.dry_run)
        else:
            run_all(config, STEPS, args.first or "01_collect", args.last or "12_export", force=args.force, dry_run=args.dry_run)
        return 0

    return cli.guard(args, action)


if __name__ == "__main__":
    sys.exit(main())
