// The chat of a room: the newest line at the bottom, where the view stays unless the reader looks further up.

import { Pace } from "./pace.js";
import { submits } from "./part.js";
import { Talk } from "./talk.js";
import { counted, element, texts } from "./words.js";

const NEAR_PX = 40; // from the bottom, and still at it

export class Chat {
  #window;
  #behind;
  #talk;
  #pace;
  #unseen = 0;

  constructor(place) {
    this.room = place.dataset.room;
    this.#window = place.querySelector(".window");
    this.#behind = place.querySelector(".behind");
    this.#talk = new Talk(place.querySelector(".lines"), { newestFirst: false, grouped: false });
    this.#pace = new Pace((entry) => this.#show(entry), () => this.#drawn());
    this.#behind.firstElementChild.addEventListener("click", () => this.#toBottom());
    this.#window.addEventListener("scroll", () => {
      if (this.#atBottom()) this.#seen();
    });
    this.#toBottom();
  }

  add(entry) {
    this.#pace.add(entry);
  }

  takeBack(id) {
    this.#pace.takeBack(id);
    this.#talk.takeBack(id);
  }

  /** Nothing comes any more, and nothing can be said; why. */
  close(why) {
    const told = element("p", "note", why);
    told.setAttribute("role", "status");
    document.getElementById("say")?.replaceWith(told);
  }

  open(live, identity) {
    const form = document.getElementById("say");
    if (!form?.hidden) return;
    form.hidden = false;
    submits(form, document.getElementById("say-text"), live, this.room, identity);
    this.#toBottom();
  }

  #show(entry) {
    const following = this.#unseen === 0 && this.#atBottom();
    this.#talk.add(entry);
    if (following) this.#window.scrollTop = this.#window.scrollHeight;
    else this.#unseen += 1;
  }

  #drawn() {
    this.#behind.hidden = this.#unseen === 0;
    if (this.#unseen) this.#behind.firstElementChild.textContent = counted(texts.jump, this.#unseen);
  }

  #atBottom() {
    return this.#window.scrollHeight - this.#window.scrollTop - this.#window.clientHeight < NEAR_PX;
  }

  #toBottom() {
    this.#window.scrollTop = this.#window.scrollHeight;
    this.#seen();
  }

  #seen() {
    this.#unseen = 0;
    this.#behind.hidden = true;
  }
}
