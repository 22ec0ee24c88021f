// The animator's view: what is approved, the run sheet in its order, and what is on air.

import { ask, may } from "./staff.js";
import { element, filled, texts } from "./words.js";

export class Animator {
  #evening;
  #tell;
  #place;
  #drawn = "";

  constructor(place, evening, tell) {
    this.#place = place;
    this.#evening = evening;
    this.#tell = tell;
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
    } else air.append(element("p", "note", texts.nothing_on_air));
    const order = part(filled(texts.run_sheet, { count: sheet.length }), "sheet");
    const list = element("ol");
    for (const [index, one] of sheet.entries()) list.append(this.#cued(one, index));
    order.append(sheet.length ? list : element("p", "note", texts.nothing_cued));
    const rest = part(filled(texts.approved, { count: approved.length }), "approved");
    const others = element("ol");
    for (const one of approved) others.append(this.#approved(one));
    rest.append(approved.length ? others : element("p", "note", texts.nothing_approved));
    this.#place.replaceChildren(air, order, rest);
    if (had) this.#place.querySelector(`[data-focus="${CSS.escape(had)}"]`)?.focus();
  }

  #cued(one, index) {
    const { sheet } = this.#evening;
    const item = element("li", one.pinned ? "pinned" : "");
    const row = element("p", "row");
    if (may("air")) row.append(this.#button(one, "air", "main"));
    if (may("order")) {
      row.append(
        this.#button(one, "move-up", "", () => this.#move(one, sheet[index - 1]?.id), index === 0),
        this.#button(one, "move-down", "", () => this.#move(one, sheet[index + 2]?.id), index === sheet.length - 1),
        this.#button(one, one.pinned ? "unpin" : "pin"),
        this.#button(one, "skip"),
      );
    }
    item.append(by(one.name), said(one.text, "question"), row);
    return item;
  }

  #approved(one) {
    const item = element("li");
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
      this.#tell(filled(texts.failed, { why: error.message }));
    }
    await this.#evening.look();
  }
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
