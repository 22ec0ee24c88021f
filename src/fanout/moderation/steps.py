"""What each step takes: which action a role must be allowed, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from fanout.core.principal import Action
from fanout.core.submission import Step

STEP_NEEDS: Final[Mapping[Step, Action | None]] = MappingProxyType(
    {
        Step.HOLD: Action.MODERATE,
        Step.APPROVE: Action.MODERATE,
        Step.REJECT: Action.MODERATE,
        Step.EDIT: Action.MODERATE,
        Step.WITHDRAW: None,
        Step.MERGE: Action.MODERATE,
        Step.UNMERGE: Action.MODERATE,
        Step.CUE: Action.ORDER,
        Step.MOVE: Action.ORDER,
        Step.PIN: Action.ORDER,
        Step.UNPIN: Action.ORDER,
        Step.SKIP: Action.ORDER,
        Step.AIR: Action.AIR,
        Step.ANSWER: Action.ANSWER,
        Step.RETRACT: Action.RETRACT,
        Step.UNDO: Action.MODERATE,
    }
)
"""None: nobody's but the author's. What each role may do is in `fanout.core.principal.MAY`."""

KEPT_APART: Final = frozenset(step for step, need in STEP_NEEDS.items() if need is Action.MODERATE)
"""Steps that a lease keeps from everybody else: those of moderators, of whom one decides. What they have approved is
the animator's, who never waits for them on air; `hold` takes it back at once."""

WORKING: Final = frozenset({Step.EDIT, Step.MOVE, Step.PIN, Step.UNPIN})
"""Steps that leave a submission in the hands of whoever has it."""

TAKES: Final[Mapping[Step, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(Step, frozenset()),
        Step.APPROVE: frozenset({"text"}),
        Step.REJECT: frozenset({"reason"}),
        Step.EDIT: frozenset({"text"}),
        Step.MERGE: frozenset({"into"}),
        Step.CUE: frozenset({"ahead_of"}),
        Step.MOVE: frozenset({"ahead_of"}),
        Step.ANSWER: frozenset({"text", "prepared"}),
        Step.RETRACT: frozenset({"reason"}),
    }
)
"""What whoever takes a step may say with it; anything else is refused. What becomes of it in a decision is in
`fanout.core.submission.PARTS`."""
