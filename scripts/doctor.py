"""Examine this machine: Python, memory, device, packages, disk, which base model fits, the hub. Each line with its cure.

Example:
    python scripts/doctor.py
    python scripts/doctor.py --config config/presets/mac-16gb.yaml

Exit code 1 when something is bad. It writes nothing, and asks the hub only whether it knows the model.
"""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path


def main() -> int:
    """Show every finding; returns the exit code."""
    # No cli.guard: it needs packages, and that one of them is missing must be told here.
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--config", action="append", type=Path, default=[], metavar="FILE", help="settings laid over the default (repeatable)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting (repeatable)")
    args = parser.parse_args()

    from gradus.doctor.examine import examine
    from gradus.doctor.finding import show

    found = show(examine(args.config, args.set))
    return 1 if any(finding.level == "bad" for finding in found) else 0


if __name__ == "__main__":
    sys.exit(main())
