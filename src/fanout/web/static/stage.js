// The stage, for those who are on it: animator, guest and scribe, each with a view of their own.

import { Animator } from "./animator.js";
import { Evening } from "./evening.js";
import { Guest } from "./guest.js";
import { Scribe } from "./scribe.js";
import { signOut } from "./staff.js";
import { filled, texts } from "./words.js";

const { room, view } = document.body.dataset;
const byId = (id) => document.getElementById(id);
const tell = (text) => { byId("told").textContent = text; };

const evening = new Evening(room);
const place = byId("view");
const shown = {
  animator: () => new Animator(place, evening, tell),
  guest: () => new Guest(place, evening),
  scribe: () => new Scribe(place, evening, tell, room),
}[view]();

let drawing = false;
evening.addEventListener("change", () => {
  if (!drawing) requestAnimationFrame(draw);
  drawing = true;
});

function draw() {
  drawing = false;
  const { state, reason } = evening.state;
  const said = { live: texts.live, connecting: texts.connecting, ended: filled(texts.ended, { reason }) }[state] ?? texts.lost;
  if (byId("line").textContent !== said) byId("line").textContent = said;
  byId("line").dataset.state = state;
  shown.draw();
}

byId("sign-out").addEventListener("click", signOut);
draw();
