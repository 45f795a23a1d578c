"""What scripts/serve.py and scripts/chat.py do."""

from __future__ import annotations

import logging

from gradus.cli import write_line
from gradus.config import Config
from gradus.registry import Registry
from gradus.step import workspace_of

log = logging.getLogger(__name__)


def serve(config: Config, *, dry_run: bool = False) -> int:
    """Answer OpenAI clients with the current model until Ctrl-C; returns the exit code.

    Raises:
        UserError: when no model is current, or the port is taken. GradusError: when the model cannot be used.
    """
    from gradus.serve.current import Current

    current = Current(Registry(workspace_of(config)), config.serve)
    if dry_run:
        write_line(f"would serve {current.served} at {config.serve.host}, port {config.serve.port}")
        return 0
    from gradus.serve.server import Server

    server = Server(current, config.serve)
    if not config.serve.is_private:
        log.warning("Whoever reaches this machine at %s may use the model: there is no password and no encryption.", config.serve.host)
    try:
        server.run()
    except KeyboardInterrupt:
        log.info("Stopped.")
    return 0


def chat(config: Config, *, dry_run: bool = False) -> int:
    """Talk with the current model in the terminal; returns the exit code.

    Raises:
        UserError: when no model is current. GradusError: when the model cannot be used.
    """
    from gradus.serve.current import Current

    current = Current(Registry(workspace_of(config)), config.serve)
    if dry_run:
        write_line(f"would talk to {current.served}")
        return 0
    from gradus.serve.chat import talk

    return talk(current, config)
