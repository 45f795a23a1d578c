"""Write docs/CONFIG.md, every setting with type, range, default and the steps that
read it, and the picture of docs/ARCHITECTURE.md, both from the code.

Example:
  python scripts/manual.py
"""

import sys

from gradus import cli


def main() -> int:
    """Write the two pages; returns the exit code."""
    cli.plain_parser(__doc__).parse_args()

    from gradus.config.load import PROJECT
    from gradus.config.manual import entries, render
    from gradus.files import write_text
    from gradus.picture import diagram, placed
    from gradus.pipeline import STEPS

    settings, architecture = PROJECT / "docs" / "CONFIG.md", PROJECT / "docs" / "ARCHITECTURE.md"
    write_text(settings, render(entries({name: step.config_keys for name, step in STEPS.items()})))
    write_text(architecture, placed(architecture.read_text(encoding="utf-8"), diagram(STEPS)))

    def tell() -> int:
        cli.write_line(f"wrote {cli.near(settings)} and {cli.near(architecture)}")
        return 0

    return cli.while_read(tell)


if __name__ == "__main__":
    sys.exit(main())
