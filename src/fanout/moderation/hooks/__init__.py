"""Plug-ins: how they are found, looked over, and called so that none of them can hold up an event."""

from fanout.moderation.hooks.hooks import Hooks, Review
from fanout.moderation.hooks.loading import load_plugins
from fanout.moderation.hooks.plugin import OnFailure, Plugin, as_plugin
from fanout.moderation.hooks.statistics import HookStatistics, PluginStatistics, plugins_as_objects

__all__ = [
    "HookStatistics",
    "Hooks",
    "OnFailure",
    "Plugin",
    "PluginStatistics",
    "Review",
    "as_plugin",
    "load_plugins",
    "plugins_as_objects",
]
