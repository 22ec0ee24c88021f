"""How the pages of a server look, from its settings."""

from __future__ import annotations

from fanout.errors import ConfigurationError
from fanout.server.settings import Config
from fanout.web.appearance import Appearance, read_logo, style


def appearance_of(config: Config) -> Appearance:
    """The house that these settings describe.

    Raises:
        ConfigurationError: The logo can't be used, the colour is none, or a chat is no room.
    """
    style(config.site_colour)
    chats = chats_of(config)
    for name, chat in chats.items():
        if chat not in config.rooms or config.rooms[chat].mode != "open":
            raise ConfigurationError(
                f"rooms.{name}.chat", f"the name of an open room of the configuration; not {chat!r}."
            )
    logo = None if config.site_logo is None else read_logo(config.site_logo)
    return Appearance(config.site_name, logo, config.site_colour, chats)


def chats_of(config: Config) -> dict[str, str]:
    """By room, the one in which its visitors chat."""
    return {name: room.chat for name, room in config.rooms.items() if room.chat is not None}
