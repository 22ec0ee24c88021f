// What was said in the room lately, at the desk: announcements and answers, which are no questions of the list, can be taken
// back here. It follows the room while it is open.

import { failure } from "./actions.js";
import { confirmed } from "./confirm.js";
import { Fanout } from "./fanout.js";
import { ask, may, roomPath } from "./staff.js";
import { Wordings } from "./wordings.js";
import { clock, element, filled, texts } from "./words.js";

const HEARD_BEFORE = 200; // messages of the room that are looked through
const SHOWN = 30;

export class Said {
  #place = document.getElementById("said");
  #list = this.#place.querySelector("ol");
  #said = new Map(); // by id, oldest first: what can be taken back, as last corrected
  #wordings = new Wordings();
  #live = null;
  #tell;

  constructor(tell) {
    this.#tell = tell;
    this.#place.hidden = !may("retract");
    this.#place.addEventListener("toggle", () => (this.#place.open ? this.#follow() : this.#leave()));
    this.#place.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** Opens it, with the newest under the finger; whether there is such a thing for this role. */
  open() {
    if (this.#place.hidden) return false;
    this.#place.open = true;
    this.#place.querySelector("summary").focus();
    return true;
  }

  close() {
    this.#place.open = false;
    document.getElementById("list").focus();
  }

  #follow() {
    this.#said.clear();
    this.#draw();
    this.#live = new Fanout({ rooms: [document.body.dataset.room], last: HEARD_BEFORE });
    this.#live.on("message", (message) => this.#hear(message));
    this.#live.on("retraction", ({ target }) => {
      const [about, text] = this.#wordings.takeBack(target) ?? [];
      if (this.#said.has(about)) this.#said.get(about).text = text;
      else this.#said.delete(target);
      this.#draw();
    });
  }

  #leave() {
    this.#live?.close();
    this.#live = null;
  }

  #hear({ id, kind, author, text, re, at, retracted }) {
    if (retracted || !text || kind === "question") return;
    const about = kind === "correction" ? this.#said.get(re) : null;
    if (about) {
      this.#wordings.correct(re, id, text, about.text);
      about.text = text;
    } else this.#said.set(id, { id, kind, author, text, at });
    this.#draw();
  }

  /** Anew; what comes takes the focus from nobody. `had`: the message whose button has it. */
  #draw(had = document.activeElement?.dataset.id) {
    const newest = [...this.#said.values()].slice(-SHOWN).reverse();
    this.#list.replaceChildren(...newest.map((one) => this.#item(one)));
    this.#place.querySelector(".note").hidden = newest.length > 0;
    const again = had && (this.#list.querySelector(`[data-id="${CSS.escape(had)}"]`) ?? this.#list.querySelector("button"));
    again?.focus();
  }

  #item({ id, kind, author, text, at }) {
    const [item, by, words] = [element("li"), element("p", "by"), element("p", "text", text)];
    const name = element("strong", "", author.name || texts.roles[author.role] || texts.anonymous);
    name.dir = words.dir = "auto";
    by.append(name, element("span", "", texts.kinds[kind] ?? ""), element("time", "", clock(at)));
    const button = element("button", "link", texts.take_back);
    button.type = "button";
    button.dataset.id = id;
    button.setAttribute("aria-label", `${texts.take_back}: ${text.slice(0, 80)}`);
    button.addEventListener("click", () => this.#takeBack(id, text));
    item.append(by, words, button);
    return item;
  }

  async #takeBack(id, text) {
    const says = filled(texts.take_back_says, { text: text.slice(0, 200) });
    const sure = await confirmed(texts.take_back_ask, says, texts.take_back, true);
    this.#draw(id); // its button may be another by now
    if (!sure) return;
    try {
      await ask("DELETE", roomPath(`/messages/${id}`));
      this.#tell(texts.done.take_back);
    } catch (error) {
      this.#tell(failure(error, texts.not_reached));
    }
  }
}
