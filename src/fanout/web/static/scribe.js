// The scribe's view: a place to type. A line goes on air with Enter. What is typed is kept in this browser at once and on
// the server soon after, so that a broken line loses nothing; what could not be sent goes when the line is back, in order.

import { by, part, said } from "./animator.js";
import { Refused } from "./fanout.js";
import { Kept } from "./kept.js";
import { ask, may, roomPath } from "./staff.js";
import { element, filled, texts, whyRefused } from "./words.js";

const DRAFT_EVERY_MS = 700; // while something is typed: others watch it
const TRY_AGAIN_MS = 2000;
const SURE_MS = 5000; // for the second press
// Worth another try: these pass, or end with a new sign-in.
const LATER = ["store_unavailable", "log_unavailable", "closed", "token_missing", "token_refused"];

const SENDS = {
  line: ({ question, line, text }) => ask("PUT", `/v1/submissions/${question}/lines/${line}`, { text, final: true }),
  correction: ({ message, text }) => ask("POST", roomPath(`/messages/${message}/corrections`), { text }),
  retraction: ({ message }) => ask("DELETE", roomPath(`/messages/${message}`)),
};

export class Scribe {
  #evening;
  #tell;
  #kept; // what this browser keeps of it
  #work; // { question, about, line, text }, of which `about` says what the question is
  #sending = false;
  #forms = new Map(); // by message: corrections that are being typed
  #asked = null; // the message whose taking back waits for the second press
  #timer = null;
  #drawn = "";
  #air = element("div");
  #field = element("textarea");
  #waiting = element("ol", "waiting");
  #prepared = element("ol", "prepared");
  #shown = element("p", "note shown");
  #belongs = element("p", "note belongs");

