// The operator's page: what /metrics says, as plots; each room with its rules; what each plug-in costs.

import { Plot } from "./plot.js";
import { Reading } from "./prometheus.js";
import { ask, signOut } from "./staff.js";
import { element, filled, number, texts } from "./words.js";

const EVERY_MS = 2000;
const RULES_EVERY = 5; // readings: others change rules too
const WINDOW = 5; // readings over which a quantile is taken: ten seconds

const byId = (id) => document.getElementById(id);
const count = (value) => number(Math.round(value));
const rate = (value) => `${number(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))}/s`;
const seconds = (value) => {
  if (value === Infinity) return "> 10 s";
  return value < 1 ? `${number(Math.round(value * 100000) / 100)} ms` : `${number(Math.round(value * 10) / 10)} s`;
};
const span = (value) => (value < 120 ? `${number(Math.round(value))} s` : `${number(Math.round(value / 60))} min`);

const p = texts.plots;
const latency = (metric) => (now, was, past) => [now.quantile(past, metric, 0.5), now.quantile(past, metric, 0.99)];
const PLOTS = [
  [p.listeners, ["WebSocket", "SSE"], count, (now) => ["websocket", "events"].map((transport) => now.sum("fanout_listeners", { transport }))],
  [p.deliveries, [""], rate, (now, was) => [now.rate(was, "fanout_deliveries_total")]],
  [p.latency, ["p50", "p99"], seconds, latency("fanout_delivery_seconds")],
  [p.log, ["p50", "p99"], seconds, latency("fanout_log_append_seconds")],
  [p.slow, [""], count, (now) => [now.sum("fanout_slow_listeners")]],
  [p.arrivals, [texts.taken, texts.refused], rate, (now, was) => {
    const taken = now.rate(was, "fanout_handshakes_total", { result: "accepted" });
    return [taken, Math.max(0, now.rate(was, "fanout_handshakes_total") - taken)];
  }],
  [p.messages, [""], rate, (now, was) => [now.rate(was, "fanout_messages_total")]],
  [p.submissions, [""], rate, (now, was) => [now.rate(was, "fanout_submissions_total")]],
  [p.waiting, [""], count, (now) => [now.sum("fanout_submissions_now", { state: "held" })]],
  [p.oldest, [""], span, (now) => [now.sum("fanout_oldest_held_seconds")]],
].map(([title, lines, written, values]) => ({ plot: new Plot(byId("plots"), title, lines, written), values }));

const readings = []; // the last few, oldest first
let turns = 0;

async function read() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/metrics");
      const now = new Reading(await answer.text(), performance.now());
      const ready = (await fetch("/readyz")).ok;
      byId("line").textContent = ready ? texts.ready : texts.not_ready;
      byId("line").dataset.state = ready ? "live" : "waiting";
      const [past, before] = [readings[0], readings.at(-1)];
      if (before) for (const { plot, values } of PLOTS) plot.add(values(now, before, past));
      if (before) showPlugins(now, past);
      if (turns % RULES_EVERY === 0) await showRooms();
      for (const [room, listeners] of now.by("fanout_room_listeners", "room")) {
        const cell = document.querySelector(`[data-listeners="${CSS.escape(room)}"]`);
        if (cell) cell.textContent = count(listeners);
      }
      for (const [room, messages] of now.by("fanout_messages_total", "room")) {
        const cell = document.querySelector(`[data-messages="${CSS.escape(room)}"]`);
        if (cell) cell.textContent = count(messages);
      }
      readings.push(now);
      if (readings.length > WINDOW) readings.shift();
      turns += 1;
    } catch {
      byId("line").textContent = texts.lost;
      byId("line").dataset.state = "waiting";
    }
  }
  setTimeout(read, EVERY_MS);
}

function showPlugins(now, was) {
  const rows = [...now.by("fanout_hook_seconds_count", "plugin")].map(([plugin]) => {
    const row = element("tr");
    const calls = now.rate(was, "fanout_hook_seconds_count", { plugin });
    const p99 = now.quantile(was, "fanout_hook_seconds", 0.99, { plugin });
    const failures = now.sum("fanout_hook_failures_total", { plugin });
    row.append(element("th", "", plugin), element("td", "", rate(calls)), element("td", "", p99 === null ? "–" : seconds(p99)), element("td", "", count(failures)));
    row.firstElementChild.scope = "row";
    return row;
  });
  byId("plugins").hidden = !rows.length;
  byId("plugins").querySelector("tbody").replaceChildren(...rows);
}

// --- rooms and their rules -------------------------------------------------------------------------------------------

async function showRooms() {
  const { rooms } = await ask("GET", "/v1/rooms");
  for (const room of rooms) {
    const row = document.querySelector(`tr[data-room="${CSS.escape(room.name)}"]`) ?? newRow(room);
    const rules = await ask("GET", `/v1/rooms/${encodeURIComponent(room.name)}/rules`);
    for (const field of row.querySelectorAll("input, select")) {
      if (field === document.activeElement) continue;
      if (field.type === "checkbox") field.checked = rules[field.name];
      else field.value = String(rules[field.name]);
    }
  }
}

function newRow({ name, title, mode }) {
  const row = element("tr");
  row.dataset.room = name;
  const head = element("th");
  head.scope = "row";
  const link = element("a", "", title || name);
  link.href = `/rooms/${encodeURIComponent(name)}`;
  link.dir = "auto";
  head.append(link, " ", element("span", "note", mode));
  const [listeners, messages] = [element("td", "", "0"), element("td", "", "0")];
  listeners.dataset.listeners = name;
  messages.dataset.messages = name;
  row.append(head, listeners, messages);
  for (const rule of ["paused", "muted", "announce_only"]) row.append(cell(name, rule, checkbox()));
  row.append(cell(name, "slow_s", slowness()));
  byId("rooms").querySelector("tbody").append(row);
  return row;
}

function checkbox() {
  const field = element("input");
  field.type = "checkbox";
  return field;
}

function slowness() {
  const field = element("select");
  for (const value of [0, 5, 15, 30, 60, 300]) {
    const option = element("option", "", value ? filled(texts.every, { seconds: number(value) }) : texts.no_limit);
    option.value = String(value);
    field.append(option);
  }
  return field;
}

function cell(room, rule, field) {
  field.name = rule;
  field.setAttribute("aria-label", `${texts.rules[rule]}: ${room}`);
  field.addEventListener("change", async () => {
    const value = field.type === "checkbox" ? field.checked : Number(field.value);
    try {
      await ask("PATCH", `/v1/rooms/${encodeURIComponent(room)}/rules`, { [rule]: value });
      byId("told").textContent = "";
    } catch (error) {
      byId("told").textContent = filled(texts.failed, { why: error.message });
      field.blur();
      await showRooms(); // as it stands on the server
    }
  });
  const made = element("td");
  made.append(field);
  return made;
}

byId("sign-out").addEventListener("click", signOut);
read();
