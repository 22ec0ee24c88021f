"""A projection: how many people, when, from where. It is turned into a scenario, which can be read and changed."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from fanout.errors import ConfigurationError
from fanout.rehearsal.scenario import MOST_COUNTED, Count, Positive, Share, read_toml


class Origin(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the audience: where it is, and its share. Of those, how many have lines that stall, and how many
    listen over event streams, for what is between breaks WebSockets; and whether they ask, which a window can't."""

    where: str
    share: Share
    stalls: Share = 0.0
    event_streams: Share = 0.0
    asks: bool = True


class Projection(Struct, frozen=True, forbid_unknown_fields=True):
    """What is expected of the event. `people` are those who are there at the same time, at most.

    `arrive_within` is in minutes; `reloads` how many more connections than people there are, as a share; `chat` the
    messages a second in all rooms where everybody talks; `line_bytes` the length of a line; `approves` the share of
    what they read that moderators approve.
    """

    title: str
    people: Annotated[int, Meta(ge=1, le=10_000_000)]
    minutes: Annotated[float, Meta(ge=1, le=100_000)]
    arrive_within: Positive = 10.0
    rooms: Annotated[int, Meta(ge=1, le=500)] = 1
    reloads: Annotated[float, Meta(ge=0, le=10)] = 0.5
    origins: tuple[Origin, ...] = ()
    advance_questions: Count = 0
    questions: Count = 0
    aired: Count = 0
    answer_lines: Annotated[int, Meta(ge=1, le=100)] = 5
    line_bytes: Annotated[int, Meta(ge=40, le=10_000)] = 120
    sms: Count = 0
    sms_people: Count = 0
    chat: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
    moderators: Annotated[int, Meta(ge=1, le=100)] = 1
    seconds_each: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    approves: Annotated[float, Meta(gt=0, le=1)] = 0.5
    break_in_the_middle: bool = True


WITHIN_MS: Final = 500
"""A line should be with everybody within half a second: beyond, people see that others knew before them."""

ANNOUNCEMENTS_A_MINUTE: Final = 6
"""Where nothing is aired and nobody chats, somebody still says something, so that what arrives can be judged."""


def read_projection(text: str) -> Projection:
    """The projection that a file holds.

    Raises:
        ConfigurationError: The first thing that is wrong; its key says where.
    """
    found = read_toml(text, Projection, "projection", {"origins": Origin})
    if found.origins and abs(sum(origin.share for origin in found.origins) - 1) > 0.01:
        raise ConfigurationError("origins", "the shares of all of them are 1 together.")
    if found.questions + found.chat and found.origins and not asking_share(found):
        raise ConfigurationError(
            "origins", "questions or chat, and nobody who can ask: one with asks = true and event_streams below 1."
        )
    if found.sms_people > found.sms or (found.sms and not found.sms_people):
        raise ConfigurationError("sms_people", "from 1 to sms: how many people send them.")
    if found.arrive_within >= found.minutes:
        raise ConfigurationError("arrive_within", f"less than the {found.minutes:g} minutes that it lasts.")
    _check_counts(found)
    _check_programme(found)
    return found


def _check_counts(found: Projection) -> None:
    """What comes of several figures is as much as a rehearsal plays, at most."""
    for key, what, count in (
        ("reloads", "people and their reloads make", connections(found)),
        ("chat", "so many messages a second make", chat_messages(found)),
    ):
        if count > MOST_COUNTED:
            raise ConfigurationError(key, f"{what} {count:,}; at most {MOST_COUNTED:,} can be rehearsed.")


def _check_programme(found: Projection) -> None:
    """Nothing is aired that nobody asks, approves or has the time to read."""
    if not found.aired:
        return
    if not asked(found):
        raise ConfigurationError("aired", "questions are aired, but nobody asks any: questions or sms.")
    of_those = int(asked(found) * found.approves)
    if found.aired > of_those:
        raise ConfigurationError(
            "aired",
            f"{found.aired:,} of {asked(found):,} questions, of which {100 * found.approves:g} % are approved: at most "
            f"{of_those:,}. Or more questions, or a larger share in approves.",
        )
    read = found.moderators * found.minutes * 60 / found.seconds_each
    if found.aired > read * found.approves:
        raise ConfigurationError(
            "moderators",
            f"{found.moderators} at {found.seconds_each:g} s each read {read:,.0f} questions in {found.minutes:g} "
            f"minutes and approve {100 * found.approves:g} %: fewer than the {found.aired:,} that are aired.",
        )


def asked(projection: Projection) -> int:
    """What the moderators have to read. Advance questions were read before, where anything comes during the event."""
    return projection.questions + projection.sms or projection.advance_questions


def connections(projection: Projection) -> int:
    """First visits and reloads."""
    return round(projection.people * (1 + projection.reloads))


def chat_messages(projection: Projection) -> int:
    """Everybody talks once most people are there."""
    return round(projection.chat * 60 * (projection.minutes - projection.arrive_within))


def stalled_share(projection: Projection) -> float:
    """Of all listeners, how many have a line that stalls."""
    return sum(origin.share * origin.stalls for origin in projection.origins)


def stream_share(projection: Projection) -> float:
    """Of all listeners, how many listen over event streams."""
    return sum(origin.share * origin.event_streams for origin in projection.origins)


def asking_share(projection: Projection) -> float:
    """Of all listeners, how many may ask in a rehearsal, where those with event streams only listen."""
    return sum(origin.share * (1 - origin.event_streams) for origin in projection.origins if origin.asks)
