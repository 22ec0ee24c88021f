"""What each role can read of an evening, by any GET and by the stream that it may follow: what is theirs, no more."""

from __future__ import annotations

import httpx
import pytest
import trio

from fanout.core.principal import Principal, Role
from fanout.core.submission import Step, Submission
from fanout.moderation.desk_room import GATHER_SECONDS
from fanout.moderation.intake import NewSubmission
from fanout.moderation.ports import Query
from tests.web.site import Site

SECRETS = {
    "sender": "visitor:8d1fabe",
    "telephone": f"phone:{'7e' * 32}",
    "waiting": "Waits for a decision?",
    "approved": "Approved and no more?",
    "original": "As it was typd?",
    "reason": "Not in this house.",
    "plug-in": "no-shouting",
    "decided by": "Mo (moderator)",
    "protected name": "Ann Moreau",
    "cued": "Comes next?",
    "draft": "What may still cha",
    "prepared": "On 1 July, by 5 %.",
    "on air": "Is on air?",
}
"""What is kept, and a text by which it is known wherever it is shown."""

PUBLIC = {"on air"}
STAGE = PUBLIC | {"cued", "draft", "prepared"}
DESK = STAGE | {"waiting", "approved", "original", "reason", "plug-in", "decided by", "protected name"}
EVERYTHING = set(SECRETS)

SEES = {
    Role.VISITOR: PUBLIC,
    Role.PUBLISHER: PUBLIC,
    Role.GATEWAY: PUBLIC,
    Role.GUEST: STAGE,
    Role.SCRIBE: STAGE,
    Role.ANIMATOR: DESK,
    Role.MODERATOR: EVERYTHING,
    Role.OPERATOR: EVERYTHING,
}
"""An operator has the internal transcript, who sent what included."""

MO = Principal(Role.MODERATOR, "Mo", frozenset({"*"}), "mo")
ZOE = Principal(Role.SCRIBE, "Zoe", frozenset({"*"}), "zoe")


@pytest.fixture
async def evening(desk: Site) -> Site:
    """One submission in each state, a draft, a prepared answer, and what plug-ins and moderators have said."""
    house = desk.house

    async def sent(text: str, *steps: Step, **more: str) -> Submission:
        person = SECRETS["telephone"] if "waiting" in more else SECRETS["sender"]
        submission = await house.intake.submit(NewSubmission("hall", text, more.pop("name", "Zoe"), person))
        for step in steps:
            taken = {"reason": SECRETS["reason"]} if step is Step.REJECT else {}
            submission = await house.desk.decide(MO, submission.id, step, **taken)
        return submission

    await sent(SECRETS["waiting"], name="Bob", waiting="yes")
    await sent(SECRETS["approved"], Step.APPROVE)
    edited = await sent(SECRETS["original"])
    await house.desk.decide(MO, edited.id, Step.APPROVE, text="As it was typed?")
    await house.desk.decide(MO, edited.id, Step.CUE)
    await sent("No?", Step.REJECT)
    await sent(SECRETS["cued"], Step.APPROVE, Step.CUE)
    aired = await sent(SECRETS["on air"], Step.APPROVE, Step.AIR)
    await house.scribe.draft(ZOE, aired.id, "a", SECRETS["draft"])
    await house.rules.set(MO, "hall", protected_names=[SECRETS["protected name"]])
    await house.prepared.save(ZOE, "hall", "wage", SECRETS["prepared"])
    await house.desk.claim(MO, edited.id)
    await trio.sleep(2 * GATHER_SECONDS)
    return desk


async def everything(client: httpx.AsyncClient, submissions: list[str], headers: dict[str, str]) -> str:
    """All that one is answered to every GET that there is, for every submission that there is."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    answers = []
    for path in (path for path, operations in paths.items() if "get" in operations):
        if path in ("/v1/ws", "/v1/rooms/{room}/events", "/v1/sms/kannel"):
            continue
        ids = submissions if "/submissions/{id}" in path else ["wage"]
        for id in ids:
            for query in ("view=public&format=json", "view=internal&format=json") if "transcript" in path else ("",):
                answer = await client.get(
                    path.format(room="hall", id=id, name="x", digest="x") + f"?{query}", headers=headers
                )
                assert answer.status_code < 500
                if "metrics" not in path and "openapi" not in path:  # they name plug-ins, to everybody, by contract
                    answers.append(answer.text)
    return "\n".join(answers)


async def test_each_role_reads_what_is_theirs_and_nothing_else(evening: Site):
    ids = [submission.id for submission in await evening.house.store.page(Query(room="hall"))]
    for role, sees in SEES.items():
        async with evening.client() as client:
            read = await everything(client, ids, {} if role is Role.VISITOR else evening.headers(role))
        assert {secret for secret, text in SECRETS.items() if text in read} == sees, role


@pytest.mark.parametrize(
    ("stream", "tells"), [("@desk/hall", DESK - {"prepared", "protected name"}), ("@stage/hall", {"draft"})]
)
async def test_each_stream_tells_what_is_for_all_who_may_follow_it(evening: Site, stream: str, tells: set[str]):
    told = str([message.data for message in evening.house.desk_engine.room(stream).recent])
    assert {secret for secret, text in SECRETS.items() if text in told} == tells
    assert "'what': 'run_sheet'" in told or stream == "@desk/hall"
