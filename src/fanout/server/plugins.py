"""The plug-ins that the settings name, loaded and looked over."""

from __future__ import annotations

from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.hooks.loading import load_plugins
from fanout.server.settings import Config


def hooks_of(config: Config) -> Hooks:
    """Every plug-in of this server. One that is named and has no table is loaded as it is.

    Raises:
        ConfigurationError: Which plug-in, file or table, and what is wrong with it.
    """
    classes = [word for word in config.plugins if ":" in word]
    tables = {name: table for name, table in config.plugins.items() if ":" not in name}
    return Hooks(load_plugins(classes, tables=tables, folder=config.plugin_folder))
