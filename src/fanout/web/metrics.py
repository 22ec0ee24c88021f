"""Prometheus metrics, read from what the engine and the edge have counted when somebody asks; the hot path knows none
of this.

Labels are rooms (at most a thousand, made by operators), transports, reasons, results and codes of our own: never a
visitor's value.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from fanout.core.histogram import Histogram
from fanout.engine.engine import Engine
from fanout.feed.statistics import EdgeStatistics
from fanout.moderation.moderation import Moderation
from fanout.web.answers import answer
from fanout.web.fleet import Fleet, FleetCollector, ProcessCounts
from fanout.web.moderation_metrics import ModerationCollector, Verdicts, waiting, written_buckets


class FanoutCollector(Collector):
    """Turns statistics into metric families."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.edge: EdgeStatistics
        """What the edges have counted. Given before each collection."""

    def collect(self) -> Iterable[Metric]:
        edge, engine = self.edge, self._engine.statistics()
        yield _gauges("listeners", "Listeners now.", "transport", edge.listeners)
        rooms = {name: float(counts.listeners) for name, counts in edge.rooms.items()}
        slow = {name: float(edge.room_slow.get(name, 0)) for name in edge.rooms}
        yield _gauges("room_listeners", "Listeners of a room now.", "room", rooms)
        yield _counters("messages", "Messages that have entered a room.", "room", engine.messages)
        yield CounterMetricFamily("fanout_deliveries", "Messages handed to sockets.", edge.deliveries)
        yield CounterMetricFamily("fanout_sends", "Calls of send() that carried messages.", edge.sends)
        yield _histogram("pass_seconds", "Duration of a walk over a room's listeners.", edge.passes)
        yield _by_room("room_delivery_seconds", "The same, of a room.", edge.room_delivery)
        yield _gauges("room_slow_listeners", "Listeners of a room whose socket is full now.", "room", slow)
        yield _histogram("delivery_seconds", "From a message's publication to its writing to a socket.", edge.delivery)
        yield GaugeMetricFamily("fanout_slow_listeners", "Listeners whose socket is full now.", edge.slow)
        yield _counters("gaps", "Gaps that listeners were told of.", "reason", edge.gaps)
        codes = {str(int(code)): count for code, count in edge.closes.items()}
        yield _counters("closes", "Connections that the server closed.", "code", codes)
        yield _counters("handshakes", "Requests to listen.", "result", edge.handshakes)
        yield _histogram("log_append_seconds", "From a publication to its being durable.", engine.append_seconds)


class Metrics:
    """`GET /metrics`, in the format that the scraper asks for (Prometheus text or OpenMetrics)."""

    def __init__(
        self,
        engine: Engine,
        edge_statistics: Callable[[], Awaitable[EdgeStatistics]],
        moderation: Moderation | None,
        fleet: Fleet | None,
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._edge_statistics = edge_statistics
        self._of_edges = FanoutCollector(engine)
        self._registry.register(self._of_edges)
        self._registry.register(FleetCollector(self._this_process if fleet is None else fleet.processes))
        self._moderation = moderation
        if moderation is not None:
            verdicts = Verdicts()
            moderation.changes.subscribe(verdicts.heard)
            self._of_moderation = ModerationCollector(moderation.hooks, verdicts)
            self._registry.register(self._of_moderation)

    def _this_process(self) -> list[ProcessCounts]:
        edge = self._of_edges.edge
        return [ProcessCounts("server", os.getpid(), sum(edge.listeners.values()), edge.slow, edge.deliveries)]

    async def show(self, request: Request) -> Response:
        self._of_edges.edge = await self._edge_statistics()
        if self._moderation is not None:
            self._of_moderation.waiting = await waiting(self._moderation)
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return answer(encode(self._registry), media_type)


def _gauges(name: str, help: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"fanout_{name}", help, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counters(name: str, help: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"fanout_{name}", help, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _by_room(name: str, help: str, histograms: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(f"fanout_{name}", help, labels=["room"])
    for room, histogram in histograms.items():
        family.add_metric([room], written_buckets(histogram), histogram.total)
    return family


def _histogram(name: str, help: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(f"fanout_{name}", help, buckets=written_buckets(histogram), sum_value=histogram.total)
