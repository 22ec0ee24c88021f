"""The scenario that a projection turns into: a file that can be read and changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from fanout.rehearsal.desk import Desk, reckon
from fanout.rehearsal.doubts import PATIENCE_S, doubts, reads_sms
from fanout.rehearsal.projection import (
    ANNOUNCEMENTS_A_MINUTE,
    WITHIN_MS,
    Origin,
    Projection,
    asked,
    chat_messages,
    connections,
    stalled_share,
    stream_share,
)
from fanout.rehearsal.scenario import read_scenario

STALL_SECONDS: Final = 30
"""How long a line that stalls is not read: a train in a tunnel."""

WHY: Final = {
    "lost": "No silent loss",
    "said_lost": "What was said and acknowledged is in the room",
    "repeated": "Nobody reads anything twice",
    "disordered": "One order for everybody",
    "gaps": "Nothing that is said is left out",
    "behind": "At the end everybody has everything",
    "absent": "Everybody who came is still there",
    "sent_away": "Nobody is refused for good",
    "delivery_p99_ms": "What is said is with everybody at once",
    "join_p99_ms": "Nobody waits before the doors",
    "back_s": "After the break everybody is back",
    "sms_missing": "Every SMS is taken",
    "sms_lost": "No SMS that was taken is lost",
    "sms_people_off": "People are counted to the last one",
    "sms_p99_ms": "The gateway is not held up",
    "unanswered_share": "Who speaks is answered",
    "questions_lost": "What was acknowledged is there",
    "staff_p99_ms": "The desk answers, whatever comes in",
    "wait_p95_s": "A question is read within five minutes",
    "sms_wait_p95_s": "An SMS is read within five minutes",
    "aired": "The programme takes place",
    "lines": "Every answer is there to its last line",
}
"""What each objective is for, to somebody who decides whether the event goes ahead."""


def scenario_of(projection: Projection) -> str:
    """The scenario's file. What was not projected is assumed, and said; so is what is doubtful."""
    desk = desk_of(projection)
    assumed = assumptions_of(projection) + [f"In doubt: {doubt}" for doubt in doubts(projection, desk)]
    return _text(projection, assumed, sms_are_read=reads_sms(desk))


def desk_of(projection: Projection) -> Desk | None:
    """How its moderators fare, where any are needed."""
    return reckon(read_scenario(_text(projection, [], sms_are_read=False)))