  constructor(place, evening, tell, room) {
    this.#evening = evening;
    this.#tell = tell;
    this.#kept = new Kept(room, (line) => this.#elsewhere(line));
    this.#work = this.#kept.found() ?? nothing();
    place.replaceChildren(this.#air, this.#writing(), this.#ready());
    this.#field.value = this.#work.text;
    this.#drawWaiting();
    ask("GET", roomPath("/rules")).then(({ typing }) => this.#tellShown(typing), () => {}); // then with the first draft
    addEventListener("online", () => this.#send());
  }

  #writing() {
    const section = part(texts.write, "writing");
    const label = element("label", "unseen", texts.line);
    label.htmlFor = this.#field.id = "line-text";
    this.#field.rows = 3;
    this.#field.maxLength = 4000;
    this.#field.dir = "auto";
    this.#field.disabled = true; // until a question is on air
    this.#field.addEventListener("input", () => this.#typed());
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#final(this.#field.value);
    });
    const button = element("button", "main", texts.send_line);
    button.type = "button";
    button.addEventListener("click", () => this.#final(this.#field.value));
    section.append(label, this.#field, this.#belongs, this.#shown, button, this.#waiting);
    return section;
  }

  #ready() {
    const section = part(texts.prepared, "ready");
    const label = element("label", "", texts.search);
    const search = element("input");
    label.htmlFor = search.id = "prepared-search";
    search.type = "search";
    search.maxLength = 200;
    search.addEventListener("input", () => this.#find(search.value));
    section.append(label, search, this.#prepared);
    this.#find("");
    return section;
  }

  draw() {
    const { onAir, state } = this.#evening;
    if (state.state === "live") this.#send();
    const corrected = this.#corrected();
    const now = JSON.stringify([onAir, this.#asked, [...corrected], [...this.#forms.keys()]]);
    if (now !== this.#drawn && !this.#air.contains(document.activeElement?.closest("form"))) {
      this.#drawn = now;
      const had = document.activeElement?.dataset.focus;
      const air = part(texts.on_air, "on-air");
      if (onAir) air.append(by(onAir.name), said(onAir.text, "question"), this.#answers(onAir, corrected));
      else air.append(element("p", "note", texts.nothing_on_air));
      for (const [id, form] of this.#forms) if (!onAir?.answers.some((one) => one.id === id)) air.append(form); // what was typed stays
      this.#air.replaceChildren(air);
      air.querySelector("ol")?.scrollTo(0, Infinity); // to what was said last
      if (had) this.#air.querySelector(`[data-focus="${CSS.escape(had)}"]`)?.focus();
    }
    this.#drawBelongs();
    const waits = !onAir?.submission && !this.#field.value;
    const opens = this.#field.disabled && !waits;
    this.#field.disabled = waits;
    this.#field.placeholder = waits ? texts.line_wait : texts.line_hint;
    if (opens && document.activeElement === document.body && matchMedia("(pointer: fine)").matches) this.#field.focus();
  }

  #answers({ answers }, corrected) {
    const list = element("ol");
    for (const one of answers) {
      const item = element("li");
      const text = corrected.get(one.id) ?? one.text;
      if (this.#forms.has(one.id)) item.append(this.#forms.get(one.id));
      else item.append(said(text, "answer"), this.#button(one, texts.correct, () => this.#correct(one.id, text)));
      if (!this.#forms.has(one.id) && (may("retract") || `${one.name} (${one.role})` === document.body.dataset.me)) {
        const sure = this.#asked === one.id;
        item.append(" ", this.#button(one, sure ? texts.take_back_sure : texts.take_back, () => this.#takeBack(one.id), "take-back"));
      }
      if (corrected.has(one.id)) item.append(" ", element("span", "note", texts.not_sent));
      list.append(item);
    }
    return list;
  }

  #button({ id, text }, says, act, name = "correct") {
    const button = element("button", "link", says);
    button.type = "button";
    button.dataset.focus = `${id} ${name}`;
    button.setAttribute("aria-label", `${says}: ${text.slice(0, 80)}`);
    button.addEventListener("click", act);
    return button;
  }

  /** Corrections that wait, by message. */
  #corrected() {
    return new Map(this.#kept.waiting().filter(([, { what }]) => what === "correction").map(([, { message, text }]) => [message, text]));
  }

  /** A line that is on air gets a field in its place. */
  #correct(id, text, typed = text) {
    const form = element("form", "row");
    const field = element("input");
    field.value = typed;
    field.maxLength = 4000;
    field.dir = "auto";
    field.setAttribute("aria-label", texts.correct);
    form.append(field, element("button", "main", texts.apply));
    const leave = () => {
      this.#forms.delete(id);
      form.remove();
      this.draw();
    };
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") leave(); });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value !== text) this.#wait({ what: "correction", message: id, text: field.value });
      leave();
    });
    this.#forms.set(id, form);
    this.draw();
    field.focus();
  }

  /** It is gone for everybody, so it takes two presses. */
  #takeBack(id) {
    if (this.#asked === id) {
      this.#asked = null;
      this.#wait({ what: "retraction", message: id });
    } else {
      this.#asked = id;
      setTimeout(() => {
        if (this.#asked === id) this.#asked = null;
        this.draw();
      }, SURE_MS);
    }
    this.draw();
  }

  #typed() {
    this.#work.text = this.#field.value;
    const empty = !this.#work.text.trim();
    if (empty) this.#discard(); // nobody is to see any more what was there
    if (empty || !this.#work.question) this.#begin();
    this.#kept.write(this.#work);
    this.#drawBelongs();
    this.#timer ??= setTimeout(() => this.#draft(), DRAFT_EVERY_MS);
  }

  /** For the others on stage, and should this machine break. */
  async #draft() {
    this.#timer = null;
    const { question, line, text } = this.#work;
    if (!question || !text.trim()) return;
    try {
      this.#tellShown((await ask("PUT", `/v1/submissions/${question}/lines/${line}`, { text })).shown);
    } catch { /* it is in this browser, and goes out with the line */ }
  }

  /** What is typed answers what is on air when it is begun, whatever comes on air before it is said. */
  #begin() {
    const { submission, text } = this.#evening.onAir ?? {};
    Object.assign(this.#work, { question: submission ?? null, about: text ?? "" });
  }

  #drawBelongs() {
    const { question, about, text } = this.#work;
    const another = question && text.trim() && this.#evening.onAir?.submission && this.#evening.onAir.submission !== question;
    this.#belongs.hidden = !another;
    if (!another) return;
    const button = element("button", "link", texts.belongs_now);
    button.type = "button";
    button.addEventListener("click", () => {
      this.#discard(); // there; it goes on as a line of the other
      this.#kept.drop(this.#work.line);
      this.#work.line = newLine();
      this.#begin();
      this.#typed();
      this.#field.focus();
    });
    this.#belongs.replaceChildren(`${filled(texts.belongs, { question: about.slice(0, 80) })} `, button);
  }

  #discard() {
    const { question, line } = this.#work;
    if (question) ask("DELETE", `/v1/submissions/${question}/lines/${line}`).catch(() => {}); // or it is never said
  }

  /** Whoever types knows who reads along. */
  #tellShown(shown) {
    this.#shown.textContent = texts.seen[shown] ?? "";
  }

  #final(text) {
    if (!this.#work.question) this.#begin();
    const { question } = this.#work;
    if (!text.trim()) return;
    if (!question) return this.#tell(texts.nothing_on_air);
    clearTimeout(this.#timer);
    this.#timer = null;
    const { line } = this.#work;
    this.#wait({ what: "line", question, line, text: text.trim() });
    this.#kept.drop(line);
    this.#take(nothing());
    this.#field.focus();
  }

  #take(work) {
    this.#work = work;
    this.#field.value = work.text;
    this.#drawBelongs();
  }

  /** Another tab of this browser has changed something: what waits, or this very line. */
  #elsewhere(line) {
    if (line === this.#work.line) this.#take(this.#kept.draft(line) ?? nothing());
    this.#drawWaiting();
    this.#send();
  }

  #wait(what) {
    this.#kept.wait(what);
    this.#drawWaiting();
    this.#send();
  }

