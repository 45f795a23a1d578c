"""Run the twelve steps in their order, or some of them; what is up to date stays.

Examples:
  python scripts/run_all.py --from 05_prepare --to 08_report --run longer
  python scripts/run_all.py --config config/presets/smoke.yaml
"""

import sys

from gradus import cli
from gradus.config import Config


def main() -> int:
    """Run the chosen steps; returns the exit code."""
    parser = cli.parser(__doc__)
    parser.add_argument("--from", dest="first", metavar="STEP", default="01_collect", help="first step (default: 01_collect)")
    parser.add_argument("--to", dest="last", metavar="STEP", default="12_export", help="last step (default: 12_export)")
    parser.add_argument("--continue", dest="go_on", action="store_true", help="take in new documents (docs/CONTINUE.md)")
    args = parser.parse_args()
    if args.go_on and (args.first, args.last) != ("01_collect", "12_export"):
        parser.error("--continue decides itself which steps run: leave out --from and --to")
    if args.go_on:
        from gradus.continuing import run_guarded

        return run_guarded(args)

    def action(config: Config) -> int:
        from gradus.pipeline import STEPS, next_step
        from gradus.road import run_all

        following = cli.command(args, next_step(args.last) or "chat")
        run_all(config, STEPS, args.first, args.last, force=args.force, dry_run=args.dry_run, following=following)
        return 0

    return cli.guard(args, action)


if __name__ == "__main__":
    sys.exit(main())
