// The desk: the queue of every source, live, and the keys to decide on it.

import { Actions, failure } from "./actions.js";
import { Detail, age, found, holder } from "./detail.js";
import { Fanout } from "./fanout.js";
import { List } from "./list.js";
import { Programme } from "./programme.js";
import { Queue } from "./queue.js";
import { Said } from "./said.js";
import { ask, roomPath, signOut } from "./staff.js";
import { clock, counted, element, filled, number, texts } from "./words.js";

const ROW_REM = 4;
const TALLIES_EVERY_MS = 5000;
const EVERYTHING_NEW = "state=held&source=&search="; // how the page begins
const READING_MS = 1500; // what comes under the finger by itself can't be decided on before it can have been read

const room = document.body.dataset.room;
const byId = (id) => document.getElementById(id);
let redrawing = false;
let readAt = 0;
let everything = false; // whether all that waits is shown
let filtering = false; // another list was asked for, by hand
let [lastChosen, lastText] = [null, ""];
let behind = false; // whether the desk room had no room for everything that changed

const queue = new Queue(redraw);
const detail = new Detail();
const list = new List(byId("list"), {
  height: ROW_REM, row: drawRow, choose: () => showChosen(true), at: (index) => queue.shown[index].id, find: (id) => queue.indexOf(id),
});
const desk = {
  queue, detail, marked: new Set(), draw,
  current: () => queue.get(list.key) ?? null,
  unread: () => performance.now() < readAt,
  tell: (text) => { byId("told").textContent = text; },
  move: (steps) => list.choose(list.chosen + steps),
  goTo: (id) => { if (queue.indexOf(id) >= 0) list.choose(queue.indexOf(id)); },
};
const actions = new Actions(desk);
const programme = new Programme(desk.tell);
const said = new Said(desk.tell);

/** With the next frame: however much comes, it is drawn once. */
function redraw() {
  if (!redrawing) requestAnimationFrame(draw);
  redrawing = true;
}

function draw() {
  redrawing = false;
  list.update(queue.shown.length, queue.loading);
  const current = desk.current();
  const other = current?.id !== lastChosen || current?.text !== lastText;
  if (other && lastChosen && current && !filtering && !queue.deciding.has(lastChosen)) readAt = performance.now() + READING_MS;
  filtering &&= queue.loading;
  const marks = desk.marked.size ? ` · ${counted(texts.marked, desk.marked.size)}` : "";
  const text = found(queue.shown.length, queue.loading) + marks;
  if (byId("found").textContent !== text) byId("found").textContent = text;
  if (everything && !queue.loading) byId("waiting").textContent = number(queue.shown.length); // sooner than the next tally
  showChosen();
}

function drawRow(index, row) {
  const submission = queue.shown[index];
  const lease = holder(queue.leases.get(submission.id));
  const key = `${submission.id} ${submission.text} ${submission.state} ${lease} ${desk.marked.has(submission.id)}`;
  row.classList.toggle("chosen", submission.id === list.key);
  if (row.drawn === key) return;
  row.drawn = key;
  row.classList.toggle("marked", desk.marked.has(submission.id));
  row.classList.toggle("leased", Boolean(lease));
  const head = element("p", "by");
  const name = element("strong", "", submission.name || texts.anonymous);
  name.dir = "auto";
  head.append(name, element("span", "source", submission.source), element("span", `is ${submission.state}`, texts.states[submission.state]));
  if (submission.opinions.some((one) => one.kind !== "accept" && !one.shadow)) head.append(element("span", "opinion", "!"));
  if (lease) head.append(element("span", "lease", filled(texts.in_hand, { by: lease })));
  head.append(element("time", "", clock(submission.at)));
  const text = element("p", "text", submission.text);
  text.dir = "auto";
  row.replaceChildren(head, text);
}

function showChosen(byHand = false) {
  const submission = desk.current();
  if (byHand) readAt = 0;
  if (submission || !queue.loading) [lastChosen, lastText] = [submission?.id ?? null, submission?.text];
  detail.show(submission, submission && queue.leases.get(submission.id));
  actions.offer(submission);
}

