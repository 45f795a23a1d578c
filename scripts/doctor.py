"""Examine this machine: Python, memory, device, packages, disk, which base model
fits, what memory each preset takes, the hub. Each line with its cure. It writes
nothing, and asks the hub only whether it knows the model. Exit code 1 when
something is bad.

Example:
  python scripts/doctor.py --config config/presets/mac-16gb.yaml
"""

import sys
from pathlib import Path

from gradus import cli


def main() -> int:
    """Show every finding; returns the exit code."""
    # No cli.guard: it needs packages, and that one of them is missing must be told here.
    parser = cli.plain_parser(__doc__)
    parser.add_argument(
        "--config", action="append", type=Path, default=[], metavar="FILE", help="settings of your own, laid over the default; repeatable"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting; repeatable")
    args = parser.parse_args()

    def action() -> int:
        from gradus.doctor.examine import examine
        from gradus.doctor.finding import show

        found = show(examine(args.config, args.set))
        return 1 if any(finding.level == "bad" for finding in found) else 0

    return cli.while_read(action)


if __name__ == "__main__":
    sys.exit(main())
