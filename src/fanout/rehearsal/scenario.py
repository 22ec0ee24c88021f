"""What a scenario file says: rooms, people, phases, faults and objectives, each checked and named when it is wrong.

Totals stand once, for the whole evening; a phase only says its weight in each. So a scale changes one number, and the
parts always add up to the whole.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from fanout.core.room import room_name
from fanout.errors import ConfigurationError, InvalidInput
from fanout.rehearsal.measuring import MEASURES

MOST_COUNTED: Final = 20_000_000
"""Of anything in an evening. Each has its moment, in memory, before the doors open: more is a typing mistake."""

Count = Annotated[int, Meta(ge=0, le=MOST_COUNTED)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0, le=1_000_000)]
MOST_BOUND: Final = 1e12
FaultKind = Literal["cut", "stall", "kill-edge", "kill-engine", "kill-server", "stop-disk", "slow-plugin", "flood"]

Kind = TypeVar("Kind", bound=Struct)

SHIPPED: Final = resources.files("fanout.rehearsal") / "scenarios"


class Rooms(Struct, frozen=True, forbid_unknown_fields=True):
    """One room, or `count` of them (then NAME-01, NAME-02…). `listeners` is its weight among all who listen."""

    name: str
    mode: Literal["stage", "moderated", "open"] = "stage"
    count: Annotated[int, Meta(ge=1, le=500)] = 1
    follows: str | tuple[str, ...] | None = None
    listeners: Weight = 0
    overflow: Literal["close", "skip"] | None = None

    @property
    def followed(self) -> tuple[str, ...]:
        """The rooms that it follows."""
        return (self.follows,) if isinstance(self.follows, str) else self.follows or ()

    def names(self) -> list[str]:
        """The names of the rooms that it stands for."""
        return [self.name] if self.count == 1 else [f"{self.name}-{number:02d}" for number in range(1, self.count + 1)]


class Totals(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole evening. What people do is scaled; the programme (aired, answer_lines, announcements) is not.

    `connections` are all that visitors make by themselves, first visits and reloads. `sms_same` people send one and the
    same text. `bytes` is the length of a text of the programme.
    """

    visitors: Annotated[int, Meta(ge=1, le=10_000_000)]
    connections: Count = 0
    advance_questions: Count = 0
    web_questions: Count = 0
    chat_messages: Count = 0
    sms_messages: Count = 0
    sms_people: Count = 0
    sms_same: Count = 0
    sms_same_text: str = ""
    aired: Count = 0
    answer_lines: Annotated[int, Meta(ge=0, le=100)] = 0
    announcements: Count = 0
    bytes: Annotated[int, Meta(ge=40, le=10_000)] = 120


