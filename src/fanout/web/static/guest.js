// The guest's view: the question on air, large and calm, what was said to it, and what comes next.

import { by, part, said } from "./animator.js";
import { element, texts } from "./words.js";

const NEXT = 3; // questions that are coming up

export class Guest {
  #evening;
  #place;
  #drawn = "";

  constructor(place, evening) {
    this.#place = place;
    this.#evening = evening;
  }

  draw() {
    const { onAir, sheet, drafts } = this.#evening;
    const typed = onAir ? [...drafts.values()].filter((one) => one.submission === onAir.submission) : [];
    const now = JSON.stringify([onAir, sheet.slice(0, NEXT), typed]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    const air = part(texts.on_air, "on-air", "large");
    air.setAttribute("aria-live", "polite");
    if (onAir) {
      air.append(by(onAir.name), said(onAir.text, "question"));
      for (const one of onAir.answers) air.append(said(one.text, "answer"));
      for (const one of typed) air.append(said(one.text, "answer draft"));
    } else air.append(element("p", "note", texts.nothing_on_air));
    const next = part(texts.coming_up, "next");
    const list = element("ol");
    for (const one of sheet.slice(0, NEXT)) {
      const item = element("li");
      item.append(by(one.name), said(one.text, "question"));
      list.append(item);
    }
    next.append(sheet.length ? list : element("p", "note", texts.nothing_cued));
    this.#place.replaceChildren(air, next);
  }
}
