"""Collect documents: the docs inside installed Python packages, and folders of .md .txt .jsonl .csv files.

Example:
    python scripts/01_collect.py --set 'collect.folders=[~/notes]'
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("01_collect", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
