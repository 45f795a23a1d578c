"""Split the examples by source, count their tokens, and put the base model on
disk.

Example:
  python scripts/05_prepare.py --set model.base=mlx-community/Qwen3-1.7B-4bit
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("05_prepare", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
