// What was said in a room, as a list of exchanges: a question with its answers, or a message that stands alone. It takes
// over the list that the server has written (`talk_markup.py` writes the same elements) and adds to it.

import { Wordings } from "./wordings.js";
import { clock, counted, element, localTimes, texts } from "./words.js";

export class Talk {
  #list;
  #newestFirst;
  #grouped;
  #most;
  #articles = new Map(); // by the id of the message, and of each that corrected it
  #wordings = new Wordings();

  /** `most` exchanges are kept on the page. */
  constructor(list, { newestFirst = true, grouped = true, most = 200 } = {}) {
    this.#list = list;
    this.#newestFirst = newestFirst;
    this.#grouped = grouped;
    this.#most = most;
    for (const article of list.querySelectorAll("article")) this.#articles.set(article.dataset.id, article);
    localTimes(list);
    this.#mark();
  }

  get empty() {
    return this.#list.childElementCount === 0;
  }

  /** Where a message stands, with what belongs to it; null: not here, or taken back. */
  exchange(id) {
    const article = this.#articles.get(id);
    return article && !article.classList.contains("gone") ? article.closest(".exchange") : null;
  }

  /** Adds a message, or a gap in its place. */
  add(entry, { fresh = true } = {}) {
    if (entry.type === "gap") return this.#insert(gap(entry));
    const about = this.#grouped && entry.re ? this.#articles.get(entry.re) : null;
    if (entry.kind === "correction" && about) return this.#correct(about, entry);
    const article = said(entry);
    this.#articles.set(entry.id, article);
    if (fresh) article.classList.add("fresh");
    if (about) {
      about.closest(".exchange").append(article);
      markSame(about.closest(".exchange"));
    } else {
      const exchange = element("li", "exchange");
      exchange.dataset.id = entry.id;
      exchange.append(article);
      this.#insert(exchange);
    }
    this.#mark();
    return article;
  }

  /** Takes back what a message said, and what corrected it. */
  takeBack(id) {
    const article = this.#articles.get(id);
    if (!article || article.classList.contains("gone")) return; // its corrections go with it: nothing is to come back
    const corrected = this.#wordings.takeBack(id);
    if (corrected) article.querySelector(".text").textContent = corrected[1];
    else {
      takenBack(article);
      markSame(article.closest(".exchange"));
    }
  }

  #correct(article, { id, re, text, retracted }) {
    this.#articles.set(id, article);
    if (retracted || article.classList.contains("gone")) return article;
    const shown = article.querySelector(".text");
    this.#wordings.correct(re, id, text, shown.textContent);
    shown.textContent = text;
    const by = article.querySelector(".by");
    if (!by.querySelector(".corrected")) by.querySelector("time").before(element("span", "corrected", texts.corrected));
    return article;
  }

  #insert(item) {
    if (this.#newestFirst) this.#list.prepend(item);
    else this.#list.append(item);
    while (this.#list.childElementCount > this.#most) this.#forget(this.#newestFirst ? "lastElementChild" : "firstElementChild");
    return item;
  }

  #forget(which) {
    const oldest = this.#list[which];
    for (const article of oldest.querySelectorAll("article")) this.#articles.delete(article.dataset.id);
    oldest.remove();
  }

  /** The exchange that goes on now. */
  #mark() {
    if (!this.#newestFirst) return;
    const now = this.#list.querySelector(".exchange");
    for (const before of this.#list.querySelectorAll(".exchange.current")) before.classList.toggle("current", before === now);
    now?.classList.add("current");
  }
}

function said({ id, kind, author, text, at, retracted }) {
  const article = element("article", "said");
  article.dataset.id = id;
  article.dataset.kind = kind;
  const by = element("p", "by");
  if (author.name) by.append(directed("strong", "", author.name));
  if (texts.kinds[kind]) by.append(element("span", "kind", texts.kinds[kind]));
  const time = element("time", "", clock(at));
  time.dateTime = at;
  by.append(time);
  article.append(by, directed("p", "text", text));
  if (retracted) takenBack(article);
  return article;
}

/** An answer that goes on where the same person's stops: it needs no second name. */
function markSame(exchange) {
  let before = null;
  for (const article of exchange.querySelectorAll(".said")) {
    const author = article.querySelector("strong")?.textContent ?? "";
    const by = article.dataset.kind === "answer" && !article.classList.contains("gone") ? author : null;
    article.classList.toggle("same", by !== null && by === before);
    before = by;
  }
}

function takenBack(article) {
  article.classList.add("gone");
  article.querySelector(".text").textContent = texts.retracted;
  article.querySelector("strong")?.remove();
}

function gap({ missed, reason }) {
  return element("li", "gap", missed && reason !== "epoch" ? counted(texts.gap, missed) : texts.gap_unknown);
}

/** Text that somebody wrote, in whichever direction, without turning what stands around it. */
function directed(name, className, text) {
  const made = element(name, className, text);
  made.dir = "auto";
  return made;
}
