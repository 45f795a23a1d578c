"""Keep the good examples, once: quality score, duplicates, personal data. Every removal is named with its reason.

Example:
    python scripts/03_curate.py --set curate.keep_fraction=0.7
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("03_curate", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
