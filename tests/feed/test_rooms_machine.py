"""A room that is followed over a socket, against a model: whatever is published, taken back, lost and found again, and
however late either end hears of it, what the follower has is the room as it stood at some moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fanout.core.cursor import Extent
from fanout.core.message import Author, Entry, Message, Retraction
from fanout.core.position import Position
from fanout.core.room import RoomSettings, room_settings
from fanout.engine.ports import Stream
from fanout.engine.room import Room
from fanout.engine.tail import Tail
from fanout.errors import EngineAway, FanoutError
from fanout.feed import followed_room
from fanout.feed.followed_room import FollowedRoom, Frames
from fanout.feed.remote_rooms import RemoteRooms
from fanout.wire.feed_frames import MessageReader, entries_of, read_to_edge
from fanout.wire.feed_messages import Follow, Heard, Unfollow


class View:
    """A follower as an edge is one: it keeps what it hears, and takes back what is taken back."""

    def __init__(self, *, anew: bool = False) -> None:
        self.anew = anew
        """Whether the room was followed a moment before: what was on its way for that one comes, too."""
        self.begun, self.error = False, None
        self.epoch, self.head = "", 0
        self.entries: list[Entry] = []
        self.settings: Callable[[], RoomSettings]

    def begin(self, settings: Callable[[], RoomSettings], extent: Extent, entries: Sequence[Entry]) -> None:
        assert self.error is None
        assert [entry.position.seq for entry in entries] == [*range(extent.recent, extent.head + 1)]
        goes_on = self.begun and extent.epoch == self.epoch
        missing = extent.recent > self.head + 1
        assert not goes_on or missing or self.anew, "it begins anew though nothing is missing"
        self.begun, self.settings = True, settings
        self.epoch, self.head, self.entries = extent.epoch, extent.head, list(entries)

    def heard(self, entries: Sequence[Entry]) -> None:
        assert self.begun, "heard before it began"
        assert self.error is None
        for entry in entries:
            assert entry.position == Position(self.epoch, self.head + 1), (entry.position, self.epoch, self.head)
            self.head += 1
            self.entries.append(entry)
            if isinstance(entry, Retraction):
                self.entries = [
                    one.redacted() if isinstance(one, Message) and one.id == entry.target else one
                    for one in self.entries
                ]

    def refused(self, error: FanoutError) -> None:
        self.error = error


class Following(RuleBasedStateMachine):
    """`said` is all that was published in this epoch, nothing taken back; `taken_back` by which number."""

    def __init__(self) -> None:
        super().__init__()
        self.lives = 0
        self.chosen = room_settings("stage", mode="stage", capacity=4)
        self.to_edge: deque[bytes] = deque()
        self.to_engine: deque[Follow | Unfollow] = deque()
        self.rooms = RemoteRooms(lambda said: self.to_engine.append(said) if self.linked else None)
        self.linked = False
        self.view: View | None = None
        self.stop: Callable[[], None] = lambda: None
        self.reader = MessageReader()
        self._at_once = followed_room.ENTRIES_AT_ONCE
        followed_room.ENTRIES_AT_ONCE = 2  # type: ignore[misc]  # so that a beginning comes in parts
        self._begin_anew()
        self.link()
        self.follow()

    def teardown(self) -> None:
        followed_room.ENTRIES_AT_ONCE = self._at_once  # type: ignore[misc]

    def _begin_anew(self) -> None:
        self.lives += 1
        self.said: list[Entry] = []
        self.taken_back: dict[str, int] = {}
        self._start()

    def _start(self) -> None:
        """The engine's process, with what the log has."""
        epoch = f"e{self.lives}"
        recent = [self._shown(entry) for entry in self.said[-self.chosen.capacity :]]
        tail = Tail(None, Stream(self.chosen, epoch, len(self.said), 1), recent)  # type: ignore[arg-type]
        self.room = Room(self.chosen, None, tail, lambda name: ())  # type: ignore[arg-type]
        self.frames = Frames()
        self.followed: FollowedRoom | None = None

    def _shown(self, entry: Entry) -> Entry:
        return entry.redacted() if isinstance(entry, Message) and entry.id in self.taken_back else entry

    # --- the engine --------------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 6))
    def publish(self, count: int) -> None:
        for _ in range(count):
            number = len(self.said) + 1
            place = Position(self.room.tail.epoch, number)
            self._enter(Message("stage", place, f"m{number}", "message", Author("Ann"), f"t{number}", 0))

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        target = data.draw(st.sampled_from([entry.id for entry in self.said if isinstance(entry, Message)]))
        number = len(self.said) + 1
        self.taken_back.setdefault(target, number)
        self._enter(Retraction("stage", Position(self.room.tail.epoch, number), target, 0))

    def _enter(self, entry: Entry) -> None:
        self.said.append(entry)
        self.room.tail.tell(self.room.tail.take([entry]))

    @rule(capacity=st.integers(1, 8))
    def change(self, capacity: int) -> None:
        self.chosen = replace(self.chosen, capacity=capacity)
        self.room.change(self.chosen)

    @rule(count=st.integers(1, 4))
    def engine_sends(self, count: int = 1) -> None:
        while self.to_engine:
            self._engine_hears()
        while count and self.followed is not None and self.followed.has_news:
            frame = self.followed.next()
            self.to_edge.append(frame)
            count -= 1
            (said,) = map(read_to_edge, MessageReader().feed(frame))
            if isinstance(said, Heard):
                for entry in entries_of("stage", said.epoch, said.items):
                    assert entry == self._shown(entry), "what was taken back is sent"

    def _engine_hears(self) -> None:
        match self.to_engine.popleft():
            case Follow(_, after):
                place = None if after is None else Position.parse(after)
                self.followed = FollowedRoom(self.room, self.frames, place)
            case Unfollow():
                self.followed = None

    # --- the edge ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.to_edge)
    @rule(count=st.integers(1, 4))
    def edge_hears(self, count: int = 1) -> None:
        for _ in range(min(count, len(self.to_edge))):
            self._edge_hears()

    def _edge_hears(self) -> None:
        for message in self.reader.feed(self.to_edge.popleft()):
            self.rooms.hear(read_to_edge(message))  # type: ignore[arg-type]

    @precondition(lambda self: self.view is None or self.view.error is not None)
    @rule()
    def follow(self) -> None:
        self.view = View(anew=bool(self.to_edge or self.to_engine or self.followed))
        self.stop = self.rooms.follow("stage", self.view, away=not self.linked)
        assert self.linked or isinstance(self.view.error, EngineAway)

    @precondition(lambda self: self.view is not None)
    @rule()
    def unfollow(self) -> None:
        self.stop()
        self.view = None

    @precondition(lambda self: self.view is not None)
    @rule()
    def follow_anew(self) -> None:
        self.unfollow()
        self.follow()

    # --- what is between ---------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.linked)
    @rule()
    def link(self) -> None:
        self.linked = True
        self.rooms.resume()

    @precondition(lambda self: self.linked)
    @rule()
    def lose(self) -> None:
        self.linked, self.followed = False, None
        self.to_edge.clear()
        self.to_engine.clear()
        self.reader = MessageReader()
        self.rooms.lost()

    @precondition(lambda self: not self.linked)
    @rule(kept=st.booleans())
    def restart(self, kept: bool) -> None:
        if kept:
            self._start()
        else:
            self._begin_anew()

    @rule()
    def let_everything_arrive(self) -> None:
        if not self.linked:
            self.link()
        while self.to_engine or self.to_edge or (self.followed is not None and self.followed.has_news):
            if self.to_edge:
                self.edge_hears()
            else:
                self.engine_sends()
        view = self.view
        if view is not None and view.error is None:
            assert view.begun
            assert Position(view.epoch, view.head) == self.room.position
            assert view.settings() == self.room.settings
            held = self.room.recent
            assert view.entries[len(view.entries) - len(held) :] == held

    @invariant()
    def what_it_has_is_the_room_as_it_stood(self) -> None:
        view = self.view
        if view is None or not view.begun or view.epoch != self.room.tail.epoch:
            return
        first = view.head - len(view.entries)
        for entry, said in zip(view.entries, self.said[first : view.head], strict=True):
            if isinstance(said, Message) and self.taken_back.get(said.id, view.head + 1) <= view.head:
                assert entry == said.redacted(), "what was taken back can be read"
            else:
                assert entry in (said, self._shown(said))


Following.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
test_following = Following.TestCase
