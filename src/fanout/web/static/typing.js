// What is being typed, below the question that it answers: not said yet, and perhaps never. Screen readers are not told of
// it: they hear the line when it is on air.

import { element, filled, texts } from "./words.js";

export class Typing {
  #talk;
  #lines = [];
  #shown = [];

  /** `talk` is where the questions are. */
  constructor(talk) {
    this.#talk = talk;
  }

  /** This and nothing else is being typed. */
  show(lines) {
    this.#lines = lines;
    this.draw();
  }

  /** Puts it below what has come since. */
  draw() {
    for (const one of this.#shown) one.remove();
    this.#shown = this.#lines.map(typed);
    for (const [index, one] of this.#shown.entries()) this.#talk.exchange(this.#lines[index].re)?.append(one);
  }
}

function typed({ author, text }) {
  const made = element("div", "typing");
  made.setAttribute("aria-live", "off");
  const [before, after] = texts[author.name ? "typing" : "typing_somebody"].split("{name}");
  const by = element("p", "by");
  const name = element("strong", "", author.name);
  name.dir = "auto";
  by.append(before, ...(author.name ? [name, after] : []), element("span", "dots"));
  made.append(by);
  if (text) {
    const words = element("p", "text", text);
    words.dir = "auto";
    made.append(words);
  }
  return made;
}