class Phase(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the evening, and its weight in each total."""

    name: str
    minutes: Positive
    arrivals: Weight = 0
    reloads: Weight = 0
    web_questions: Weight = 0
    chat_messages: Weight = 0
    sms: Weight = 0
    aired: Weight = 0
    announcements: Weight = 0


class Moderators(Struct, frozen=True, forbid_unknown_fields=True):
    """A team: how many, what of the queue they take, how long each decision takes them (mean of a log-normal spread),
    and the share that they approve."""

    count: Annotated[int, Meta(ge=1, le=100)]
    takes: tuple[Literal["web", "sms", "api"], ...]
    seconds: Positive
    spread: Annotated[float, Meta(ge=0, le=2)] = 0.5
    approves: Share = 0.5


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes wrong: `at` this share of the phase, for `seconds` of real time where it lasts."""

    kind: FaultKind
    phase: str
    at: Share = 0.0
    share: Share = 1.0
    seconds: Annotated[float, Meta(ge=0, le=600)] = 5.0


class Objective(Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold: a measure and its bound, in one phase or in all."""

    measure: str
    at_most: float | None = None
    at_least: float | None = None
    phase: str | None = None
    why: str = ""


class Played(Struct, frozen=True, forbid_unknown_fields=True):
    """A recording in which everything is that is said, asked and decided: its file, as seen from the scenario's, and
    the phase with which it begins."""

    file: str
    phase: str


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """One evening. `facts` are known, `assumptions` are not; both are printed. `plugins` are those of a server of the
    rehearsal's own, by name or MODULE:CLASS. `event_streams` of the visitors listen over event streams, the others over
    WebSockets. With `replay`, the totals are of who listens, and nothing else."""

    title: str
    rooms: Annotated[tuple[Rooms, ...], Meta(min_length=1)]
    totals: Totals
    phases: Annotated[tuple[Phase, ...], Meta(min_length=1)]
    objectives: Annotated[tuple[Objective, ...], Meta(min_length=1)]
    summary: str = ""
    source: str = ""
    facts: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    asks_in: str | None = None
    speaks_in: str | None = None
    event_streams: Share = 0.0
    plugins: tuple[str, ...] = ()
    moderators: tuple[Moderators, ...] = ()
    faults: tuple[Fault, ...] = ()
    replay: Played | None = None


OF_PHASES: Final = (
    ("visitors", "arrivals"),
    ("web_questions", "web_questions"),
    ("chat_messages", "chat_messages"),
    ("sms_messages", "sms"),
    ("aired", "aired"),
    ("announcements", "announcements"),
)
"""Each total, and what its weight in a phase is called."""


def shipped() -> list[str]:
    """The names of the scenarios that come with fanout."""
    return sorted(file.name.removesuffix(".toml") for file in SHIPPED.iterdir() if file.name.endswith(".toml"))


def find_scenario(named: str) -> tuple[str, str]:
    """The name and the text of a scenario: one that is shipped, or a file.

    Raises:
        ConfigurationError: There is neither.
    """
    if named in shipped():
        return named, (SHIPPED / f"{named}.toml").read_text("utf-8")
    path = Path(named)
    try:
        return path.stem, path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(
            "SCENARIO", f"{named!r} is no file that can be read ({why}), and none of {', '.join(shipped())}."
        ) from None


def read_scenario(text: str) -> Scenario:
    """The scenario that a file holds, whole and consistent.

    Raises:
        ConfigurationError: The first thing that is wrong; its key says where.
    """
    scenario = read_toml(text, Scenario, "scenario", _TABLES)
    _check(scenario)
    return scenario


_TABLES: Final[dict[str, type[Struct]]] = {
    "rooms": Rooms, "totals": Totals, "phases": Phase, "moderators": Moderators, "faults": Fault,
    "objectives": Objective, "replay": Played,
}  # fmt: skip


def read_toml(text: str, kind: type[Kind], named: str, tables: Mapping[str, type[Struct]]) -> Kind:
    """What a TOML file holds, checked against a struct; `tables` are those of its keys that hold tables.

    Raises:
        ConfigurationError: The first thing that is wrong, with the keys that are known there: a misspelt one is the
            commonest mistake.
    """
    try:
        return msgspec.convert(tomllib.loads(text), kind, strict=True)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(named, f"this is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        key = where.rstrip("`").removeprefix("$").lstrip(".") or named
        table = tables.get(re.split(r"[.\[]", key)[0], kind)
        raise ConfigurationError(key, f"{what}. Known here: {', '.join(table.__struct_fields__)}.") from None


def _check(scenario: Scenario) -> None:
    names = [name for rooms in scenario.rooms for name in rooms.names()]
    for number, rooms in enumerate(scenario.rooms):
        try:
            room_name(rooms.names()[-1])
        except InvalidInput as error:
            raise ConfigurationError(f"rooms[{number}].name", error.detail) from None
        for followed in rooms.followed:
            _one_of(f"rooms[{number}].follows", followed, names)
    if len(set(names)) < len(names):
        raise ConfigurationError("rooms", "two rooms have the same name.")
    if not any(rooms.listeners for rooms in scenario.rooms):
        raise ConfigurationError("rooms", "nobody listens anywhere: give at least one a weight, listeners = 1.")
    phases = [phase.name for phase in scenario.phases]
    if len(set(phases)) < len(phases):
        raise ConfigurationError("phases", "two phases have the same name.")
    if scenario.replay is not None:
        _check_replay(scenario, scenario.replay, phases)
    _check_totals(scenario, names)
    for number, fault in enumerate(scenario.faults):
        _one_of(f"faults[{number}].phase", fault.phase, phases)
    for number, objective in enumerate(scenario.objectives):
        _check_objective(f"objectives[{number}]", objective, phases)


def _check_replay(scenario: Scenario, replay: Played, phases: Sequence[str]) -> None:
    _one_of("replay.phase", replay.phase, phases)
    if any(getattr(scenario.totals, total) for total in ("advance_questions", *dict(OF_PHASES[1:]))):
        raise ConfigurationError("totals", "with a replay, visitors and connections; the rest is in the recording.")
    if scenario.moderators:
        raise ConfigurationError("moderators", "with a replay, whoever decided in the recording does so again.")


def _check_totals(scenario: Scenario, rooms: Sequence[str]) -> None:
    totals = scenario.totals
    for total, weight in OF_PHASES:
        if getattr(totals, total) and not any(getattr(phase, weight) for phase in scenario.phases):
            raise ConfigurationError(
                f"totals.{total}", f"it is {getattr(totals, total):,}, but no phase has a weight for it: {weight} = 1."
            )
    if totals.connections and totals.connections < totals.visitors:
        raise ConfigurationError("totals.connections", "each visitor makes one at least; reloads come on top.")
    if totals.connections > totals.visitors and not any(phase.reloads for phase in scenario.phases):
        raise ConfigurationError("totals.connections", "more than visitors, but no phase has a weight: reloads = 1.")
    if not totals.sms_same <= totals.sms_people <= totals.sms_messages or (
        totals.sms_messages and not totals.sms_people
    ):
        raise ConfigurationError("totals.sms_people", "from sms_same to sms_messages, and not 0 where SMS come.")
    if totals.sms_same and not totals.sms_same_text:
        raise ConfigurationError("totals.sms_same_text", "the text that sms_same people send.")
    asked = totals.advance_questions or totals.web_questions or totals.sms_messages or totals.aired
    flooded = any(fault.kind == "flood" for fault in scenario.faults)
    if flooded and scenario.asks_in is None:
        raise ConfigurationError("asks_in", f"a flood needs a room that it pours into: one of {', '.join(rooms)}.")
    for key, used in (("asks_in", asked), ("speaks_in", totals.announcements)):
        room = getattr(scenario, key)
        if used or room is not None:
            _one_of(key, room, rooms)
    by_name = {name: each for each in scenario.rooms for name in each.names()}
    if flooded and by_name[scenario.asks_in or ""].mode == "stage":
        raise ConfigurationError(
            "asks_in", f"{scenario.asks_in} is a stage, where no flood arrives: moderated or open."
        )
    if asked and by_name[scenario.asks_in or ""].mode != "moderated":
        raise ConfigurationError("asks_in", f"{scenario.asks_in} takes no questions: its mode must be moderated.")
    if totals.chat_messages and not any(each.mode == "open" and each.listeners for each in scenario.rooms):
        raise ConfigurationError("totals.chat_messages", "nobody can chat: no room that is listened to has mode open.")
    if totals.aired and not scenario.moderators:
        raise ConfigurationError("moderators", "questions are to be aired, and nobody approves any.")


def _check_objective(key: str, objective: Objective, phases: Sequence[str]) -> None:
    _one_of(f"{key}.measure", objective.measure, sorted(MEASURES))
    if (objective.at_most is None) == (objective.at_least is None):
        raise ConfigurationError(key, "either at_most or at_least, a number.")
    for which in ("at_most", "at_least"):
        bound = getattr(objective, which)
        if bound is not None and not 0 <= bound <= MOST_BOUND:  # nan is nowhere
            raise ConfigurationError(f"{key}.{which}", f"a number from 0 to {MOST_BOUND:,.0f}; not {bound:g}.")
    if objective.phase is not None:
        _one_of(f"{key}.phase", objective.phase, phases)
        if not MEASURES[objective.measure].by_phase:
            raise ConfigurationError(f"{key}.phase", f"{objective.measure} is measured over the whole evening only.")


def _one_of(key: str, value: str | None, known: Sequence[str]) -> None:
    if value not in known:
        raise ConfigurationError(key, f"one of {', '.join(known)}; not {value!r}.")
