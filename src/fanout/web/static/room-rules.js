// The operator's table of rooms: how each goes, its switches, and those that hold in every room.

import { confirmed } from "./confirm.js";
import { byId, count, done, rate, row, seconds, span } from "./figures.js";
import { Spark } from "./plot.js";
import { ask } from "./staff.js";
import { element, filled, language, number, texts } from "./words.js";

const STOPS = ["paused", "muted", "announce_only"];
const EVERYWHERE = "/v1/rooms/*/rules";

const sparks = new Map(); // by room: its lines

export let everywhere = []; // the stops that hold in every room, as the server last said

const rulesOf = (room) => `/v1/rooms/${encodeURIComponent(room)}/rules`;

/** What the rooms' rules are now: others change them too. */
export async function showRules() {
  const { rooms } = await ask("GET", "/v1/rooms");
  everywhere = (await ask("GET", EVERYWHERE)).everywhere;
  showEverywhere();
  for (const room of rooms) {
    const fields = row("rooms", room.name, () => cells(room)).querySelectorAll("input, select");
    const rules = await ask("GET", rulesOf(room.name));
    for (const field of fields) {
      field.disabled = everywhere.includes(field.name);
      if (field === document.activeElement) continue;
      if (field.type === "checkbox") field.checked = rules[field.name];
      else field.value = String(rules[field.name]);
    }
  }
}

/** How the rooms go: figures of the metrics. */
export function showRooms(now, past) {
  for (const one of byId("rooms").querySelectorAll("tbody tr")) {
    const room = one.dataset.key;
    const { listeners, deliveries } = sparks.get(room);
    listeners.add(now.sum("fanout_room_listeners", { room }));
    deliveries.add(past === now ? null : now.rate(past, "fanout_room_delivery_seconds_count", { room }));
    const held = now.sum("fanout_room_held", { room });
    const figures = {
      slow: count(now.sum("fanout_room_slow_listeners", { room })),
      p99: seconds(now.quantile(past, "fanout_room_delivery_seconds", 0.99, { room })),
      messages: count(now.sum("fanout_messages_total", { room })),
      held: held ? `${count(held)} · ${span(now.sum("fanout_room_oldest_held_seconds", { room }))}` : "0",
    };
    for (const [name, text] of Object.entries(figures)) one.querySelector(`[data-figure=${name}]`).textContent = text;
  }
}

function cells({ name, title, mode }) {
  const head = element("span");
  const link = element("a", "", title || name);
  link.href = `/rooms/${encodeURIComponent(name)}?lang=${language}`;
  link.dir = "auto";
  const desk = element("a", "note", texts.desk); // where one says when it begins
  desk.href = `/rooms/${encodeURIComponent(name)}/desk?lang=${language}`;
  desk.setAttribute("aria-label", `${texts.desk}: ${name}`);
  head.append(link, " ", element("span", "note", texts.modes[mode]), " ", desk);
  const lines = { listeners: new Spark(count, 1), deliveries: new Spark(rate, 1) };
  sparks.set(name, lines);
  const figures = ["slow", "p99", "messages", "held"].map((figure) => {
    const made = element("span", "", "–");
    made.dataset.figure = figure;
    return made;
  });
  return [head, lines.listeners.cell, lines.deliveries.cell, ...figures, ...STOPS.map((rule) => switched(name, rule, checkbox())), switched(name, "slow_s", slowness())];
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

function switched(room, rule, field) {
  field.name = rule;
  field.setAttribute("aria-label", `${texts.rules[rule]}: ${room}`);
  field.addEventListener("change", async () => {
    const value = field.type === "checkbox" ? field.checked : Number(field.value);
    if (await done(() => ask("PATCH", rulesOf(room), { [rule]: value }))) return;
    field.blur();
    await showRules(); // as it stands on the server
  });
  return field;
}

// --- every room at once ----------------------------------------------------------------------------------------------

for (const rule of STOPS) {
  const button = element("button");
  button.type = "button";
  button.dataset.rule = rule;
  button.addEventListener("click", async () => {
    const wanted = !everywhere.includes(rule);
    const said = texts.everywhere[rule];
    if (wanted && !(await confirmed(filled(texts.asked, { what: said.set }), said.ask, said.set))) return;
    await done(() => ask("PATCH", EVERYWHERE, { [rule]: wanted }));
    await done(showRules);
  });
  byId("everywhere").append(button);
}
showEverywhere();

function showEverywhere() {
  for (const button of byId("everywhere").querySelectorAll("button")) {
    const holds = everywhere.includes(button.dataset.rule);
    button.textContent = texts.everywhere[button.dataset.rule][holds ? "lift" : "set"];
    button.classList.toggle("holds", holds);
  }
}
