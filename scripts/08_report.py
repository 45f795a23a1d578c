"""Write the report, from what the earlier steps wrote: one self-contained HTML
file, its Markdown twin, and the page of all runs.

Example:
  python scripts/08_report.py --run default
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("08_report", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
