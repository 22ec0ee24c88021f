// The programme at the desk: when the event begins and how far it is, which everybody in the room is told at once, and what
// they see while an answer is typed.

import { failure } from "./actions.js";
import { confirmed } from "./confirm.js";
import { ask, may, now, roomPath } from "./staff.js";
import { dayAndTime, texts } from "./words.js";

const byId = (id) => document.getElementById(id);
const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

export class Programme {
  #place = byId("programme");
  #note = byId("phase-note");
  #hour = byId("starts-at");
  #typing = byId("typing").querySelector("select");
  #tell;

  constructor(tell) {
    this.#tell = tell;
    this.#place.hidden = !may("lead");
    byId("typing").hidden = !may("set_rules");
    this.#place.addEventListener("toggle", () => {
      if (this.#place.open) this.look();
    });
    this.#place.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    this.#hour.addEventListener("input", () => this.#spell());
    for (const button of this.#place.querySelectorAll("button")) button.addEventListener("click", () => this.#say(button));
    this.#typing.addEventListener("change", () => this.#tried(async () => {
      await ask("PATCH", roomPath("/rules"), { typing: this.#typing.value });
      this.#tell(texts.done.typing);
    }));
  }

  /** Looks at how it stands: others say so, too. What is being typed here stays. */
  look() {
    return this.#tried(async () => {
      const { phase, starts_at: startsAt, note } = await ask("GET", roomPath());
      byId("phase").textContent = texts.phases[phase] ?? "";
      for (const button of this.#place.querySelectorAll("button")) button.ariaCurrent = button.dataset.phase === phase ? "true" : null;
      if (!this.#place.contains(document.activeElement) || document.activeElement.tagName !== "INPUT") {
        this.#hour.value = startsAt ? written(new Date(startsAt)).slice(0, 16) : "";
        this.#note.value = (phase === "before" && note) || ""; // that of an incident is not for what comes after it
        this.#spell();
      }
      if (this.#place.open && may("set_rules")) this.#typing.value = (await ask("GET", roomPath("/rules"))).typing;
    });
  }

  async #say(button) {
    const data = { phase: button.dataset.phase };
    if (this.#note.value.trim()) data.note = this.#note.value.trim();
    if (data.phase === "before") {
      const begins = new Date(this.#hour.value);
      if (this.#hour.validity.badInput) return this.#refuse(texts.hour_incomplete);
      if (begins < now()) return this.#refuse(texts.hour_past);
      if (this.#hour.value) data.starts_at = written(begins);
    }
    if (data.phase === "after" && !(await confirmed(button.textContent, texts.end_ask, button.textContent))) return;
    await this.#tried(async () => {
      await ask("POST", roomPath("/messages"), { text: "", kind: "programme", data });
      this.#close();
      this.#tell(texts.done.programme);
    });
  }

  #close() {
    this.#place.open = false;
    this.#place.querySelector("summary").focus();
  }

  #refuse(why) {
    byId("when").textContent = why;
    this.#hour.focus();
  }

  /** The hour in words, and where it is that late: the field has neither. */
  #spell() {
    const begins = new Date(this.#hour.value);
    byId("when").textContent = Number.isNaN(begins.getTime()) ? zone : `${dayAndTime(begins)} (${zone})`;
  }

  async #tried(act) {
    try {
      await act();
    } catch (error) {
      this.#tell(failure(error, texts.not_reached));
    }
  }
}

/** A moment as the clocks here show it, with how far they are from UTC: 2030-06-02T20:30:00+02:00. */
function written(date) {
  const ahead = -date.getTimezoneOffset();
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const local = new Date(date.getTime() + ahead * 60_000).toISOString().slice(0, 19);
  return `${local}${ahead < 0 ? "-" : "+"}${two(Math.abs(ahead) / 60)}:${two(Math.abs(ahead) % 60)}`;
}
