"""Answer OpenAI clients with the registry's current model, through mlx-lm's
server, on this machine only: http://127.0.0.1:8080/v1, any key, model current.

Examples:
  python scripts/serve.py --port 9000
  python scripts/serve.py --set serve.model=auto
"""

import sys

from gradus import cli
from gradus.config import Config


def main() -> int:
    """Serve until Ctrl-C; returns the exit code."""
    parser = cli.parser(__doc__)
    parser.add_argument("--port", metavar="NUMBER", help="same as --set serve.port=NUMBER; 0: any free one")
    args = parser.parse_args()
    if args.force:
        parser.error("--force does nothing here: what is served is the current model")
    args.set += [f"serve.port={args.port}"] if args.port is not None else []

    def action(config: Config) -> int:
        from gradus.serve.commands import serve

        return serve(config, dry_run=args.dry_run)

    return cli.guard(args, action, writes=False)


if __name__ == "__main__":
    sys.exit(main())
