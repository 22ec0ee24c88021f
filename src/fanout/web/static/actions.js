// What a moderator can do with the chosen submission: one key each, and a button that shows it. A decision is on the
// screen at once and comes back if the server says no.

import { confirmed } from "./confirm.js";
import { holder, inHand } from "./detail.js";
import { Refused } from "./fanout.js";
import { ask, may, roomPath } from "./staff.js";
import { clock, counted, element, filled, texts, whyRefused } from "./words.js";

const KEYS = { // action: key, what it takes to be allowed, the states in which it makes sense
  approve: ["A", "moderate", ["held", "received"]],
  reject: ["R", "moderate", ["held", "received"]],
  edit: ["E", "moderate", ["held", "approved", "cued"]],
  hold: ["H", "moderate", ["approved", "rejected", "received"]],
  mark: ["X", "moderate", ["held", "approved"]],
  merge: ["M", "moderate", ["held", "approved", "cued", "aired"]],
  ban: ["B", "ban", null],
  air: ["O", "air", ["approved", "cued"]],
  retract: ["D", "retract", ["aired", "answered"]],
  undo: ["U", "moderate", null],
};
const AFTER = { approve: "approved", reject: "rejected", hold: "held", air: "aired", retract: "rejected" };
const FINAL = new Set(["air", "retract"]); // what was heard was heard
const NO_SESSION = new Set(["token_missing", "token_refused"]);
const GONE = new Set(["nothing_to_undo", "not_your_step", "merge_into_closed", "ban_not_found"]); // there is nothing left to take back

/** Why something was not done, for people. */
export function failure(error, unreachable = texts.unreachable) {
  return error instanceof Refused ? filled(texts.failed, { why: whyRefused(error) }) : unreachable;
}

/** The same where something has been typed, which is kept. */
function typedFailure(error) {
  return NO_SESSION.has(error.code) ? texts.session_over : failure(error, texts.unreachable_typed);
}

export class Actions {
  #desk;
  #last = []; // how what was done here is taken back: a function, or an action that can't be

  /** `desk` has the queue, the detail, the marked ids, `current()`, `draw()`, and `tell(text)`. */
  constructor(desk) {
    this.#desk = desk;
    const place = document.getElementById("keys");
    for (const [action, [key, needed]] of Object.entries(KEYS)) {
      if (!may(needed)) continue;
      const button = element("button", "", texts.keys[action]);
      button.type = "button";
      button.dataset.action = action;
      button.prepend(element("kbd", "", key), " ");
      button.addEventListener("click", () => this.do(action));
      place.append(button);
    }
  }

  /** Whether a key means something here; if so, it is done. */
  key(key) {
    const action = Object.keys(KEYS).find((name) => KEYS[name][0] === key.toUpperCase());
    if (!action || !may(KEYS[action][1])) return false;
    this.do(action);
    return true;
  }

  /** Which buttons make sense for this one. */
  offer(submission) {
    for (const button of document.querySelectorAll("#keys button")) {
      button.disabled = !this.#sensible(button.dataset.action, submission);
    }
  }

