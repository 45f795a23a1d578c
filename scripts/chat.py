"""Talk with the registry's current model in the terminal. Without a terminal each
line of the input is a question.

Examples:
  python scripts/chat.py --set serve.temperature=0.7
  echo "What is broadcasting?" | python scripts/chat.py
"""

import sys

from gradus import cli
from gradus.config import Config


def main() -> int:
    """Talk until /quit; returns the exit code."""
    parser = cli.parser(__doc__)
    args = parser.parse_args()
    if args.force:
        parser.error("--force does nothing here: who answers is the current model")

    def action(config: Config) -> int:
        from gradus.serve.commands import chat

        return chat(config, dry_run=args.dry_run)

    return cli.guard(args, action, writes=False)


if __name__ == "__main__":
    sys.exit(main())
