"""RFC 6455 by the public Autobahn cases, sections 1 to 7 and 10, against the echo that runs through the edge's own
framing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import kosoku
import pytest

SECTIONS = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
CASES = 247


def _echo(*before: str) -> Iterator[str]:
    """An echo in a process of its own: its URL."""
    command = ["-m", "fanout.testing.echo"] if not before else ["-c", *before]
    with subprocess.Popen([sys.executable, *command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    yield from _echo()


BREAKINGS = {
    "a length is off by one": "frames._head = lambda first, size, head=frames._head: head(first, size + (size == 125))",
    "masks are taken off shifted": "frames.masked = lambda data, mask, by=frames.masked: by(data, mask[1:] + mask[:1])",
    "pings are not answered": "echo.pong_frame = lambda payload: b''",
}


@pytest.mark.timeout(60)
def test_every_case_passes(echo: str) -> None:
    """Strict: not one case less than there are, and not one failure."""
    results = asyncio.run(_run(echo, SECTIONS))
    assert len(results) == CASES


@pytest.mark.parametrize(
    ("breaking", "cases"), list(zip(BREAKINGS, (["1.1.*"], ["1.1.2"], ["2.2"]), strict=True)), ids=BREAKINGS
)
def test_the_cases_notice_when(breaking: str, cases: list[str]) -> None:
    """What is judged here is the judge."""
    program = textwrap.dedent(f"""
        import fanout.wire.frames as frames
        {BREAKINGS[breaking] if "frames." in BREAKINGS[breaking] else "pass"}
        import fanout.testing.echo as echo
        {BREAKINGS[breaking] if "echo." in BREAKINGS[breaking] else "pass"}
        echo.main()
    """)
    for url in _echo(program):
        with pytest.raises(kosoku.FailureError) as failed:
            asyncio.run(_run(url, cases))
        assert failed.value.results


async def _run(url: str, cases: list[str]) -> list[object]:
    return await kosoku.run_fuzzingclient(url, cases, concurrency=8)
