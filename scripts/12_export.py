"""Write the model in the formats that others read, and check each against the
model that it was made from; upload it when asked.

Examples:
  python scripts/12_export.py --set export.model_name=my-model
  python scripts/12_export.py --set 'export.formats=[huggingface, gguf-q8_0]'
"""

import sys

from gradus import cli
from gradus.config import Config


def main() -> int:
    """Run the step, and upload its output when asked; returns the exit code."""
    parser = cli.parser(__doc__)
    parser.add_argument("--push", action="store_true", help="upload to export.upload.repo on the hub")
    args = parser.parse_args()

    def upload(config: Config) -> int:
        from gradus.export.push import push

        cli.write_line(f"uploaded to {push(config)}")
        return 0

    code = cli.run_one("12_export", args)
    return code if code or not args.push or args.dry_run else cli.guard(args, upload)


if __name__ == "__main__":
    sys.exit(main())
