"""A projection: how many people, when, from where. It is turned into a scenario, which can be read and changed."""

from __future__ import annotations

import json
from typing import Annotated, Final

from msgspec import Meta, Struct

from fanout.errors import ConfigurationError
from fanout.rehearsal.scenario import Count, Positive, Share, read_toml


class Origin(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the audience: where it comes from, its share, and how many of them have lines that stall."""

    where: str
    share: Share
    stalls: Share = 0.0


class Projection(Struct, frozen=True, forbid_unknown_fields=True):
    """What is expected of the event. `people` are those who are there at the same time, at most.

    `arrive_within` is in minutes; `reloads` how many more connections than people there are, as a share; `chat` the
    messages a second in all rooms where everybody talks; `line_bytes` the length of a line.
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
    seconds_each: Positive = 10.0
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
    if found.aired and not found.questions + found.sms:
        raise ConfigurationError("aired", "questions are aired, but nobody asks any: questions or sms.")
    if found.sms_people > found.sms or (found.sms and not found.sms_people):
        raise ConfigurationError("sms_people", "from 1 to sms: how many people send them.")
    if found.arrive_within >= found.minutes:
        raise ConfigurationError("arrive_within", f"less than the {found.minutes:g} minutes that it lasts.")
    return found


def stalled_share(projection: Projection) -> float:
    """Of all listeners, how many have a line that stalls."""
    return sum(origin.share * origin.stalls for origin in projection.origins)


def scenario_of(projection: Projection) -> str:
    """The scenario's file. What was not projected is assumed, and said."""
    asks = projection.questions + projection.sms + projection.advance_questions + projection.aired > 0
    chats = projection.chat > 0
    announces = not projection.aired and not chats
    said = round(projection.minutes * ANNOUNCEMENTS_A_MINUTE) if announces else 0
    totals = {
        "visitors": projection.people,
        "connections": round(projection.people * (1 + projection.reloads)),
        "advance_questions": projection.advance_questions,
        "web_questions": projection.questions,
        "chat_messages": round(projection.chat * 60 * (projection.minutes - projection.arrive_within)),
        "sms_messages": projection.sms,
        "sms_people": projection.sms_people,
        "aired": projection.aired,
        "answer_lines": projection.answer_lines if projection.aired else 0,
        "announcements": said,
        "bytes": projection.line_bytes,
    }
    lines = [
        "# Made by `fanout plan`. Read it, change it, and rehearse it.",
        f"title = {_quoted(projection.title)}",
        'source = "The projection of its organisers"',
        "assumptions = [",
        *(f"    {_quoted(each)}," for each in _assumptions(projection)),
        "]",
        *(['asks_in = "stage"'] if asks else []),
        *(['speaks_in = "stage"'] if announces else []),
        "",
        *_rooms(projection, asks=asks, chats=chats),
        "[totals]",
        *(f"{key} = {value:_}" for key, value in totals.items() if value),
        "",
        *_phases(projection),
        *(_moderators(projection) if asks else []),
        *_faults(projection),
        *_objectives(projection, asks=asks),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string


def _assumptions(projection: Projection) -> list[str]:
    said = [
        f"{projection.people:,} people at the same time, who come within {projection.arrive_within:g} minutes, evenly.",
        f"{projection.reloads:g} reloads for each of them on average.",
    ]
    said += [
        f"{100 * origin.share:g} % from {origin.where}, of which {100 * origin.stalls:g} % have lines that stall."
        for origin in projection.origins
    ]
    if projection.questions or projection.sms:
        said.append("Questions and SMS come evenly after the doors have opened, and half as often while they do.")
        said.append(
            f"{projection.moderators} moderator(s), {projection.seconds_each:g} seconds a question; half are approved."
        )
    return said


def _rooms(projection: Projection, *, asks: bool, chats: bool) -> list[str]:
    many = projection.rooms > 1
    stage = ["[[rooms]]", 'name = "stage"', f'mode = "{"moderated" if asks else "stage"}"']
    if chats:
        stage += ["", "[[rooms]]", 'name = "talk"', 'mode = "open"', 'overflow = "skip"', f"count = {projection.rooms}"]
    elif many:
        stage += ["", "[[rooms]]", 'name = "room"', f"count = {projection.rooms}", 'follows = "stage"']
    return [*stage, "listeners = 1", ""]


def _phases(projection: Projection) -> list[str]:
    rest = projection.minutes - projection.arrive_within
    kinds = [kind for kind, total in (("web_questions", projection.questions), ("sms", projection.sms)) if total]
    kinds += [] if projection.aired or projection.chat else ["announcements"]
    others = [kind for kind, total in (("reloads", projection.reloads), ("chat_messages", projection.chat),
                                       ("aired", projection.aired)) if total]  # fmt: skip
    open_doors = [f"{kind} = {0.5 * projection.arrive_within / rest:.4g}" for kind in kinds]
    return [
        "[[phases]]", 'name = "doors open"', f"minutes = {projection.arrive_within:g}", "arrivals = 1", *open_doors, "",
        "[[phases]]", 'name = "live"', f"minutes = {rest:g}", *(f"{kind} = 1" for kind in (*others, *kinds)), "",
    ]  # fmt: skip


def _moderators(projection: Projection) -> list[str]:
    takes = ["web"] if projection.questions else []
    takes += ["sms"] if projection.sms else []
    return [
        "[[moderators]]", f"count = {projection.moderators}", f"takes = {json.dumps(takes or ['api'])}",
        f"seconds = {projection.seconds_each:g}", "approves = 0.5", "",
    ]  # fmt: skip


def _faults(projection: Projection) -> list[str]:
    lines: list[str] = []
    if projection.break_in_the_middle:
        lines += ["[[faults]]", 'kind = "cut"', 'phase = "live"', "at = 0.5", ""]
    if share := stalled_share(projection):
        lines += [
            "[[faults]]",
            'kind = "stall"',
            'phase = "live"',
            "at = 0.25",
            f"share = {share:.4g}",
            "seconds = 30",
            "",
        ]
    return lines


def _objectives(projection: Projection, *, asks: bool) -> list[str]:
    wanted: list[tuple[str, str, float]] = [
        (name, "at_most", 0) for name in ("lost", "repeated", "disordered", "gaps", "behind", "absent", "sent_away")
    ]
    wanted += [("delivery_p99_ms", "at_most", WITHIN_MS), ("join_p99_ms", "at_most", 2000)]
    wanted += [("back_s", "at_most", 30)] if projection.break_in_the_middle else []
    wanted += [(name, "at_most", 0) for name in ("sms_missing", "sms_lost", "sms_people_off")] if projection.sms else []
    wanted += [("unanswered_share", "at_most", 1)] if projection.questions or projection.chat else []
    wanted += [("questions_lost", "at_most", 0), ("staff_p99_ms", "at_most", 1000)] if asks else []
    wanted += [("wait_p95_s", "at_most", 300)] if projection.questions else []
    wanted += [("aired", "at_least", projection.aired)] if projection.aired else []
    wanted += [("lines", "at_least", projection.aired * projection.answer_lines)] if projection.aired else []
    return [line for name, bound, value in wanted
            for line in ("[[objectives]]", f'measure = "{name}"', f"{bound} = {value:g}", "")]  # fmt: skip
