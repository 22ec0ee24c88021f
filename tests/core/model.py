"""What a room promises a listener, as a model of a dozen lines; the machines compare what is built with it."""

from __future__ import annotations

from dataclasses import dataclass

from fanout.core.message import Gap, GapReason, Message, Retraction


@dataclass
class Expectation:
    """One listener: it stands at `seen` in the stream `epoch`, and what it is given must be what comes next."""

    epoch: str
    seen: int
    gaps: int = 0

    def receives(self, item: Message | Retraction | Gap, stream: list[Message | Retraction]) -> None:
        """Fail unless `item` is the next entry of `stream` as it may be shown now, or a gap that begins with it.

        It may be redacted a moment before `stream` is: the log knows first.
        """
        if isinstance(item, Gap):
            assert item.first.epoch == item.last.epoch == self.epoch
            assert item.first.seq == self.seen + 1, "a gap begins with the first position that is missing"
            assert item.missed == item.last.seq - self.seen
            assert item.missed > 0 or item.reason is GapReason.EPOCH, "and names at least one"
            assert item.last.seq <= len(stream), "and nothing that is still to come"
            self.seen, self.gaps = item.last.seq, self.gaps + 1
        else:
            assert item.position.epoch == self.epoch
            assert item.position.seq == self.seen + 1, "every position comes in order and once"
            now = stream[self.seen]
            if isinstance(item, Message) and item.retracted and isinstance(now, Message):
                now = now.redacted()
            assert item == now, "with what it says now"
            self.seen += 1


def publish(stream: list[Message | Retraction], entry: Message | Retraction) -> None:
    """Add to the model's stream; a retraction redacts its target wherever it is."""
    if isinstance(entry, Retraction):
        for index, before in enumerate(stream):
            if isinstance(before, Message) and before.id == entry.target:
                stream[index] = before.redacted()
    stream.append(entry)
