"""Let base and tuned model answer the same held-out questions, score the answers
and grade them.

Examples:
  python scripts/07_evaluate.py --set evaluate.questions=100
  python scripts/07_evaluate.py --submissions config/submissions.csv
"""

import sys

from gradus import cli
from gradus.evaluate import commands


def main() -> int:
    """Run the step, or grade the file that a flag names; returns the exit code."""
    parser = cli.parser(__doc__)
    commands.add_flags(parser)
    return commands.run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
