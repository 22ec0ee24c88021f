// What is wrong, worst first: the operator's first look. The bounds are those of the alert rules (docs/configs/alerts.yml).

import { everywhere } from "./room-rules.js";
import { byId, count, percent, seconds, span } from "./figures.js";
import { leftAlone, plugins } from "./plugin-switches.js";
import { processes } from "./processes.js";
import { element, filled, texts } from "./words.js";

const [LATE_SECONDS, WAITING_SECONDS] = [1, 300];
const [SLOW_SHARE, BUSY_SHARE, FULL_SHARE] = [0.1, 0.9, 0.9];
const MOST_ROOMS = 3; // that are named for one thing
const WINDOW_SECONDS = 10; // that rates are told for
const KNOWN = ["draining", "log_unavailable", "store_unavailable", "no_edges"]; // why a server is not ready

/** Show what is wrong by two readings and by what /readyz says. What has not changed is not touched: it is read out. */
export function showAlarms(now, past, readiness) {
  const found = [...ofReadiness(readiness), ...ofDelivery(now, past), ...ofProcesses(now, past), ...ofPeople(now, past)];
  found.sort(([one], [other]) => Number(other) - Number(one));
  const said = found.length ? found : [[null, texts.all_well]];
  const list = byId("alarms");
  if ([...list.children].map((one) => one.textContent).join("\n") === said.map(([, text]) => text).join("\n")) return;
  list.replaceChildren(...said.map(([bad, text]) => element("li", bad === null ? "good" : bad ? "bad" : "warn", text)));
}

/** Nobody answers: what was wrong before is nothing to look at now. */
export function forgetAlarms() {
  byId("alarms").replaceChildren();
}

/** The rooms that are worst, with their values: a few that are above a bound. */
function worst(rooms, bound) {
  const found = [...rooms].map(([room, value]) => [value, room]).filter(([value]) => value > bound);
  return found.sort(([one], [other]) => other - one).slice(0, MOST_ROOMS);
}

/** What a quantile certainly exceeds, if it is late; else nothing. */
function over(range) {
  return range && range[1] > LATE_SECONDS ? range[0] : 0;
}

function* ofReadiness({ code, detail, edges }) {
  if (code) yield [true, KNOWN.includes(code) ? texts.alarm[code] : filled(texts.alarm.unready, { why: detail })];
  if (edges && edges.running < edges.wanted) yield [false, filled(texts.alarm.edges, edges)];
  if (edges?.failing.length) yield [true, filled(texts.alarm.failing, { names: edges.failing.join(", ") })];
}

function* ofDelivery(now, past) {
  const late = new Map([...now.by("fanout_room_delivery_seconds_count", "room").keys()]
    .map((room) => [room, over(now.range(past, "fanout_room_delivery_seconds", 0.99, { room }))]));
  for (const [value, room] of worst(late, 0)) yield [true, filled(texts.alarm.late, { room, seconds: seconds(value) })];
  const disk = over(now.range(past, "fanout_log_append_seconds", 0.99));
  if (disk) yield [true, filled(texts.alarm.disk, { seconds: seconds(disk) })];
  const slow = now.sum("fanout_slow_listeners") / now.sum("fanout_listeners");
  if (slow > SLOW_SHARE) yield [false, filled(texts.alarm.slow, { share: percent(slow) })];
  const grown = (name, labels) => now.rate(past, name, labels) * WINDOW_SECONDS;
  const full = grown("fanout_handshakes_total", { result: "full" }) + grown("fanout_handshakes_total", { result: "address_full" });
  if (full > 0) yield [true, filled(texts.alarm.full, { count: count(full) })];
  const overtaken = grown("fanout_closes_total", { code: "4008" });
  if (overtaken > 0) yield [false, filled(texts.alarm.overtaken, { count: count(overtaken) })];
}

function* ofProcesses(now, past) {
  for (const process of processes(now)) {
    const of = { process };
    if (now.rate(past, "fanout_process_overtaken_total", of) > 0) yield [true, filled(texts.alarm.behind, of)];
    if (now.rate(past, "fanout_process_cpu_seconds_total", of) > BUSY_SHARE) yield [false, filled(texts.alarm.cpu, of)];
    const share = now.sum("fanout_process_open_fds", of) / now.sum("fanout_process_max_fds", of);
    if (share > FULL_SHARE) yield [false, filled(texts.alarm.fds, { process, share: percent(share) })];
  }
}

function* ofPeople(now) {
  for (const rule of everywhere) yield [false, texts.everywhere[rule].holds];
  for (const [plugin, { on_failure }] of plugins) {
    const stands = texts.stands[on_failure];
    if (now.sum("fanout_plugin_enabled", { plugin }) === 0) yield [false, filled(texts.alarm.off, { plugin })];
    else if (leftAlone(now, plugin)) yield [true, filled(texts.alarm.alone, { plugin, stands })];
  }
  for (const [value, room] of worst(now.by("fanout_room_oldest_held_seconds", "room"), WAITING_SECONDS)) {
    yield [false, filled(texts.alarm.waiting, { room, span: span(value) })];
  }
}
