"""Quantize the fused model by several recipes, measure size, speed, perplexity
and grade, and keep one.

Example:
  python scripts/11_quantize.py --set quantize.chosen=8
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("11_quantize", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
