// The animator's view: what is approved, the run sheet in its order, and what is on air. With the focus on a question, a
// key does what its button does; elsewhere keys mean nothing, so that nobody airs by accident (WCAG 2.1.4).

import { ask, may } from "./staff.js";
import { element, filled, language, texts, whyRefused } from "./words.js";

const KEYS = { C: ["cue"], O: ["air"], U: ["move-up"], D: ["move-down"], L: ["move-last"], P: ["pin", "unpin"], S: ["skip"] };
const LEAVES = new Set(["cue", "air", "skip"]); // its list: then it is the turn of the one below
const STEPS = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, Home: -Infinity, End: Infinity };

export class Animator {
  #evening;
  #tell;
  #place;
  #drawn = "";
  #goTo = null; // what gets the focus with the next drawing

  constructor(place, evening, tell) {
    this.#place = place;
    this.#evening = evening;
    this.#tell = tell;
    place.addEventListener("keydown", (event) => this.#key(event));
  }

  draw() {
    const { onAir, sheet, approved } = this.#evening;
    const now = JSON.stringify([onAir, sheet, approved]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    const had = document.activeElement?.closest("#view") ? document.activeElement.dataset.focus : null;
    const air = part(texts.on_air, "on-air");
    if (onAir) {
      air.append(by(onAir.name), said(onAir.text, "question"));
      for (const one of onAir.answers) air.append(said(one.text, "answer"));
      if (may("answer") && onAir.submission) air.append(toScribe());
    } else air.append(element("p", "note", texts.nothing_on_air));
    const order = part(filled(texts.run_sheet, { count: sheet.length }), "sheet");
    const list = element("ol");
    for (const [index, one] of sheet.entries()) list.append(this.#cued(one, index));
    order.append(sheet.length ? list : element("p", "note", texts.nothing_cued));
    const rest = part(filled(texts.approved, { count: approved.length }), "approved");
    const others = element("ol");
    for (const [index, one] of approved.entries()) others.append(this.#approved(one, index));
    rest.append(approved.length ? others : element("p", "note", texts.nothing_approved));
    this.#place.replaceChildren(air, order, rest, legend());
    if (had) (this.#at(this.#goTo ?? had) ?? this.#at(had) ?? this.#place.querySelector("li") ?? air.querySelector("a") ?? heading(air)).focus();
    this.#goTo = null;
  }

  #at(focus) {
    return this.#place.querySelector(`[data-focus="${CSS.escape(focus)}"]`);
  }

  #key(event) {
    const item = event.target.closest("li");
    if (!item || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const items = [...this.#place.querySelectorAll("li")];
    const here = items.indexOf(item);
    const step = STEPS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (step) items[Math.max(0, Math.min(here + step, items.length - 1))].focus();
    else {
      const wanted = KEYS[event.key.toUpperCase()] ?? [];
      const button = [...item.querySelectorAll("button")].find((one) => wanted.includes(one.dataset.action));
      if (!button || button.disabled) return;
      item.focus();
      if (LEAVES.has(button.dataset.action)) this.#goTo = (item.nextElementSibling ?? item.previousElementSibling)?.dataset.focus ?? null;
      button.click();
    }
    event.preventDefault();
  }

  #item(one, index) {
    const item = element("li", one.pinned ? "pinned" : "");
    item.tabIndex = index ? -1 : 0; // Tab reaches a list, arrows what is in it
    item.dataset.focus = one.id;
    item.setAttribute("aria-describedby", "keys");
    return item;
  }

  #cued(one, index) {
    const { sheet } = this.#evening;
    const item = this.#item(one, index);
    const row = element("p", "row");
    if (may("air")) row.append(this.#button(one, "air", "main"));
    if (may("order")) {
      row.append(
        this.#button(one, "move-up", "", () => this.#move(one, sheet[index - 1]?.id), index === 0),
        this.#button(one, "move-down", "", () => this.#move(one, sheet[index + 2]?.id), index === sheet.length - 1),
        this.#button(one, "move-last", "", () => this.#move(one), index === sheet.length - 1),
        this.#button(one, one.pinned ? "unpin" : "pin"),
        this.#button(one, "skip"),
      );
    }
    item.append(by(one.name), said(one.text, "question"), row);
    return item;
  }

  #approved(one, index) {
    const item = this.#item(one, index);
    const row = element("p", "row");
    if (may("order")) row.append(this.#button(one, "cue", "main"));
    if (may("air")) row.append(this.#button(one, "air"));
    item.append(by(one.name), said(one.text, "question"), row);
    return item;
  }

  #button(one, action, className = "", act = () => this.#decide(one, action), disabled = false) {
    const button = element("button", className, texts.actions[action]);
    button.type = "button";
    button.disabled = disabled;
    button.dataset.action = action;
    button.dataset.focus = `${one.id} ${action}`;
    button.setAttribute("aria-label", `${texts.actions[action]}: ${one.text.slice(0, 80)}`);
    button.addEventListener("click", act);
    return button;
  }

  /** Before another one of the run sheet, or at its end. */
  #move(one, aheadOf) {
    return this.#decide(one, "move", aheadOf ? { ahead_of: aheadOf } : {});
  }

  async #decide({ id }, action, more = {}) {
    try {
      await ask("POST", `/v1/submissions/${id}/decisions`, { action, ...more });
      this.#tell("");
    } catch (error) {
      this.#tell(filled(texts.failed, { why: whyRefused(error) }));
    }
    await this.#evening.look();
  }
}

/** Where the focus goes when there is nothing else. */
function heading(section) {
  const title = section.querySelector("h2");
  title.tabIndex = -1;
  return title;
}

/** For who is animator and scribe at once. */
function toScribe() {
  const link = element("a", "", texts.type_answer);
  link.href = `?view=scribe&lang=${language}`;
  return link;
}

/** The keys, for whoever has some. */
function legend() {
  const made = element("p", "keys note");
  made.id = "keys";
  const known = [[["J", "K"], texts.keys_choose], ...Object.entries(KEYS).map(([key, [action]]) => [[key], texts.actions[action]])];
  for (const [keys, does] of known) {
    const one = element("span");
    one.append(...keys.map((key) => element("kbd", "", key)), ` ${does}`);
    made.append(one, " ");
  }
  return made;
}

export function part(title, name, more = "") {
  const section = element("section", `card ${name} ${more}`.trim());
  const heading = element("h2", "", title);
  heading.id = `title-${name}`;
  section.setAttribute("aria-labelledby", heading.id);
  section.append(heading);
  return section;
}

export function by(name) {
  const made = element("p", "by");
  const strong = element("strong", "", name || texts.anonymous);
  strong.dir = "auto";
  made.append(strong);
  return made;
}

export function said(text, kind) {
  const made = element("p", `text ${kind}`, text);
  made.dir = "auto";
  return made;
}
