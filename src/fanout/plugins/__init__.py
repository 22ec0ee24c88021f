"""What authors of plug-ins import: the answers that hooks give, and what hooks are called with.

The plug-ins that fanout brings are modules of this package, and use nothing else of it that a stranger's could not.
"""

from fanout.core.message import Message, Retraction
from fanout.core.room import Mode
from fanout.core.submission import Decision, Source, State, Step, Submission
from fanout.core.verdict import Opinion, Verdict, VerdictKind, accept, hold, reject, replace
from fanout.errors import ConfigurationError
from fanout.plugins.interface import Admit, AdmitAnswer, App, Refuse, RoomView, Visitor, admit, refuse

__all__ = [
    "Admit",
    "AdmitAnswer",
    "App",
    "ConfigurationError",
    "Decision",
    "Message",
    "Mode",
    "Opinion",
    "Refuse",
    "Retraction",
    "RoomView",
    "Source",
    "State",
    "Step",
    "Submission",
    "Verdict",
    "VerdictKind",
    "Visitor",
    "accept",
    "admit",
    "hold",
    "refuse",
    "reject",
    "replace",
]
