"""Turn the collected documents into question-answer examples, each with the span
that its answer came from. With a teacher model --dry-run tells what it costs.

Examples:
  python scripts/02_extract.py --set extract.max_answer_characters=1200
  python scripts/02_extract.py --set extract.teacher.kind=openai \\
      --set extract.teacher.model=qwen3:8b --dry-run
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("02_extract", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