  /** One after the other. The same line sent twice is on air once, so what is not sure is sent again. */
  async #send() {
    if (this.#sending || !this.#kept.waiting().length) return;
    this.#sending = true;
    try {
      await this.#kept.alone(() => this.#sendAll());
    } finally {
      this.#sending = false;
    }
  }

  async #sendAll() {
    for (let next; (next = this.#kept.waiting()[0]); this.#drawWaiting()) {
      const [key, what] = next;
      try {
        await SENDS[what.what](what);
      } catch (error) {
        if (!(error instanceof Refused) || LATER.includes(error.code)) {
          setTimeout(() => this.#send(), TRY_AGAIN_MS);
          return;
        }
        this.#refused(what, whyRefused(error));
      }
      this.#kept.done(key);
    }
  }

  /** Back to where it can be seen. */
  #refused({ what, message, text }, why) {
    if (what === "retraction" && !this.#evening.onAir?.answers.some(({ id }) => id === message)) return; // it is gone all the same
    this.#tell(filled(texts.failed, { why }));
    if (what === "correction") this.#correct(message, null, text);
    if (what !== "line") return;
    this.#field.value = this.#work.text = [text, this.#field.value].filter(Boolean).join(" ");
    this.#kept.write(this.#work);
  }

  #drawWaiting() {
    const lines = this.#kept.waiting().filter(([, { what }]) => what === "line");
    this.#waiting.replaceChildren(...lines.map(([, { text }]) => {
      const item = element("li");
      item.append(said(text, "answer draft"), element("span", "note", texts.not_sent));
      return item;
    }));
    this.draw();
  }

  async #find(words) {
    try {
      const { prepared_answers: found } = await ask("GET", roomPath(`/prepared-answers?search=${encodeURIComponent(words)}`));
      if (!found.length) return this.#prepared.replaceChildren(element("li", "note", texts.nothing_prepared));
      this.#prepared.replaceChildren(...found.slice(0, 20).map(({ title, text }) => {
        const item = element("li");
        const button = element("button", "", title || text.slice(0, 60));
        button.type = "button";
        button.addEventListener("click", () => {
          this.#field.value = [this.#field.value, text].filter(Boolean).join(" ");
          this.#field.focus();
          this.#typed();
        });
        item.append(button);
        return item;
      }));
    } catch { /* the next search */ }
  }
}

const nothing = () => ({ question: null, about: "", line: newLine(), text: "" });

/** A name for a line that no other has, on any scribe's page. */
function newLine() {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36).padStart(2, "0"));
  return `l${random.join("")}`;
}
