// What the people on stage share: the question on air with what was answered, the run sheet, what else is approved, and
// what somebody is typing. Kept true by the room and by its desk or stage room.

import { Fanout } from "./fanout.js";
import { ask, may, roomPath } from "./staff.js";
import { Wordings } from "./wordings.js";

const HEARD_BEFORE = 200; // messages of the room, to find the question on air and its answers
const SHEET_AFTER_MS = 150; // changes that come together are one look at the run sheet
const MOST_APPROVED = 200;

export class Evening extends EventTarget {
  onAir = null; // { submission, message, name, text, answers: [{ id, name, role, text }] }
  sheet = [];
  approved = [];
  drafts = new Map(); // by submission and line: what somebody types, not yet on air
  state = { state: "connecting" };
  #timer = null;
  #wordings = new Wordings();

  constructor(room) {
    super();
    const live = new Fanout({ rooms: [room, `${may("see_desk") ? "@desk" : "@stage"}/${room}`], last: HEARD_BEFORE });
    live.on("message", (message) => this.#hear(message));
    live.on("retraction", ({ target }) => this.#takeBack(target));
    live.on("gap", () => this.#soon());
    live.on("welcome", () => {
      this.drafts.clear(); // those rooms keep nothing: what became of them while the line was broken, nobody tells
      this.#soon();
    });
    live.on("state", (state) => {
      this.state = state;
      this.#changed();
    });
  }

  /** Looks at the run sheet anew. */
  async look() {
    clearTimeout(this.#timer);
    this.#timer = null;
    try {
      const [sheet, approved] = await Promise.all([
        ask("GET", roomPath("/run-sheet")),
        may("see_desk") ? ask("GET", roomPath(`/submissions?state=approved&limit=${MOST_APPROVED}`)) : { submissions: [] },
      ]);
      this.sheet = sheet.submissions;
      this.approved = approved.submissions;
      this.#changed();
    } catch { /* the next change, or the next time that the line is there */ }
  }

  #hear(message) {
    if (message.room.startsWith("@")) { // in the other all the staff speak, in whatever kind
      for (const change of message.data?.changes ?? []) if (change.what === "draft") this.#draft(change);
      this.#soon();
    } else if (message.kind === "question") {
      const { id, author, text, data, retracted } = message;
      this.onAir = retracted ? null : { submission: data?.submission ?? null, message: id, name: author.name, text, answers: [] };
    } else if (this.onAir && message.re) this.#answer(message);
    this.#changed();
  }

  #answer({ id, kind, re, author, text, retracted }) {
    const { answers, message } = this.onAir;
    const corrected = answers.find((one) => one.id === re);
    if (kind === "correction" && corrected) {
      if (retracted) return;
      this.#wordings.correct(re, id, text, corrected.text);
      corrected.text = text;
    } else if (re === message && !retracted) answers.push({ id, name: author.name, role: author.role, text });
  }

  #draft({ submission, line, text, by, final }) {
    const key = `${submission} ${line}`;
    if (final || !text) this.drafts.delete(key);
    else this.drafts.set(key, { submission, text, by });
  }

  #takeBack(id) {
    const [about, text] = this.#wordings.takeBack(id) ?? [];
    const corrected = this.onAir?.answers.find((one) => one.id === about);
    if (corrected) corrected.text = text;
    if (this.onAir?.message === id) this.onAir = null;
    else if (this.onAir) this.onAir.answers = this.onAir.answers.filter((one) => one.id !== id);
    this.#changed();
  }

  #soon() {
    this.#timer ??= setTimeout(() => this.look(), SHEET_AFTER_MS);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
