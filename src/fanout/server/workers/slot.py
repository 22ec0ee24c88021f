"""One process's place in a server: who is in it now, and what is done when that one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog
import trio

from fanout.core.restarts import Restarts
from fanout.errors import ConfigurationError
from fanout.server.workers.orders import ALIVE, ASK, READY, RETIRE, Health, Orders, line_of

COMMAND: Final = (sys.executable, "-P", "-m", "fanout", "process")
"""`-P`: nothing in the folder where the server happens to be started may pass for a module of ours."""

START_SECONDS: Final = 60.0
"""How long a process may take until it serves: a log of a million entries is read in a few."""

RETIRE_SECONDS: Final = 30.0
"""How long one that makes room may take to send everybody away, before it is killed."""

ASK_SECONDS: Final = 5.0
"""How often a process that serves is asked whether it still does."""

MAX_UNANSWERED: Final = 6
"""Questions in a row after which a process has died as well, half a minute: a turn of its loop takes milliseconds.
Questions and not seconds are counted, for a machine that stood still as a whole has not asked either."""

LONGEST_LINE: Final = 64 * 1024
"""Bytes of a line that a process writes to its standard output; of a longer one, the end is kept."""

log = structlog.get_logger()


class DiedAtStart(Exception):
    """A process ended, or took too long, before it served. `code` is its exit code."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} ended with {code} before it served")
        self.code = code


class Running:
    """One process that has been started."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.began = trio.current_time()
        self.ended = trio.Event()
        self.serves = False
        self.unanswered = 0
        """How often it has been asked since it last answered."""
        self._telling = trio.StrictFIFOLock()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it is there to get it."""
        if self.process.returncode is None:
            self.process.send_signal(number)

    async def tell(self, health: Health) -> None:
        """Say how the processes are."""
        await self._say(line_of(health))

    async def ask(self) -> None:
        """Ask whether it still serves."""
        self.unanswered += 1
        await self._say(ASK)

    async def _say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        try:
            async with self._telling:
                await self.process.stdin.send_all(line)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return


