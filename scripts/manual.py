"""Write docs/CONFIG.md: every setting with type, range, default and the steps that read it.

Example:
    python scripts/manual.py
"""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter


def main() -> int:
    """Write the page; returns the exit code."""
    ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter).parse_args()

    from gradus.config.load import PROJECT
    from gradus.config.manual import entries, render
    from gradus.files import write_text
    from gradus.pipeline import STEPS

    page = render(entries({name: step.config_keys for name, step in STEPS.items()}))
    write_text(PROJECT / "docs" / "CONFIG.md", page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
