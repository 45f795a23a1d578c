"""Fuse the adapter into the base model, and prove that the result answers as the
two together.

Example:
  python scripts/10_fuse.py --set fuse.dequantize=true
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("10_fuse", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
