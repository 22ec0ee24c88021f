// What stands above the talk while nothing is said: before the event with the time that is left, in an incident, when
// our own line is down, and after the event.

import { counted, dayAndTime, filled, texts } from "./words.js";

const LOST_AFTER_MS = 3000; // a line that is back sooner is not spoken of

export class Slate {
  #element = document.getElementById("slate");
  #phase = document.body.dataset.phase;
  #startsAt = document.body.dataset.startsAt ? new Date(document.body.dataset.startsAt) : null;
  #note = document.body.dataset.note ?? "";
  #lost = null;
  #stopped = false; // the server has said that nothing new can come
  #timer = null;
  #changed;

  /** `changed(phase)` hears of each new phase. */
  constructor(changed) {
    this.#changed = changed;
    this.#draw();
    setInterval(() => this.#count(), 1000);
  }

  get phase() {
    return this.#phase;
  }

  /** What staff said of the programme: the data of their message. */
  programme({ phase, starts_at, note }) {
    this.#phase = ["before", "incident", "after"].includes(phase) ? phase : "live";
    const begins = new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(starts_at) ? starts_at : `${starts_at}Z`); // as the server takes it
    this.#startsAt = Number.isNaN(begins.getTime()) ? null : begins;
    this.#note = typeof note === "string" ? note : "";
    this.#draw();
    this.#changed(this.#phase);
  }

  /** The server says how it is: `engine_away`, `engine_back`. */
  notice({ code }) {
    this.#stopped = code === "engine_away";
    this.#draw();
  }

  /** How our line stands. */
  line({ state, afterMs }) {
    if (state !== "live") this.#stopped = false; // the next welcome says that it goes on
    if (state === "live" || state === "ended") {
      clearTimeout(this.#timer);
      this.#timer = null;
      if (this.#lost) this.#lost = null;
      else return;
      this.#draw();
    } else {
      const until = Date.now() + (afterMs ?? 0);
      if (this.#lost) this.#lost = { until };
      this.#timer ??= setTimeout(() => {
        this.#lost = { until };
        this.#draw();
      }, LOST_AFTER_MS);
    }
  }

  #draw() {
    const shown = this.#lost ? "lost" : this.#stopped ? "incident" : this.#phase;
    const [title, , note] = this.#element.children;
    this.#element.hidden = shown === "live";
    this.#element.dataset.phase = shown;
    if (shown === "live") return;
    if (shown !== "before" || !this.#startsAt) title.textContent = texts.slate[shown];
    note.textContent = (shown === this.#phase && this.#note) || texts.slate_text[shown];
    this.#count();
  }

  #count() {
    const [title, countdown] = this.#element.children;
    const left = this.#startsAt - Date.now();
    let text = "";
    if (this.#element.dataset.phase === "before" && this.#startsAt) { // at zero staff have yet to say that they begin
      const said = left > 0 ? filled(texts.slate.before_at, { when: dayAndTime(this.#startsAt) }) : texts.slate.due;
      if (title.textContent !== said) title.textContent = said;
    }
    if (this.#lost) {
      const seconds = Math.ceil((this.#lost.until - Date.now()) / 1000);
      if (seconds > 0) text = counted(texts.waiting_s, seconds);
    } else if (this.#phase === "before" && left > 0) text = timeLeft(left);
    if (countdown.textContent !== text) countdown.textContent = text;
    countdown.hidden = !text;
  }
}

function timeLeft(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  const days = Math.floor(seconds / 86400);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value) => String(value).padStart(2, "0");
  if (days) return filled(texts.countdown, { time: [counted(texts.days, days), hours && counted(texts.hours, hours)].filter(Boolean).join(" ") });
  return filled(texts.countdown, { time: hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}` });
}
