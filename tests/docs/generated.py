"""The tables of the documentation that are made from the code: settings, limits, options of plug-ins. Written anew by

python -m tests.docs.generated
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import msgspec

from fanout.core import limits
from fanout.rehearsal.measuring import MEASURES
from fanout.server.settings import Config, RoomConfig, accepted
from tests.docs.built_in import options_table, there

DOCS = Path(__file__).parents[2] / "docs"
SINGULAR = {"rooms": "--room", "plugins": "--plugin"}
NOT_SETTABLE_BY_FLAG = {"secret", "public_keys", "protected_names", "site_name", "site_logo", "site_colour"}


def settings_table() -> str:
    """Every setting of the server: its three names, its default, and what it accepts."""
    rows = ["| setting | flag | default | what it accepts |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(Config):
        flag = "--" + field.name.replace("_", "-")
        shown = "" if field.name in NOT_SETTABLE_BY_FLAG else f"`{SINGULAR.get(field.name, flag)}`"
        default = getattr(Config(), field.name)
        written = "" if default in (None, (), {}) else f"`{str(default).lower()}`"
        rows.append(f"| `{field.name}` | {shown} | {written} | {accepted(Config, field.name)} |")
    return "\n".join(rows)


def room_settings_table() -> str:
    """Every setting of a room in the file."""
    rows = ["| setting of a room | what it accepts |", "|---|---|"]
    rows += [f"| `{name}` | {accepted(RoomConfig, name)} |" for name in RoomConfig.__struct_fields__]
    return "\n".join(rows)


def limits_table() -> str:
    """Every limit, its value, and the reason that stands beside it in the code."""
    rows = ["| limit | value | why, and what happens beyond |", "|---|---:|---|"]
    body = ast.parse(Path(limits.__file__).read_text()).body
    for statement, after in pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            name = statement.target.id  # type: ignore[union-attr]
            reason = " ".join(after.value.value.split())
            rows.append(f"| `{name}` | {getattr(limits, name):,} | {reason} |")
    return "\n".join(rows)


def measures_table() -> str:
    """Everything that an objective of a rehearsal can be set on."""
    rows = ["| measure | unit | what it is |", "|---|---|---|"]
    for name, measure in MEASURES.items():
        phases = "; also by `phase`" if measure.by_phase else ""
        rows.append(f"| `{name}` | {measure.unit} | {measure.what}{phases} |")
    return "\n".join(rows)


TABLES: dict[tuple[str, str], Callable[[], str]] = {
    ("settings.md", "settings"): settings_table,
    ("settings.md", "rooms"): room_settings_table,
    ("limits.md", "limits"): limits_table,
    ("rehearsal.md", "measures"): measures_table,
    **{("plugins/built-in.md", name): partial(options_table, name) for name in there()},
}


def place(name: str) -> re.Pattern[str]:
    """Where a table stands in its page."""
    return re.compile(rf"(?<=<!-- {name}:begin -->\n).*?(?=<!-- {name}:end -->)", re.DOTALL)


def renewed(page: str, name: str, text: str) -> str:
    """The page with its table as the code has it."""
    return place(name).sub(lambda _: TABLES[page, name]() + "\n", text)


def main() -> None:
    for page, name in TABLES:
        path = DOCS / page
        path.write_text(renewed(page, name, path.read_text()))


if __name__ == "__main__":
    main()
