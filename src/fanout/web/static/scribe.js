// The scribe's view: a place to type. A line goes on air with Enter. What is typed is kept in this browser at once and on
// the server soon after, so that a broken line loses nothing; what could not be sent goes when the line is back, in order.

import { by, part, said } from "./animator.js";
import { Refused } from "./fanout.js";
import { ask, roomPath } from "./staff.js";
import { element, filled, texts } from "./words.js";

const DRAFT_EVERY_MS = 700; // while something is typed: others watch it
const TRY_AGAIN_MS = 2000;

export class Scribe {
  #evening;
  #tell;
  #kept; // the name under which this browser keeps what is typed
  #work; // { question, about, line, text, waiting: [{ question, line, text }] }, of which `about` says what the question is
  #sending = false;
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
    this.#kept = `fanout-scribe ${room}`;
    this.#work = { question: null, about: "", line: newLine(), text: "", waiting: [], ...JSON.parse(localStorage.getItem(this.#kept) ?? "{}") };
    place.replaceChildren(this.#air, this.#writing(), this.#ready());
    this.#field.value = this.#work.text;
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
    this.#field.placeholder = texts.line_hint;
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
    const label = element("label", "", texts.prepared_search);
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
    const now = JSON.stringify([onAir]);
    if (now !== this.#drawn && !this.#air.contains(document.activeElement?.closest("form"))) {
      this.#drawn = now;
      const air = part(texts.on_air, "on-air");
      if (onAir) air.append(by(onAir.name), said(onAir.text, "question"), this.#answers(onAir));
      else air.append(element("p", "note", texts.nothing_on_air));
      this.#air.replaceChildren(air);
    }
    this.#drawBelongs();
    this.#field.disabled = !onAir?.submission && !this.#field.value;
  }

  #answers({ answers }) {
    const list = element("ol");
    for (const one of answers) {
      const item = element("li");
      const button = element("button", "link", texts.correct);
      button.type = "button";
      button.setAttribute("aria-label", `${texts.correct}: ${one.text.slice(0, 80)}`);
      button.addEventListener("click", () => this.#correct(item, one));
      item.append(said(one.text, "answer"), button);
      list.append(item);
    }
    return list;
  }

  /** A line that is on air gets a field in its place. */
  #correct(item, { id, text }) {
    const form = element("form", "row");
    const field = element("input");
    field.value = text;
    field.maxLength = 4000;
    field.dir = "auto";
    field.setAttribute("aria-label", texts.correct);
    form.append(field, element("button", "main", texts.apply));
    const leave = () => {
      this.#drawn = "";
      form.remove();
      this.draw();
    };
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") leave(); });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        if (field.value !== text) await ask("POST", roomPath(`/messages/${id}/corrections`), { text: field.value });
        leave();
      } catch (error) {
        this.#tell(filled(texts.failed, { why: error.message })); // what was typed stays
      }
    });
    item.replaceChildren(form);
    field.focus();
  }

  #typed() {
    this.#work.text = this.#field.value;
    const empty = !this.#work.text.trim();
    if (empty) this.#discard(); // nobody is to see any more what was there
    if (empty || !this.#work.question) this.#begin();
    this.#keep();
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
    this.#shown.textContent = texts.shown[shown] ?? "";
  }

  #final(text) {
    if (!this.#work.question) this.#begin();
    const { question } = this.#work;
    if (!text.trim()) return;
    if (!question) return this.#tell(texts.nothing_on_air);
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#work.waiting.push({ question, line: this.#work.line, text: text.trim() });
    Object.assign(this.#work, { question: null, about: "", line: newLine(), text: "" });
    this.#field.value = "";
    this.#field.focus();
    this.#keep();
    this.#send();
  }

  /** One after the other. The same line sent twice is on air once, so what is not sure is sent again. */
  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    const { waiting } = this.#work;
    while (waiting.length) {
      const { question, line, text } = waiting[0];
      try {
        await ask("PUT", `/v1/submissions/${question}/lines/${line}`, { text, final: true });
      } catch (error) {
        if (!(error instanceof Refused) || ["store_unavailable", "log_unavailable", "closed"].includes(error.code)) {
          setTimeout(() => this.#send(), TRY_AGAIN_MS);
          break;
        }
        this.#tell(filled(texts.failed, { why: error.message }));
        this.#field.value = [text, this.#field.value].filter(Boolean).join(" "); // back to where it can be seen
        this.#work.text = this.#field.value;
      }
      waiting.shift();
      this.#keep();
    }
    this.#sending = false;
    this.#keep();
  }

  #keep() {
    this.#drawBelongs();
    localStorage.setItem(this.#kept, JSON.stringify(this.#work));
    this.#waiting.replaceChildren(...this.#work.waiting.map(({ text }) => {
      const item = element("li");
      item.append(said(text, "answer draft"), element("span", "note", texts.not_sent));
      return item;
    }));
  }

  async #find(words) {
    try {
      const { prepared_answers: found } = await ask("GET", roomPath(`/prepared-answers?search=${encodeURIComponent(words)}`));
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

/** A name for a line that no other has, on any scribe's page. */
function newLine() {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36).padStart(2, "0"));
  return `l${random.join("")}`;
}
