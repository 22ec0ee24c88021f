// Requests of the pages for staff. They go with the session's cookie and with a header that no other site can send.

import { Refused } from "./fanout.js";
import { forget, unsent } from "./kept.js";
import { counted, texts } from "./words.js";

export const SESSION = { "Fanout-Session": "cookie" };
const SAME_MS = 2000; // clocks that are no further apart are the same: a server tells the time to the second

let ahead = 0; // by how much the clock here is

/** The time by the server's clock, in milliseconds: what it says of times can be held against no other. */
export const now = () => Date.now() - ahead;

function compare(date) {
  const apart = Date.now() - Date.parse(date);
  ahead = Math.abs(apart) > SAME_MS ? apart : 0; // also where no date was told
}

/** One call of the API; what it answers. Raises `Refused`, or a `TypeError` when nobody answers. */
export async function ask(method, path, body) {
  const headers = { ...SESSION };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  compare(answer.headers.get("Date"));
  if (answer.ok) return answer.json();
  const typed = document.querySelector(".asks"); // it would be lost
  if (answer.status === 401 && path !== "/v1/session" && !typed) location.reload(); // the session has ended: who is it?
  throw await refusal(answer);
}

/** What an answer that is a problem says. */
export async function refusal(answer) {
  const { code, detail } = await answer.json();
  return new Refused(code, detail);
}

export const roomPath = (rest = "") => `/v1/rooms/${encodeURIComponent(document.body.dataset.room)}${rest}`;

/** Whether the role of whoever is signed in may do this here. The server asks again. */
export const may = (action) => document.body.dataset.may.split(" ").includes(action);

/** What is not on air yet goes too, so that whoever comes next does not find it; but not without a word. */
export async function signOut() {
  if (unsent() && !confirm(counted(texts.unsent, unsent()))) return;
  await ask("DELETE", "/v1/session");
  forget();
  location.reload();
}

/** From here on whoever the token says. */
export async function signIn(token) {
  await ask("POST", "/v1/session", { token });
  location.reload();
  await new Promise(() => {}); // this page does nothing more in the name of whoever was here
}

export const whyNotIn = (error) => error instanceof Refused ? texts.token_refused : texts.unanswered;

/** With the token after # in the link, a part that the browser keeps to itself; whoever is signed in here already. */
async function byLink() {
  const linked = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!linked) return;
  history.replaceState(null, "", location.pathname + location.search); // out of sight, and out of the history
  try {
    await signIn(linked);
  } catch (error) {
    document.querySelector(".refusal, #told").textContent = whyNotIn(error);
  }
}

addEventListener("hashchange", byLink);
await byLink(); // before the page that asks for this does anything