byId("list").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const steps = {
    ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: list.perView, PageUp: -list.perView, Home: -Infinity, End: Infinity,
  }[event.key];
  if (steps === Infinity || steps === -Infinity) list.choose(steps > 0 ? queue.shown.length - 1 : 0);
  else if (steps) desk.move(steps);
  else if (event.repeat) return; // a key that is held moves, and decides once
  else if (event.key === "/") byId("filters").elements.search.focus();
  else if (event.key.toLowerCase() === "t" && said.open()) { /* the panel has the focus now */ }
  else if (event.key === "R") actions.rejectWithReason();
  else if (!actions.key(event.key)) return;
  event.preventDefault();
});

// --- filters ---------------------------------------------------------------------------------------------------------

let [typing, asked] = [null, ""];
function filter() {
  const { state, source, search } = byId("filters").elements;
  const wanted = { state: state.value, source: source.value, search: search.value.trim() };
  if (JSON.stringify(wanted) === asked) return; // a choice is both input and change
  asked = JSON.stringify(wanted);
  const written = new URLSearchParams(wanted).toString(); // after the #, so that no server's log has what is searched for
  everything = written === EVERYTHING_NEW;
  history.replaceState(null, "", location.pathname + location.search + (everything ? "" : `#${written}`));
  list.reset();
  load(wanted);
  filtering = true;
}
byId("filters").addEventListener("change", filter);
byId("filters").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(filter, 250);
});
byId("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("list").focus();
});

for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
  const field = byId("filters").elements[name];
  if (field) field.value = value;
}

function load(wanted) {
  behind = false;
  queue.load(wanted).catch((error) => desk.tell(failure(error, texts.not_reached)));
}

// --- counts ----------------------------------------------------------------------------------------------------------

let oldest = null;
async function tally() {
  if (!document.hidden) {
    try {
      const [tallies, first] = await Promise.all([
        ask("GET", roomPath("/tallies")), ask("GET", roomPath("/submissions?state=held&limit=1")),
      ]);
      byId("waiting").textContent = number(tallies.by_state.held ?? 0);
      byId("counts").title = filled(counted(texts.tally, tallies.messages), { people: counted(texts.senders, tallies.people) });
      oldest = first.submissions[0]?.at ?? null;
      if (behind && !queue.loading) load();
    } catch { /* the next time */ }
  }
  setTimeout(tally, TALLIES_EVERY_MS);
}
setInterval(() => { byId("oldest").textContent = oldest ? filled(texts.oldest, { age: age(oldest) }) : ""; }, 1000);

// --- live ------------------------------------------------------------------------------------------------------------

const live = new Fanout({ rooms: [`@desk/${room}`, room] });
live.on("message", (message) => {
  if (message.kind === "programme") programme.look();
  if (message.room !== `@desk/${room}`) return; // in the other all the staff speak, in whatever kind
  if (!queue.hear(message.data ?? {})) behind = true;
  for (const { what, id, state } of message.data?.changes ?? []) {
    if (what === "submission" && state !== "held" && state !== "approved") desk.marked.delete(id); // there is no merging it
  }
});
live.on("gap", ({ room: where }) => { if (where !== room) load(); });
live.on("presence", ({ room: where, visitors }) => {
  if (where === room) byId("people").textContent = counted(texts.people, Math.max(1, visitors));
});
live.on("state", ({ state, reason }) => {
  const said = { live: texts.live, ended: filled(texts.ended, { reason }) }[state] ?? (state === "connecting" ? texts.connecting : texts.lost);
  byId("line").textContent = said;
  byId("line").dataset.state = state;
});
let welcomed = false;
live.on("welcome", () => { // the desk room keeps nothing: what happened while the line was broken is in the queue alone
  if (asked) load();
  else filter();
  programme.look();
  if (!welcomed) tally();
  welcomed = true;
});

// --- the rest --------------------------------------------------------------------------------------------------------

byId("sign-out").addEventListener("click", signOut);
byId("list").focus();
