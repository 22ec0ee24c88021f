// The chosen submission in full, and the small forms that some actions ask something by.

import { now } from "./staff.js";
import { counted, dayAndTime, element, filled, texts } from "./words.js";

/** How long ago something was, in the largest unit. */
export function age(iso) {
  const seconds = Math.max(0, Math.round((now() - new Date(iso)) / 1000));
  const steps = [[86400, 3], [3600, 2], [60, 1], [1, 0]];
  const [size, unit] = steps.find(([size]) => seconds >= size) ?? [1, 0];
  return filled(texts.ages[unit], { n: Math.floor(seconds / size) });
}

export const inHand = new Set(); // ids that this very page has taken: two desks may be open with one name, or none

/** Who has it in hand, if not this page. */
export function holder(lease) {
  return lease && !inHand.has(lease.submission) && new Date(lease.until) > now() ? who(lease.by) : "";
}

/** Who decided, in the language of the page: `Ann (moderator)`, a role, or `the room`. */
function who(by) {
  return texts.roles[by] ?? by.replace(/\((\w+)\)$/, (whole, role) => `(${texts.roles[role] ?? role})`);
}

export class Detail {
  #place = document.getElementById("detail");
  #shown = "";
  #asking = null;

  /** Shows one; null: nothing is chosen. While something is being asked, it stays as it is. */
  show(submission, lease) {
    if (this.#asking) return;
    const drawn = JSON.stringify([submission, lease]);
    if (drawn === this.#shown) return;
    this.#shown = drawn;
    if (!submission) return this.#place.replaceChildren(element("p", "note", texts.nothing));
    const { name, source, at, state, text, original, reason, opinions, by } = submission;
    const parts = [element("p", "by"), said("p", "text", text)];
    const moment = element("time", "", dayAndTime(new Date(at)));
    moment.dateTime = at;
    parts[0].append(said("strong", "", name || texts.anonymous), element("span", "source", source), moment);
    const facts = element("dl");
    if (original) fact(facts, texts.original, original);
    fact(facts, texts.state_now, [texts.states[state], by && who(by)].filter(Boolean).join(" · "));
    if (reason) fact(facts, texts.reason_given, reason);
    for (const one of opinions) {
      const why = [one.kind, one.rule, one.reason, one.failure].filter(Boolean).join(" · ");
      fact(facts, one.plugin, why);
    }
    if (holder(lease)) parts.unshift(element("p", "lease", filled(texts.in_hand, { by: holder(lease) })));
    this.#place.replaceChildren(...parts, facts);
  }

  /** Whether something is being asked; its field has the focus then. */
  busy() {
    if (this.#asking) document.getElementById("asked").focus();
    return Boolean(this.#asking);
  }

  /** What is being asked can't be done now: said beside the field, which stays. The next key is text, not a command. */
  refuse(why) {
    if (this.#asking) this.#place.querySelector(".asks .note").textContent = why;
  }

  /** Asks for a line of text and does `act(it)`, which says why it failed, until it is null or it is left. */
  ask(act, question, text = "", { long = false, needed = false } = {}) {
    return new Promise((resolve) => {
      const form = element("form", "asks");
      const label = element("label", "", question);
      const field = element(long ? "textarea" : "input");
      label.htmlFor = field.id = "asked";
      field.defaultValue = text;
      field.dir = "auto";
      field.required = needed;
      field.maxLength = long ? 4000 : 200;
      const [yes, leave] = [element("button", "main", texts.apply), element("button", "", texts.leave)];
      leave.type = "button";
      const row = element("div", "row");
      row.append(yes, leave);
      const why = element("p", "note");
      why.role = "alert";
      form.append(label, field, why, row);
      const done = () => {
        if (this.#asking !== done) return;
        this.#asking = null;
        this.#shown = "";
        form.remove();
        resolve();
      };
      this.#asking = done;
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (yes.disabled || (needed && !field.value.trim())) return;
        field.readOnly = yes.disabled = true;
        why.textContent = "";
        const failed = await act(field.value.trim());
        field.readOnly = yes.disabled = false;
        if (failed === null) done();
        else why.textContent = failed;
      });
      form.addEventListener("keydown", (event) => {
        if (event.key === "Escape") done();
        else if (event.key === "Enter" && long && (event.ctrlKey || event.metaKey)) form.requestSubmit();
      });
      leave.addEventListener("click", () => done());
      this.#place.append(form);
      field.focus();
    });
  }
}

function fact(list, name, text) {
  list.append(element("dt", "", name), said("dd", "", text));
}

/** What somebody wrote: text, never markup, in its own direction. */
function said(name, className, text) {
  const made = element(name, className, text);
  made.dir = "auto";
  return made;
}

export const found = (count, loading) => {
  const shown = counted(texts.found, count);
  return loading ? filled(texts.loading, { found: shown }) : shown;
};