class Slot:
    """Keeps one process running.

    Args:
        orders: What a new one is told, and the descriptors that it inherits. Asked anew for each.
        died: Told when the one that was in it is gone and another will be started after so many seconds.
        changed: Told when there is one again.
        heard: Given each line that it writes to its standard output while it serves.
    """

    def __init__(
        self,
        name: str,
        nursery: trio.Nursery,
        orders: Callable[[], tuple[Orders, Sequence[int]]],
        *,
        died: Callable[[float], None] = lambda delay: None,
        changed: Callable[[], None] = lambda: None,
        heard: Callable[[bytes], None] = lambda line: None,
    ) -> None:
        self.name = name
        self.current: Running | None = None
        self._nursery = nursery
        self._orders = orders
        self._died = died
        self._changed = changed
        self._heard = heard
        self._restarts = Restarts()
        self._starting = trio.Lock()
        """Held by whoever puts another process in it: one that is to make room may die meanwhile."""
        self._alive: set[Running] = set()
        """All that have been started and have not ended: besides `current` those that come, and that make room."""
        self._over = trio.Event()
        """Set when nobody is to be started any more."""

    @property
    def failing(self) -> bool:
        """Whether nobody is in it because each dies at once."""
        return self.current is None and self._restarts.failing

    async def start(self) -> None:
        """Start the first process, and keep one running from then on; return when it serves.

        Raises:
            DiedAtStart: It did not come so far.
        """
        self.current = await self._started()
        self._nursery.start_soon(self._keep)

    def stop(self, number: signal.Signals) -> None:
        """Send this signal, and start nobody any more. Who does not serve yet hears none, and has nobody to take leave
        of: it is killed."""
        self._over.set()
        for running in self._alive:
            running.signal(number if running.serves else signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until all that have been started have ended. After `stop`."""
        async with self._starting:  # whoever was about to be
            pass
        for running in list(self._alive):
            await running.ended.wait()

    @property
    def exit_code(self) -> int:
        """That of the process that was in it last; 1 if it had to be killed."""
        code = None if self.current is None else self.current.process.returncode
        return 1 if code is None or code < 0 else code

    async def replace(self) -> None:
        """Start another process, and when it serves have the present one make room.

        Raises:
            DiedAtStart: The new one did not come so far; the present one stays.
        """
        async with self._starting:
            if self._over.is_set():
                return
            new = await self._started()
            before, self.current = self.current, new
        self._nursery.start_soon(self._keep)
        if before is None:
            self._changed()
            return
        before.signal(RETIRE)
        with trio.move_on_after(RETIRE_SECONDS):
            await before.ended.wait()
            return
        log.error("killed", process=self.name, reason="it did not make room")
        before.signal(signal.SIGKILL)

    async def _started(self) -> Running:
        try:
            orders, descriptors = self._orders()
            process = await trio.lowlevel.open_process(
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=descriptors,
                start_new_session=True,  # what is typed at the terminal is the supervisor's
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        except (OSError, ConfigurationError) as error:  # the machine has no room for one just now, say
            log.error("process_not_begun", process=self.name, reason=str(error))
            raise DiedAtStart(self.name, 1) from error
        assert process.stdin is not None
        assert process.stdout is not None
        running = Running(process)
        self._alive.add(running)
        self._nursery.start_soon(self._watch, running)
        if self._over.is_set():
            running.signal(signal.SIGKILL)
        with trio.move_on_after(START_SECONDS):
            try:
                await process.stdin.send_all(line_of(orders))
                said = bytearray()
                while not said.endswith(READY) and (more := await process.stdout.receive_some()):
                    said += more
            except trio.BrokenResourceError:
                said = bytearray()
            if said.endswith(READY):
                running.serves = True
                self._nursery.start_soon(self._listen, running, process.stdout)
                self._nursery.start_soon(self._ask, running)
                return running
        running.signal(signal.SIGKILL)
        await running.ended.wait()
        raise DiedAtStart(self.name, process.returncode or 1)

    async def _watch(self, running: Running) -> None:
        await running.process.wait()
        running.ended.set()
        self._alive.discard(running)

    async def _ask(self, running: Running) -> None:
        """Kill it when it does not answer any more."""
        while not running.ended.is_set():
            if running.unanswered >= MAX_UNANSWERED:
                log.error("killed", process=self.name, reason=f"no answer for {MAX_UNANSWERED * ASK_SECONDS:.0f} s")
                running.signal(signal.SIGKILL)
                return
            await running.ask()
            with trio.move_on_after(ASK_SECONDS):
                await running.ended.wait()

    async def _listen(self, running: Running, stdout: trio.abc.ReceiveStream) -> None:
        """Read what it says: a plug-in that prints would stand still once the pipe is full."""
        unread = b""
        with suppress(trio.BrokenResourceError):
            async for received in stdout:
                *lines, unread = (unread[-LONGEST_LINE:] + bytes(received)).split(b"\n")
                for line in lines:
                    if line + b"\n" == ALIVE:
                        running.unanswered = 0
                    else:
                        self._heard(line + b"\n")

    async def _keep(self) -> None:
        """When the process that is in it now dies, start another; until the place is somebody else's."""
        running = self.current
        assert running is not None
        while True:
            await running.ended.wait()
            if self._over.is_set() or self.current is not running:
                return
            lived = trio.current_time() - running.began
            log.error("process_died", process=self.name, exit=running.process.returncode, lived_s=round(lived, 1))
            self.current = None
            while self.current is None:
                delay = self._restarts.died(lived)
                self._died(delay)
                with trio.move_on_after(delay):
                    await self._over.wait()
                begun = trio.current_time()
                try:
                    async with self._starting:
                        if self._over.is_set() or self.current is not None:
                            return  # it has been replaced meanwhile
                        running = self.current = await self._started()
                except DiedAtStart as death:
                    lived = trio.current_time() - begun
                    log.error("process_died", process=self.name, exit=death.code, lived_s=round(lived, 1))
            self._changed()
            log.info("process_started_again", process=self.name)
