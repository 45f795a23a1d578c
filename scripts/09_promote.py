"""Register the run's adapter and make it the current model when it passes the gate.

Example:
    python scripts/09_promote.py                      register this run, promote it if the gate passes
    python scripts/09_promote.py register             enter it as a candidate only
    python scripts/09_promote.py list                 all versions with state and grade
    python scripts/09_promote.py show [VERSION]       one version, the current one without a name
    python scripts/09_promote.py promote VERSION      make it current; --force goes past the gate and is recorded
    python scripts/09_promote.py rollback             back to the model that was current before
    python scripts/09_promote.py diff OLD [NEW]       what differs; without NEW the current one is meant
"""

import sys

from gradus import cli
from gradus.config import Config
from gradus.promote.flags import add_commands


def main() -> int:
    """Run the step, or the command that was named; returns the exit code."""
    parser = cli.parser(__doc__)
    add_commands(parser)
    args = parser.parse_args()

    def action(config: Config) -> int:
        from gradus.promote.commands import run_command

        cli.write_line(run_command(config, args))
        return 0

    return cli.run_one("09_promote", args) if args.command is None else cli.guard(args, action)


if __name__ == "__main__":
    sys.exit(main())
