"""Keep the good examples, once: quality score, duplicates, personal data. Every
removal is named with its reason.

Examples:
  python scripts/03_curate.py --set curate.keep_fraction=0.7
  python scripts/03_curate.py --audit data/05_prepared
"""

import sys

from gradus import cli
from gradus.curate import commands


def main() -> int:
    """Run the step, or the audit that a flag asks for; returns the exit code."""
    parser = cli.parser(__doc__)
    commands.add_flags(parser)
    return commands.run(parser)


if __name__ == "__main__":
    sys.exit(main())
