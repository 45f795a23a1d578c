"""Quantize the fused model, and measure size, speed and what the quality lost.

Example:
    python scripts/11_quantize.py --set quantize.bits=8
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("11_quantize", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
