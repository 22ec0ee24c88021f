"""What can be written and given is explained: the keys of a projection, and every flag."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import msgspec
import pytest

from fanout.cli.program import build_parser
from fanout.rehearsal.projection import Origin, Projection

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rehearsal.md").read_text()


def tables(text: str) -> str:
    """Its rows alone."""
    return "\n".join(line for line in text.splitlines() if line.startswith("| "))


def test_every_key_of_a_projection_is_there_with_its_default():
    for field in msgspec.structs.fields(Projection):
        row = re.search(rf"^\| [^|]*`{field.name}`[^|]*\|([^|]*)\|", tables(PAGE), re.MULTILINE)
        assert row is not None, field.name
        if isinstance(field.default, int | float):
            said = str(field.default).lower() if isinstance(field.default, bool) else f"{field.default:g}"
            assert row[1].strip(" `") == said, field.name
    explained = PAGE.partition("#### From where")[2].partition("####")[0]
    for name in Origin.__struct_fields__:
        assert re.search(rf"`?{name}\b", explained + PAGE.partition("origins = [")[2].partition("]\n")[0]), name


@pytest.mark.parametrize("command", ["plan", "rehearse", "record"])
def test_every_flag_is_in_a_table(command: str):
    (commands,) = (each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction))
    flags = {flag for action in commands.choices[command]._actions for flag in action.option_strings} - {"-h", "--help"}
    assert flags
    assert [flag for flag in sorted(flags) if not re.search(rf"`{flag}[` ]", tables(PAGE))] == []


def test_every_flag_of_the_locust_scenario_is_there_with_its_default():
    options = (ROOT / "loadtests" / "prime_minister_2004.py").read_text()
    options += (ROOT / "loadtests" / "evening_latencies.py").read_text()
    written = tables(PAGE.partition("## Prove")[2])
    for flag, default in re.findall(r'add_argument\(\s*"(--[a-z0-9-]+)"(?:.*?default=([^,)]+))?', options):
        row = re.search(rf"^\| `{flag}[^|]*\| ([^|]*)\|", written, re.MULTILINE)
        assert row is not None, flag
        if flag in ("--scenario", "--scale", "--compress"):
            assert row[1].strip(" `") == default.strip('"').removesuffix(".0"), flag
