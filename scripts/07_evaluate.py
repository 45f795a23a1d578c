"""Let base and tuned model answer the same held-out questions, score the answers and grade them.

Example:
    python scripts/07_evaluate.py --set evaluate.questions=100
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("07_evaluate", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
