"""Write the Hugging Face folder with its model card, load it again and let it answer.

Example:
    python scripts/12_export.py --set export.model_name=my-model
"""

import sys

from gradus import cli


def main() -> int:
    """Run the step; returns the exit code."""
    return cli.run_one("12_export", cli.parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
