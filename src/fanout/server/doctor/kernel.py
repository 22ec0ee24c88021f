"""What kernel and Python offer: io_uring or a loop of `send()`."""

from __future__ import annotations

from dataclasses import dataclass

from fanout.server.doctor.finding import Finding, judged


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """What the server runs on.

    Args:
        release: As `uname -r` says.
        python: Its version and implementation.
        uring: None when it can be used, else why not.
        uring_disabled: kernel.io_uring_disabled: 0 for all, 1 for some, 2 for nobody.
    """

    release: str
    python: str
    uring: str | None
    uring_disabled: int


def check_kernel(facts: KernelFacts) -> Finding:
    """Whether the faster sender can be used; everything works without it."""
    warn = []
    if facts.uring is not None:
        warn.append(
            "sysctl -w kernel.io_uring_disabled=0"
            if facts.uring_disabled
            else "allow io_uring_setup and io_uring_enter in the sandbox (seccomp), or a kernel from 5.6 on"
        )
    return judged(
        "kernel",
        f"Linux {facts.release}, {facts.python}, io_uring " + (f"refused ({facts.uring})" if facts.uring else "works"),
        "io_uring where it can be had",
        "It sends to hundreds of listeners in one system call; without it a loop of send() does the same, for about a "
        "sixth more CPU.",
        warn=warn,
    )
