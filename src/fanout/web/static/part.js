// A visitor takes part: comes in under a name, asks questions and sees what becomes of each, speaks in the chat.

import { element, filled, texts, whyRefused } from "./words.js";

const FINAL = new Set(["answered", "rejected", "withdrawn", "aired"]);

/** Who the visitor is here. */
export class Identity {
  #live;
  #entered;
  #form = document.getElementById("enter");
  name = document.body.dataset.name ?? "";

  constructor(live) {
    this.#live = live;
  }

  /** Lets the visitor come in; `entered()` is called each time that they have. */
  open(entered) {
    this.#entered = entered;
    const place = document.querySelector(".take-part");
    if (!place) return;
    place.hidden = false;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#enter(this.#form.elements.name.value.trim());
    });
    place.querySelector(".link").addEventListener("click", () => {
      this.#form.elements.name.value = this.name;
      this.#show(false);
      this.#form.elements.name.focus();
    });
    this.#show(Boolean(this.name));
  }

  async #enter(name) {
    const refusal = this.#form.querySelector(".refusal");
    refusal.textContent = "";
    try {
      await this.#live.introduce(name);
    } catch (error) {
      refusal.textContent = whyRefused(error);
      return;
    }
    this.name = name;
    this.#show(true);
    document.querySelector("#question-text, #say-text")?.focus();
  }

  #show(inside) {
    this.#form.hidden = inside;
    const entered = document.getElementById("entered");
    entered.hidden = !inside;
    entered.firstElementChild.textContent = filled(texts.entered, { name: this.name });
    if (inside) this.#entered();
  }
}

/** What is half typed, for this tab alone: it is there again when the page is loaded anew. */
class Draft {
  #key;

  constructor(key) {
    this.#key = key;
  }

  get text() {
    try {
      return sessionStorage.getItem(this.#key) ?? "";
    } catch { // a browser that keeps nothing
      return "";
    }
  }

  set text(text) {
    try {
      if (text) sessionStorage.setItem(this.#key, text);
      else sessionStorage.removeItem(this.#key);
    } catch { /* as above */ }
  }
}

/** A form that hands in one text, keeps it until it has arrived, and says why it was not taken. */
export function submits(form, field, live, room, identity, arrived = () => {}) {
  const refusal = form.querySelector(".refusal");
  const draft = new Draft(`fanout ${room} ${field.id}`);
  field.value ||= draft.text;
  field.addEventListener("input", () => { draft.text = field.value; });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    const button = form.querySelector("button");
    if (!text || button.disabled) return;
    refusal.textContent = "";
    const pressed = document.activeElement === button; // a button that is disabled loses the focus
    button.disabled = true;
    const late = setTimeout(() => { refusal.textContent = texts.sending; }, 1000);
    try {
      const said = await live.submit(room, text, { name: identity.name });
      if (field.value.trim() === text) draft.text = field.value = "";
      refusal.textContent = "";
      arrived({ ...said, text });
    } catch (error) {
      refusal.textContent = whyRefused(error);
    } finally {
      clearTimeout(late);
      button.disabled = false;
      if (pressed && document.activeElement === document.body) button.focus({ preventScroll: true });
    }
  });
}

/** What became of one's questions. */
export class Mine {
  #list = document.getElementById("mine");
  #items = new Map(); // by id

  /** Asks what there is already. */
  async load(room) {
    if (!this.#list) return;
    try {
      const answer = await fetch(`/v1/rooms/${encodeURIComponent(room)}/submissions/mine?limit=50`);
      for (const one of (await answer.json()).submissions ?? []) this.tell(one);
    } catch { /* what comes later is told all the same */ }
  }

  /** How one stands now; one that is new needs its text. */
  tell({ id, state, text, reason }) {
    let item = this.#items.get(id);
    if (!this.#list || (!item && !text)) return;
    if (!item) {
      item = element("li");
      const words = element("p", "text", text);
      words.dir = "auto";
      const back = element("button", "link", texts.withdraw);
      back.type = "button";
      back.addEventListener("click", () => this.#withdraw(id));
      item.append(words, element("p", "fate"), back);
      this.#items.set(id, item);
      this.#list.prepend(item);
      this.#list.parentElement.hidden = false;
    }
    item.dataset.state = state;
    const fate = texts.states[state] ?? state;
    item.querySelector(".fate").textContent = reason ? `${fate} · ${reason}` : fate;
    item.querySelector("button").hidden = FINAL.has(state) || state === "merged";
  }

  async #withdraw(id) {
    const answer = await fetch(`/v1/submissions/${id}/decisions`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: '{"action":"withdraw"}',
    });
    if (answer.ok) this.tell(await answer.json());
  }
}
