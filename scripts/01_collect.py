"""Collect documents: the docs inside installed Python packages, folders of files,
and data sets of the Hugging Face hub. What cannot be read is named, with why.

Examples:
  python scripts/01_collect.py --set 'collect.folders=[~/notes]'
  python scripts/01_collect.py --set 'collect.folders=[~/notes]' --strict
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    parser = cli.parser(__doc__)
    strict = "a file that cannot be read is an error"
    parser.add_argument("--strict", action="append_const", dest="set", const="collect.strict=true", help=strict)
    return cli.run_one("01_collect", parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
