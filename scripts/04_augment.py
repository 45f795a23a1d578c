"""Add other wordings of the questions; a variant never leaves its origin's part of the split.

Example:
    python scripts/04_augment.py --set augment.question_variants=2
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("04_augment", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