  #sensible(action, submission) {
    if (action === "undo") return this.#last.length > 0;
    const states = KEYS[action][2];
    return Boolean(submission) && (states === null || states.includes(submission.state));
  }

  /** Whether somebody else has it in hand, or has just put it, or other words, under the finger; says so. */
  #notNow(action) {
    if (action === "undo" || action === "mark") return false;
    const lease = this.#desk.queue.leases.get(this.#desk.current().id);
    const by = KEYS[action][1] === "moderate" ? holder(lease) : ""; // on air nobody waits for a moderator
    if (by) this.#desk.tell(filled(texts.in_hand_until, { by, until: clock(lease.until) }));
    else if (this.#desk.unread()) this.#desk.tell(texts.read_first);
    else return false;
    return true;
  }

  async do(action) {
    const submission = this.#desk.current();
    if (this.#desk.detail.busy() || !this.#sensible(action, submission) || this.#notNow(action)) return;
    try {
      await this[`_${action}`](submission);
    } catch (error) {
      this.#desk.tell(failure(error));
    }
    this.#desk.draw();
  }

  _approve(submission) { return this.#decide(submission, "approve"); }
  _hold(submission) { return this.#decide(submission, "hold"); }
  _air(submission) { return this.#decide(submission, "air"); }
  _retract(submission) { return this.#decide(submission, "retract"); }
  _reject(submission) { return this.#decide(submission, "reject"); }

  _edit(submission) {
    const act = (text) => this.#decide(submission, "edit", { text });
    return this.#asked(submission, act, texts.new_text, submission.text, { long: true, needed: true });
  }

  async _mark({ id }) {
    const { marked } = this.#desk;
    if (!marked.delete(id)) marked.add(id);
    this.#desk.move(1);
  }

  async _merge(submission) {
    const marked = [...this.#desk.marked].filter((id) => id !== submission.id);
    if (!marked.length) return this.#desk.tell(texts.nothing_marked);
    const unseen = marked.filter((id) => this.#desk.queue.indexOf(id) < 0).length;
    if (unseen && !(await confirmed(texts.keys.merge, counted(texts.unseen, unseen), texts.keys.merge))) return;
    const { submissions } = await ask("POST", `/v1/submissions/${submission.id}/merged`, { submissions: marked });
    this.#last.push(async () => {
      while (marked.length) {
        await this.#takeBack(marked.at(-1));
        marked.pop();
      }
    });
    this.#desk.marked.clear();
    for (const one of submissions) this.#desk.queue.take(one);
    this.#desk.tell(texts.done.merge);
  }

  async _ban(submission) {
    if (submission.person === "") return this.#desk.tell(texts.no_person);
    const act = async (reason) => {
      const { person } = await ask("GET", `/v1/submissions/${submission.id}`); // no stream tells who it is
      if (!person) throw new Refused("no_person", texts.no_person);
      const { id } = await ask("POST", roomPath("/bans"), { target: person, reason });
      this.#last.push(() => ask("DELETE", `/v1/bans/${id}`));
      this.#desk.tell(texts.done.ban);
    };
    await this.#asked(submission, act, texts.ban_reason, "", { needed: true });
  }

  async _undo() {
    const last = this.#last.at(-1);
    if (typeof last === "string") return this.#desk.tell(texts.no_undo[last]);
    this.#last.pop();
    try {
      await last();
    } catch (error) {
      if (!GONE.has(error.code)) this.#last.push(last); // so that the next U means this one too
      throw error;
    }
    this.#desk.tell(texts.done.undo);
  }

  async #takeBack(id) {
    const { queue } = this.#desk;
    queue.deciding.add(id);
    try {
      queue.take(await ask("POST", `/v1/submissions/${id}/decisions`, { action: "undo" }));
      this.#desk.draw();
    } finally {
      queue.deciding.delete(id);
    }
    this.#desk.goTo(id);
  }

  /** Rejects with a reason of one's own: Shift+R. */
  async rejectWithReason() {
    const submission = this.#desk.current();
    if (this.#desk.detail.busy() || !may("moderate") || !this.#sensible("reject", submission) || this.#notNow("reject")) return;
    await this.#asked(submission, (reason) => this.#decide(submission, "reject", { reason }), texts.reason);
    this.#desk.draw();
  }

  /** Asks, at once: who types has the focus in the field before the next key. Meanwhile it is taken in hand, so that nobody
   *  else decides on it. What was typed stays until `act` has succeeded with it. */
  async #asked(submission, act, ...question) {
    const lease = `/v1/submissions/${submission.id}/lease`;
    const { detail } = this.#desk;
    inHand.add(submission.id);
    const taken = ask("POST", lease, {}).catch((error) => detail.refuse(typedFailure(error)));
    const tried = async (text) => {
      try {
        await act(text);
        return null;
      } catch (error) {
        this.#desk.draw();
        this.#desk.goTo(submission.id);
        return typedFailure(error);
      }
    };
    await detail.ask(tried, ...question);
    taken.then(() => ask("DELETE", lease)).then(() => this.#desk.queue.leases.delete(submission.id), () => {}) // it ends by itself
      .finally(() => inHand.delete(submission.id));
    document.getElementById("list").focus();
  }

  async #decide(submission, action, more = {}) {
    const expected = { ...submission, ...more, state: AFTER[action] ?? submission.state };
    const { queue } = this.#desk;
    queue.deciding.add(submission.id);
    queue.take(expected);
    this.#desk.draw();
    try {
      const decided = await ask("POST", `/v1/submissions/${submission.id}/decisions`, { action, ...more });
      queue.take(decided);
      this.#last.push(FINAL.has(action) || decided.state === "aired" ? action : () => this.#takeBack(submission.id));
      this.#desk.tell(texts.done[action === "approve" && decided.state === "aired" ? "air" : action]); // a room may air at once
    } catch (error) {
      queue.take(submission);
      if (error instanceof Refused && error.code === "already_decided") {
        queue.take(await ask("GET", `/v1/submissions/${submission.id}`));
      }
      throw error;
    } finally {
      queue.deciding.delete(submission.id);
    }
  }
}
