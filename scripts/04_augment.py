"""Add variants of the examples, by templates and by a teacher model; a variant
never leaves its origin's part of the split.

Examples:
  python scripts/04_augment.py --set augment.question_variants=2
  python scripts/04_augment.py --dry-run --set augment.use_teacher=true \\
      --set extract.teacher.kind=openai --set extract.teacher.model=qwen3:8b
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("04_augment", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
