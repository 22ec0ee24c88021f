// The visitor's page of one room, live: it goes on from what the server has written.

import { Chat } from "./chat.js";
import { Fanout } from "./fanout.js";
import { Announcer, Pace } from "./pace.js";
import { Identity, Mine, submits } from "./part.js";
import { Slate } from "./slate.js";
import { Talk } from "./talk.js";
import { Typing } from "./typing.js";
import { counted, filled, texts } from "./words.js";

const page = document.body.dataset;
const byId = (id) => document.getElementById(id);
const [state, people, behind] = [byId("state"), byId("people"), byId("behind")];

const rooms = { [page.room]: page.position };
if (page.chatPosition) rooms[page.chat] = page.chatPosition;
const live = new Fanout({ rooms });

const slate = new Slate(phaseChanged);
const announcer = new Announcer(byId("announcer"));
const chat = byId("chat") ? new Chat(byId("chat")) : null;
const talk = byId("talk") ? new Talk(byId("talk")) : null;
const typing = talk ? new Typing(talk) : null;
const pace = new Pace(show, drawn);
const mine = new Mine();
let unseen = 0; // what came above while the reader was further down
let missed = false;

function show(entry) {
  const above = byId("talk").getBoundingClientRect().top;
  talk.add(entry);
  typing.draw();
  byId("empty").hidden = true;
  document.querySelector(".more").hidden = false;
  if (above < 0) unseen += 1;
  if (entry.type === "message" && entry.text) announcer.say([texts.kinds[entry.kind], entry.author.name, entry.text].filter(Boolean).join(", "));
}

function drawn(waiting) {
  const count = waiting + unseen;
  behind.hidden = !count;
  if (count) behind.firstElementChild.textContent = counted(texts.jump, count);
}

behind.firstElementChild.addEventListener("click", () => {
  pace.flush();
  unseen = 0;
  drawn(0);
  scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
});

addEventListener("scroll", () => {
  if (unseen && byId("talk").getBoundingClientRect().top >= 0) {
    unseen = 0;
    drawn(0);
  }
}, { passive: true });

function hear(entry) {
  if (entry.kind === "programme") {
    if (!entry.retracted && entry.room === page.room) slate.programme(entry.data ?? {});
  } else if (entry.room === chat?.room) chat.add(entry);
  else if (talk && (entry.type === "gap" || entry.text || entry.retracted)) pace.add(entry);
}

live.on("message", hear);
live.on("gap", hear);
live.on("retraction", ({ room, target }) => {
  if (room === chat?.room) return chat.takeBack(target);
  announcer.forget();
  pace.takeBack(target);
  talk?.takeBack(target);
});
live.on("typing", ({ room, lines }) => {
  if (room === page.room) typing?.show(lines);
});
live.on("presence", ({ room, visitors }) => {
  if (room === page.room) people.textContent = counted(texts.people, Math.max(1, visitors));
});
live.on("submission", (said) => mine.tell(said));
live.on("error", ({ code, room, ref }) => {
  if (code !== "banned" || ref) return; // what was handed in and not taken is told where it was written
  if (room === chat?.room) chat.close(texts.banned_chat);
});
live.on("notice", (said) => slate.notice(said));
live.on("state", (now) => {
  slate.line(now);
  if (now.state === "live") {
    if (missed) pace.catchUp();
    missed = false;
  } else if (now.state === "waiting") missed = true;
  tell(now);
});

function tell(now) {
  const said = { connecting: missed ? texts.waiting : texts.connecting, live: texts.live, waiting: texts.waiting }[now.state];
  const ended = now.code === 4003 ? texts.banned : filled(texts.ended, { reason: now.reason ?? "" });
  state.dataset.state = now.state === "connecting" && missed ? "waiting" : now.state;
  state.dataset.phase = slate.phase;
  document.body.classList.toggle("out", ended === texts.banned);
  const text = said ?? ended;
  if (state.textContent !== text) state.textContent = text;
}

function phaseChanged(phase) {
  const more = document.querySelector(".more");
  if (phase === "after") byId("slate").after(more); // it is what one looks for then
  else document.querySelector(".stage").append(more);
  document.body.dataset.phase = phase; // what there is to take part in is hidden by it while it is over
  tell(live.state);
}

if (page.takes) {
  const identity = new Identity(live);
  identity.open(() => {
    chat?.open(live, identity);
    if (byId("ask")) byId("ask").hidden = false;
  });
  if (byId("question")) {
    submits(byId("question"), byId("question-text"), live, page.room, identity, (said) => mine.tell(said));
    if (page.name) mine.load(page.room);
  }
}
tell(live.state);
