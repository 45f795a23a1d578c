"""Collect documents: the docs inside installed Python packages, folders of files, and data sets of the Hugging Face hub.

Example:
    python scripts/01_collect.py --set 'collect.folders=[~/notes]'
    python scripts/01_collect.py --set 'collect.folders=[~/notes]' --strict   # an unreadable file is an error
    python scripts/01_collect.py --set 'collect.hub_datasets=[{name: owner/name, files: [data/*.parquet], max_rows: 500}]'
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    parser = cli.parser(__doc__)
    strict = "a file that should be read and cannot be is an error (same as --set collect.strict=true)"
    parser.add_argument("--strict", action="append_const", dest="set", const="collect.strict=true", help=strict)
    return cli.run_one("01_collect", parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
