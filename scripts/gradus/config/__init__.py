"""The typed configuration: `schema` says which keys exist, `load` reads and checks them."""

from gradus.config.load import DEFAULT_CONFIG, load_config
from gradus.config.schema import Config

__all__ = ["DEFAULT_CONFIG", "Config", "load_config"]
