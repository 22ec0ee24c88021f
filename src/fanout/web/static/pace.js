// How fast a reader gets what comes: at once, once a frame at most; one after the other after a break, so that there is
// time to read; and to a screen reader in sentences with pauses between them.

import { counted, texts } from "./words.js";

const CATCH_UP_EVERY_MS = 1200; // between two messages that were missed, but
const CATCH_UP_WITHIN_MS = 20000; // all of them within this
const GATHER_MS = 500; // what was missed does not come in one piece: so long it is only collected
const FEW = 3; // missed messages that are shown at once
const SPOKEN_EVERY_MS = 5000; // a sentence or two are read in this
const SPOKEN_AT_ONCE = 2; // messages that are read out whole; of more, only how many they are
const SPOKEN_CHARACTERS = 300;

export class Pace {
  #show;
  #told;
  #queue = [];
  #timer = null;
  #catchingUp = false;
  #gathering = 0; // until when (performance.now)

  /** `show(entry)` puts one on the page; `told(waiting)` hears how many are yet to be shown. */
  constructor(show, told) {
    this.#show = show;
    this.#told = told;
  }

  /** What comes now was missed. */
  catchUp() {
    this.#catchingUp = true;
    this.#gathering = performance.now() + GATHER_MS;
  }

  add(entry) {
    this.#queue.push(entry);
    this.#timer ??= document.hidden ? setTimeout(this.#next, 1000) : requestAnimationFrame(this.#next);
  }

  /** Takes something back that is not shown yet. */
  takeBack(id) {
    for (const entry of this.#queue) if (entry.id === id) Object.assign(entry, { text: "", author: {}, retracted: true });
  }

  /** Everything now. */
  flush() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#timer);
    this.#timer = null;
    this.#catchingUp = false;
    for (const entry of this.#queue.splice(0)) this.#show(entry);
    this.#told(0);
  }

  #next = () => {
    const wait = this.#catchingUp ? this.#gathering - performance.now() : 0;
    if (wait > 0 && this.#queue.length <= FEW) {
      this.#timer = setTimeout(this.#next, wait);
      return;
    }
    if (!this.#catchingUp || this.#queue.length <= FEW) return this.flush();
    this.#show(this.#queue.shift());
    this.#told(this.#queue.length);
    this.#timer = setTimeout(this.#next, Math.min(CATCH_UP_EVERY_MS, CATCH_UP_WITHIN_MS / this.#queue.length));
  };
}

export class Announcer {
  #element;
  #waiting = [];
  #timer = null;

  /** `element` is a live region that nobody sees. */
  constructor(element) {
    this.#element = element;
  }

  say(text) {
    this.#waiting.push(text.slice(0, SPOKEN_CHARACTERS));
    this.#timer ??= setTimeout(this.#speak, 0);
  }

  /** Something was taken back: it may be in what was said last, or is about to be. */
  forget() {
    this.#waiting = [];
    this.#element.textContent = "";
  }

  #speak = () => {
    this.#timer = null;
    const said = this.#waiting.splice(0);
    if (!said.length) return;
    this.#element.textContent = said.length > SPOKEN_AT_ONCE ? counted(texts.new, said.length) : said.join(". ");
    this.#timer = setTimeout(this.#speak, SPOKEN_EVERY_MS);
  };
}
