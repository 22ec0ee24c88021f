"""What authors of plug-ins import: the verdicts that a filter gives, and what hooks are called with.

The plug-ins that fanout brings are modules of this package, and use nothing else of it that a stranger's could not.
"""

from fanout.core.submission import Decision, Source, State, Step, Submission
from fanout.core.verdict import Verdict, VerdictKind, accept, hold, reject, replace

__all__ = [
    "Decision",
    "Source",
    "State",
    "Step",
    "Submission",
    "Verdict",
    "VerdictKind",
    "accept",
    "hold",
    "reject",
    "replace",
]