def _text(projection: Projection, assumed: Sequence[str], *, sms_are_read: bool) -> str:
    asks = projection.questions + projection.sms + projection.advance_questions + projection.aired > 0
    chats = projection.chat > 0
    announces = not projection.aired and not chats
    said = round(projection.minutes * ANNOUNCEMENTS_A_MINUTE) if announces else 0
    totals = {
        "visitors": projection.people,
        "connections": connections(projection),
        "advance_questions": projection.advance_questions,
        "web_questions": projection.questions,
        "chat_messages": chat_messages(projection),
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
        f"summary = {_quoted(_summary(projection))}",
        'source = "The projection of its organisers"',
        "assumptions = [",
        *(f"    {_quoted(each)}," for each in assumed),
        "]",
        *(['asks_in = "stage"'] if asks else []),
        *(['speaks_in = "stage"'] if announces else []),
        *([f"event_streams = {share:.4g}"] if (share := stream_share(projection)) else []),
        "",
        *_rooms(projection, asks=asks, chats=chats),
        "[totals]",
        *(f"{key} = {value:_}" for key, value in totals.items() if value),
        "",
        *_phases(projection),
        *(_moderators(projection) if asks else []),
        *_faults(projection),
        *_objectives(projection, asks=asks, sms_are_read=sms_are_read),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string


def _summary(projection: Projection) -> str:
    parts = [
        f"{projection.questions:,} questions from the web" if projection.questions else "",
        f"{projection.sms:,} SMS from {projection.sms_people:,} people" if projection.sms else "",
        f"{projection.advance_questions:,} advance questions" if projection.advance_questions else "",
        f"{projection.chat:g} chat messages a second" if projection.chat else "",
        f"{projection.aired:,} questions aired with {projection.answer_lines} lines each" if projection.aired else "",
    ]
    rooms = f" in {projection.rooms} rooms" if projection.rooms > 1 else ""
    what = "".join(f"; {part}" for part in parts if part)
    return f"{projection.people:,} people at the same time{rooms}, {projection.minutes:g} minutes{what}."


def assumptions_of(projection: Projection) -> list[str]:
    """What was projected, and what it is taken to mean."""
    said = [
        f"{projection.people:,} people at the same time, who come within {projection.arrive_within:g} minutes, evenly.",
        f"{projection.reloads:g} reloads for each of them on average.",
    ]
    said += [origin_in_words(origin) for origin in projection.origins]
    if stalled_share(projection):
        said.append(f"A line that stalls is not read for {STALL_SECONDS} seconds, once, all of them at the same time.")
    if any(not origin.asks for origin in projection.origins):
        said.append(
            "Who can't ask is a listener as any other. The page and the script of a window, which its reader's browser "
            "fetches once, are not played."
        )
    if stream_share(projection) and projection.questions + projection.chat:
        said.append("Over event streams nobody asks in a rehearsal: what comes from there comes from the others.")
    if projection.questions or projection.sms:
        said.append("Questions and SMS come evenly after the doors have opened, and half as often while they do.")
    if asked(projection):
        said.append(
            f"{projection.moderators} moderator(s), {projection.seconds_each:g} seconds a question; "
            f"{100 * projection.approves:g} % are approved."
        )
    if projection.advance_questions and (projection.questions or projection.sms):
        said.append("The advance questions were read before, and lie in the queue: nobody reads them during the event.")
    if projection.break_in_the_middle:
        said.append("Every line is cut once, in the middle, and everybody comes back by themselves.")
    return said


def origin_in_words(origin: Origin) -> str:
    """Where a part of the audience is, and what that means for it."""
    which = [
        f"{100 * share:g} % {what}"
        for share, what in (
            (origin.stalls, "have lines that stall"),
            (origin.event_streams, "listen over event streams, where WebSockets do not pass"),
        )
        if share
    ]
    of_those = f" Of those, {' and '.join(which)}." if which else ""
    return f"{100 * origin.share:g} % from {origin.where}.{of_those}{'' if origin.asks else ' They only read.'}"


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
        f"seconds = {projection.seconds_each:g}", f"approves = {projection.approves:g}", "",
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
            f"seconds = {STALL_SECONDS}",
            "",
        ]
    return lines


def _objectives(projection: Projection, *, asks: bool, sms_are_read: bool) -> list[str]:
    wanted: list[tuple[str, str, float]] = [
        (name, "at_most", 0)
        for name in ("lost", "said_lost", "repeated", "disordered", "gaps", "behind", "absent", "sent_away")
    ]
    wanted += [("delivery_p99_ms", "at_most", WITHIN_MS), ("join_p99_ms", "at_most", 2000)]
    wanted += [("back_s", "at_most", 30)] if projection.break_in_the_middle else []
    wanted += [(name, "at_most", 0) for name in ("sms_missing", "sms_lost", "sms_people_off")] if projection.sms else []
    wanted += [("sms_p99_ms", "at_most", 1000)] if projection.sms else []
    wanted += [("unanswered_share", "at_most", 1)] if projection.questions or projection.chat else []
    wanted += [("questions_lost", "at_most", 0), ("staff_p99_ms", "at_most", 1000)] if asks else []
    wanted += [("wait_p95_s", "at_most", PATIENCE_S)] if projection.questions else []
    wanted += [("sms_wait_p95_s", "at_most", PATIENCE_S)] if sms_are_read else []
    wanted += [("aired", "at_least", projection.aired)] if projection.aired else []
    wanted += [("lines", "at_least", projection.aired * projection.answer_lines)] if projection.aired else []
    return [
        line
        for name, bound, value in wanted
        for line in ("[[objectives]]", f'measure = "{name}"', f"{bound} = {value:g}", f'why = "{WHY[name]}"', "")
    ]
