"""The report as one HTML file: no script, nothing from elsewhere, fit to be printed and signed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fanout.rehearsal.rehearsing import Rehearsal
from fanout.rehearsal.report import content
from fanout.rehearsal.report.content import Table
from fanout.rehearsal.report.people import moderation_sentences
from fanout.rehearsal.report.plot import Axis, Line, plot

_STYLE = """
:root{color-scheme:light}body{font:15px/1.5 system-ui,sans-serif;color:#1b2733;background:#fff;max-width:60rem;
margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.1rem;
margin:2rem 0 .5rem;border-bottom:1px solid #d5dde3;padding-bottom:.2rem}.verdict{padding:1rem 1.2rem;
border-radius:.5rem;margin:1rem 0;border-left:.6rem solid}.verdict b{font-size:1.25rem;display:block}
.met{background:#e8f3e4;border-color:#3d7a28}
.missed,.unreachable{background:#fbe9e4;border-color:#b3341e}.invalid{background:#fdf3d8;border-color:#a87600}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;
padding:.3rem .6rem .3rem 0;border-bottom:1px solid #e4eaee;vertical-align:top}th{font-weight:600;color:#4a5a68}
td.ok{color:#2c6418;font-weight:600}td.bad{color:#a02812;font-weight:700}tr.bad{background:#fdf2ee}
figure{margin:1rem 0}figcaption{font-size:.9rem}.key{margin-left:1rem;padding-top:.1rem}
figure>svg{width:100%;height:auto;font:10px system-ui,sans-serif}.grid{stroke:#d5dde3;stroke-width:.5}
.value{text-anchor:end;fill:#4a5a68}.time{text-anchor:middle;fill:#4a5a68}.phase{fill:#4a5a68}
.mark{stroke:#b3341e;stroke-dasharray:3 2}
.mark-text{fill:#b3341e}.ends.ends{text-anchor:end}.limit{stroke:#3d7a28;stroke-dasharray:8 4}
.limit-text{fill:#3d7a28;
text-anchor:end}.sign td{height:2.2rem;width:33%}ul{padding-left:1.2rem}li{margin:.2rem 0}.small{font-size:.85rem;
color:#4a5a68;overflow-wrap:anywhere}pre{white-space:pre-wrap;font-size:.8rem;background:#f3f6f8;padding:.8rem;
overflow-wrap:anywhere}summary{cursor:pointer}
@media(max-width:40rem){body{margin:1rem auto}figure>svg{font-size:19px}path{vector-effect:non-scaling-stroke}
.key{display:inline-block}.judged,.judged tbody,.judged tr{display:block}.judged thead{display:none}
.judged tr{padding:.4rem 0;border-bottom:1px solid #d5dde3}.judged td{display:inline;border:0;padding:0 .5rem 0 0}
.judged td:nth-child(2){font-weight:600}.judged td:nth-child(3){display:block;color:#4a5a68;font-size:.8rem}
.judged td:nth-child(n+4){display:inline-block}
.judged td:nth-child(n+4):not(:empty)::before{content:attr(data-head) ": ";color:#4a5a68}
.across td:first-child,.across th:first-child{position:sticky;left:0;background:#fff;min-width:8rem;max-width:8rem}
.across td:nth-child(n+2){min-width:4.5rem}}
@media(min-width:40.01rem){.judged td:nth-child(n+5){white-space:nowrap}}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}figure,tr{break-inside:avoid}}
"""


def html_page(done: Rehearsal) -> str:
    """The whole page."""
    outcome, scenario = done.verdict.outcome, done.scenario
    signed = "".join(f"<th>for {who}</th>" for who in content.SIGN)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>Rehearsal: {escape(scenario.title)}: {outcome}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Rehearsal: {escape(scenario.title)}</h1><p>{escape(scenario.summary)}</p>",
        f'<p class="small">{escape(content.played_sentence(done))}</p>',
        f"<p><b>{escape(done.replay.sentence(done.schedule.compress))}</b></p>" if done.replay else "",
        _banner(done),
        "<h2>The objectives, one by one</h2>",
        _table(content.objectives_table(done), kind="judged"),
    ]
    if sentences := moderation_sentences(done):
        parts += ["<h2>The people behind the stage</h2>", _list(sentences)]
    parts += ["<h2>The evening</h2>", *_plots(done)]
    if faults := content.faults_table(done):
        parts += ["<h2>What went wrong on purpose</h2>", _table(faults)]
    parts += ["<h2>Phase by phase</h2>", _table(content.phases_table(done), kind="across")]
    parts += ["<h2>Counted</h2>", _table(content.counts_table(done))]
    parts += ["<h2>What is known, and what was assumed</h2>"]
    if scenario.facts:
        parts += [f"<p>Known ({escape(scenario.source)}):</p>", _list(scenario.facts)]
    parts += ["<p>Assumed:</p>", _list(done.assumptions)]
    parts += ["<h2>How it was measured</h2>", _list(content.HOW_IT_WAS_MEASURED)]
    parts += ["<h2>Where it ran</h2>", _table(content.machine_table(done))]
    parts += [
        f'<p class="small">{escape(content.digest_sentence(done))}</p>',
        f"<details><summary>The scenario, word for word</summary><pre>{escape(done.text)}</pre></details>",
        f'<h2>Signed</h2>{_list(content.size_sentences(done))}<table class="sign"><tr>{signed}</tr>'
        "<tr><td></td><td></td><td></td></tr></table></body></html>",
    ]
    return "\n".join(parts)


def _banner(done: Rehearsal) -> str:
    verdict = done.verdict
    met = sum(judged.met for judged in verdict.judged)
    said = [f"{met} of {len(verdict.judged)} objectives met."]
    if done.headroom is not None:
        said.append(f"Headroom: {done.headroom}")
    said += content.problem_sentences(done)
    said += [f"Not tried: {each}." for each in done.not_tried]
    size = "".join(f" <strong>{escape(each)}</strong>" for each in content.size_sentences(done))
    missed = _list(content.missed_sentences(done))
    return (
        f'<div class="verdict {verdict.outcome}"><b>{escape(content.headline(done))}</b>{size} '
        f"{escape(' '.join(said))}{missed}</div>"
    )


def _plots(done: Rehearsal) -> list[str]:
    record, schedule = done.record, done.schedule
    axis = Axis(
        max(schedule.seconds, len(record.seconds)),
        [(span.name, span.begin, span.end) for span in schedule.spans],
        record.happened,
    )
    seconds = record.seconds

    def line(label: str, values: Sequence[float | None]) -> Line:
        return Line(label, [(second.t, value) for second, value in zip(seconds, values, strict=True)])

    live = [second.live for second in seconds]
    limits = [
        judged.objective.at_most
        for judged in done.verdict.judged
        if judged.objective.measure == "delivery_p99_ms" and judged.objective.at_most is not None
    ]
    drawn = [
        plot("Listeners", "", [line("there", live), line("came so far", [s.came or None for s in seconds])], axis),
        plot("Connections", "a second", [line("made", [s.connections for s in seconds])], axis),
        plot("From intended to read", "ms", [
            line("half of the deliveries", [s.delivery_ms(0.5) for s in seconds]),
            line("99 of 100", [s.delivery_ms(0.99) for s in seconds]),
        ], axis, limit=min(limits, default=None)),
        plot("Deliveries", "a second", [line("read by listeners", [s.delivered for s in seconds])], axis),
    ]  # fmt: skip
    if schedule.totals.sms_messages:
        drawn.append(plot("SMS", "a second", [line("acknowledged", [s.sms for s in seconds])], axis))
    if schedule.totals.web_questions or schedule.totals.chat_messages:
        drawn.append(plot("Said by visitors", "a second", [line("sent", [s.said for s in seconds])], axis))
    if any(second.waiting is not None for second in seconds):
        drawn.append(
            plot("Waiting for a moderator", "", [line("in the queue", _held([s.waiting for s in seconds]))], axis)
        )
        drawn.append(plot(
            "Age of the oldest question from the web", "s of the event",
            [line("waits since", _held([s.oldest_s for s in seconds]))], axis,
        ))  # fmt: skip
    return drawn


def _held(values: Sequence[float | None]) -> list[float | None]:
    """Between two looks it is as it was at the last one."""
    last, filled = None, []
    for value in values:
        last = value if value is not None else last
        filled.append(last)
    return filled


def _list(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in sentences) + "</ul>" if sentences else ""


def _table(table: Table, *, kind: str = "") -> str:
    """`judged`: its first column says what is met; on a telephone a row is a paragraph. `across`: its first column
    stays while the others are scrolled."""
    head = "".join(f"<th>{escape(each)}</th>" for each in table.head)
    rows = []
    for row in table.rows:
        bad = kind == "judged" and row[0] != "met"
        classes = {0: f' class="{"bad" if bad else "ok"}"'} if kind == "judged" else {}
        cells = "".join(
            f'<td{classes.get(number, "")} data-head="{escape(table.head[number])}">{escape(cell)}</td>'
            if kind == "judged"
            else f"<td>{escape(cell)}</td>"
            for number, cell in enumerate(row)
        )
        rows.append(f'<tr class="bad">{cells}</tr>' if bad else f"<tr>{cells}</tr>")
    header = f"<thead><tr>{head}</tr></thead>" if any(table.head) else ""
    named = f' class="{kind}"' if kind else ""
    return f'<div class="wide" tabindex="0"><table{named}>{header}<tbody>{"".join(rows)}</tbody></table></div>'
