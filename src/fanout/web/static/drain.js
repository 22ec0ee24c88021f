// What an operator does to the whole server: drain it, and replace the processes that carry listeners.

import { confirmed } from "./confirm.js";
import { byId, count, done } from "./figures.js";
import { ask, may, refusal, SESSION } from "./staff.js";
import { clock, filled, texts } from "./words.js";

const NEWS_MS = 60000; // how long it is news that edges are replaced, or that the server is back

let draining = false; // by us, and not over
let ended = false; // as far as we have seen

/** How the server's leaving stands, in place of whether it answers; null: it is not leaving. */
export const leaving = () => (draining || ended ? byId("drained").textContent : null);

/** It answers, or does not. */
export function answers(yes) {
  if (!yes || draining || !ended) return;
  ended = false;
  news(filled(texts.back, { at: now() }));
}

/** Offer what may be done here. `edges`: whether listeners have processes of their own. */
export function offer(listeners, edges) {
  if (!may("operate")) return;
  byId("drain").dataset.listeners = listeners;
  byId("drain").disabled = draining || ended;
  byId("replace").hidden = !edges;
}

const now = () => clock(new Date().toISOString());
const say = (text) => { byId("drained").textContent = text; };

function news(text) {
  say(text);
  setTimeout(() => { if (byId("drained").textContent === text) say(""); }, NEWS_MS);
}

async function drain() {
  const { title, text, yes } = texts.ask_drain;
  let left = Number(byId("drain").dataset.listeners);
  if (draining || !(await confirmed(title, filled(text, { listeners: count(left) }), yes, true))) return;
  await done(async () => {
    const answer = await fetch("/v1/drain", { method: "POST", headers: SESSION });
    if (!answer.ok) throw await refusal(answer);
    draining = true;
    byId("drained").scrollIntoView();
    byId("drain").disabled = true;
    let [most, state] = [null, ""];
    try {
      for await (const line of lines(answer.body)) {
        ({ state, listeners: left } = JSON.parse(line));
        most ??= left;
        say(filled(texts.draining, { listeners: count(left) }));
      }
    } catch {
      // it broke off: said below
    }
    const said = state === "drained" ? texts.drained : texts.drain_broken;
    say(filled(said, { listeners: count(state === "drained" ? most : left), at: now() }));
    [draining, ended] = [false, true];
  });
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  for (;;) {
    const { value, done: over } = await reader.read();
    if (over) return;
    const whole = (unread + value).split("\n");
    unread = whole.pop();
    yield* whole;
  }
}

async function replace() {
  const { title, text, yes } = texts.ask_replace;
  if (!(await confirmed(title, text, yes))) return;
  if (await done(() => ask("POST", "/v1/edges/replacement"))) news(texts.replacing);
}

byId("drain")?.addEventListener("click", drain);
byId("replace")?.addEventListener("click", replace);
