// A room's window, <fanout-window room="…" origin="…">: what was said last, live, and the way in. It only reads: no cookie,
// no storage, nothing on the page around it but itself. docs/embedding.md has its attributes and custom properties.

import { Fanout } from "./fanout.js";
import { Wordings } from "./wordings.js";

const SHOWN = 30; // messages, if the attribute `messages` does not say
const SPOKEN_EVERY_MS = 10000;

const WORDS = {
  en: {
    live: "Live", lost: "Connection lost. Trying again…", ended: "Ended", join: "Join in", empty: "Nothing has been said yet.",
    question: "Question", answer: "Answer", retracted: "This message was taken back.", gap: "Something is missing here.",
    people: { one: "{count} person here", other: "{count} people here" }, before: "Not begun yet", after: "Over",
    incident: "Interrupted for a moment", begins: "Begins on {when}", typing: "{name} is typing…",
  },
  fr: {
    live: "En direct", lost: "Connexion perdue. Nouvel essai…", ended: "Terminé", join: "Participer",
    empty: "Rien n’a encore été dit.", question: "Question", answer: "Réponse", retracted: "Ce message a été retiré.",
    gap: "Il manque quelque chose ici.", people: { one: "{count} personne présente", other: "{count} personnes présentes" },
    before: "Pas encore commencé", after: "Terminé", incident: "Interruption momentanée", begins: "Début le {when}",
    typing: "{name} écrit…",
  },
};

const STYLE = `
  :host { display: block; contain: content; max-width: 100%; color-scheme: light dark;
    --ground: var(--fanout-ground, light-dark(#ffffff, #1b2226)); --ink: var(--fanout-ink, light-dark(#1d2529, #e6eaeb));
    --quiet: var(--fanout-quiet, light-dark(#55626a, #a6b3ba)); --line: var(--fanout-line, light-dark(#dfe3e2, #313b40));
    --accent: var(--fanout-accent, light-dark(#1f6583, #86c5e2)); }
  :host([theme="light"]) { color-scheme: light; }
  :host([theme="dark"]) { color-scheme: dark; }
  section { display: flex; flex-direction: column; height: var(--fanout-height, 26rem); overflow: hidden;
    background: var(--ground); color: var(--ink); border: 1px solid var(--line); border-radius: var(--fanout-radius, 12px);
    font: var(--fanout-font, 1rem/1.5 system-ui, sans-serif); overflow-wrap: anywhere; }
  header, footer { padding: .8em 1em; }
  header { border-bottom: 1px solid var(--line); }
  h2 { margin: 0; font-size: 1.1em; line-height: 1.25; }
  p { margin: 0; }
  .now { color: var(--quiet); font-size: .9em; }
  ol { flex: 1; margin: 0; padding: 0 1em; list-style: none; overflow-y: auto; }
  li { padding: .7em 0; border-bottom: 1px solid var(--line); }
  li:last-child { border: 0; }
  .by { display: flex; gap: .6em; color: var(--quiet); font-size: .87em; }
  .by strong { color: var(--ink); }
  .kind { color: var(--accent); font-weight: 600; }
  .text { white-space: pre-wrap; }
  li[data-kind="question"] .text { font-weight: 600; }
  .typing { color: var(--quiet); font-style: italic; }
  .gone .text, .gap { color: var(--quiet); font-style: italic; font-weight: 400; }
  footer { border-top: 1px solid var(--line); }
  a { display: block; padding: .6em; border-radius: 8px; background: var(--accent); color: var(--ground); font-weight: 600;
    text-align: center; text-decoration: none; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

class FanoutWindow extends HTMLElement {
  #live;
  #words;
  #language;
  #parts;
  #timer = null;
  #wordings = new Wordings();
  #line = "connecting";
  #phase = null; // what staff said last of the programme, and when it begins
  #startsAt = null;

  connectedCallback() {
    this.#language = this.#speaks();
    this.#words = WORDS[this.#language];
    const accent = this.getAttribute("accent");
    if (accent) this.style.setProperty("--fanout-accent", accent); // anything but a colour is ignored by the browser
    if (this.getAttribute("height")) this.style.setProperty("--fanout-height", this.getAttribute("height"));
    this.#build();
    this.#follow();
  }

  disconnectedCallback() {
    this.#live?.close();
  }

  /** The language of the place that it stands in, else of the browser; English if it is none of ours. */
  #speaks() {
    const around = this.getAttribute("lang") ?? this.closest("[lang]")?.lang;
    const wishes = around ? [around] : navigator.languages;
    return wishes.map((wish) => wish.slice(0, 2).toLowerCase()).find((wish) => WORDS[wish]) ?? "en";
  }

  #build() {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet(); // a sheet of our own, which a page's policy has nothing against
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const parts = {
      frame: made("section"), title: made("h2", "", this.getAttribute("title") ?? this.getAttribute("room")),
      state: made("span", "state"), people: made("span", "people"), list: made("ol"), join: made("a", "", this.#words.join),
      spoken: made("div", "unseen"),
    };
    parts.frame.lang = this.#language;
    parts.frame.setAttribute("aria-label", parts.title.textContent);
    parts.list.tabIndex = 0;
    parts.list.setAttribute("aria-label", this.#words.live);
    parts.spoken.setAttribute("aria-live", "polite");
    parts.join.href = `${this.#origin}/rooms/${encodeURIComponent(this.getAttribute("room"))}?lang=${this.#language}`;
    parts.join.target = "_blank";
    parts.join.rel = "noopener";
    const [header, now, footer] = [made("header"), made("p", "now"), made("footer")];
    now.append(parts.state, " · ", parts.people);
    header.append(parts.title, now);
    footer.append(parts.join);
    parts.frame.append(header, parts.list, footer, parts.spoken);
    root.replaceChildren(parts.frame);
    this.replaceChildren(); // what stood there for who has no script
    this.#parts = parts;
  }

  get #origin() {
    return this.getAttribute("origin") ?? new URL(import.meta.url).origin;
  }

  #follow() {
    const room = this.getAttribute("room");
    const last = Math.min(Math.max(Number(this.getAttribute("messages")) || SHOWN, 1), 200);
    const { list } = this.#parts;
    this.#live = new Fanout({ url: this.#origin, rooms: [room], last });
    this.#live.on("message", (message) => {
      if (message.kind === "programme") {
        if (message.data) [this.#phase, this.#startsAt] = [message.data.phase ?? "live", message.data.starts_at];
        this.#tell();
      } else if (message.text || message.retracted) this.#add(message);
      while (list.childElementCount > last) list.lastElementChild.remove();
    });
    this.#live.on("gap", () => list.prepend(made("li", "gap", this.#words.gap)));
    this.#live.on("retraction", ({ target }) => {
      this.#parts.spoken.textContent = ""; // it may be what was read out last
      const [about, text] = this.#wordings.takeBack(target) ?? [];
      for (const line of list.children) {
        if (line.dataset.id === target) this.#takeBack(line);
        else if (line.dataset.id === about && !line.classList.contains("gone")) line.querySelector(".text").textContent = text;
      }
    });
    this.#live.on("typing", ({ lines }) => this.#typing(lines));
    this.#live.on("presence", ({ visitors }) => this.#count(visitors));
    this.#live.on("state", ({ state: now }) => {
      if (now === "connecting") return; // what it said before still holds
      this.#line = now;
      if (now !== "live") return this.#tell();
      [this.#phase, this.#startsAt] = [null, null];
      this.#describe(room).then(() => this.#tell());
    });
  }

  #tell() {
    const begins = new Date(this.#phase === "before" ? this.#startsAt ?? NaN : NaN);
    if (this.#line === "live" && begins > new Date()) {
      const locale = navigator.languages.find((wish) => wish.startsWith(this.#language)) ?? this.#language;
      const when = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(begins);
      this.#parts.state.textContent = this.#words.begins.replace("{when}", this.#language === "fr" ? when.replace(/^1(?= )/, "1er") : when);
      return;
    }
    const said = { live: this.#words[this.#phase] ?? this.#words.live, ended: this.#words.ended }[this.#line];
    this.#parts.state.textContent = said ?? this.#words.lost;
  }

  async #describe(room) {
    try {
      const { title, visitors, phase, starts_at: startsAt } = await (await fetch(`${this.#origin}/v1/rooms/${encodeURIComponent(room)}`)).json();
      if (title && !this.getAttribute("title")) this.#parts.title.textContent = title;
      this.#count(visitors);
      if (!this.#phase) [this.#phase, this.#startsAt] = [phase, startsAt]; // what was heard meanwhile is newer
    } catch { /* it has its name */ }
    if (!this.#parts.list.childElementCount) this.#parts.list.append(made("li", "gap empty", this.#words.empty));
  }

  #count(people) {
    const forms = this.#words.people;
    const count = Math.max(1, people ?? 1);
    const form = forms[new Intl.PluralRules(this.#language).select(count)] ?? forms.other;
    this.#parts.people.textContent = form.replace("{count}", new Intl.NumberFormat(this.#language).format(count));
  }

  #add({ id, kind, author, text, re, retracted }) {
    const { list, spoken } = this.#parts;
    list.querySelector(".empty")?.remove();
    if (kind === "correction" && re) {
      for (const line of list.children) {
        if (line.dataset.id !== re || retracted || line.classList.contains("gone")) continue;
        const shown = line.querySelector(".text");
        this.#wordings.correct(re, id, text, shown.textContent);
        shown.textContent = text;
      }
      return;
    }
    const line = made("li");
    line.dataset.id = id;
    line.dataset.kind = kind;
    const by = made("p", "by");
    if (author.name) by.append(written("strong", "", author.name));
    if (kind === "question" || kind === "answer") by.append(made("span", "kind", this.#words[kind]));
    line.append(by, written("p", "text", text));
    if (retracted) this.#takeBack(line);
    list.prepend(line);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      spoken.textContent = list.querySelector(".text")?.textContent.slice(0, 300) ?? "";
    }, SPOKEN_EVERY_MS);
  }

  /** What is not said yet, above all that is. Screen readers hear it when it is said. */
  #typing(lines) {
    for (const before of this.#parts.list.querySelectorAll(".typing")) before.remove();
    for (const { author, text } of lines) {
      const line = made("li", "typing");
      line.setAttribute("aria-live", "off");
      line.append(made("p", "by", this.#words.typing.replace("{name}", author.name).trim()));
      if (text) line.append(written("p", "text", text));
      this.#parts.list.prepend(line);
    }
  }

  #takeBack(line) {
    line.classList.add("gone");
    line.querySelector(".text").textContent = this.#words.retracted;
    line.querySelector("strong")?.remove();
  }
}

function made(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** What somebody wrote: text, never markup, in its own direction. */
function written(name, className, text) {
  const element = made(name, className, text);
  element.dir = "auto";
  return element;
}

if (!customElements.get("fanout-window")) customElements.define("fanout-window", FanoutWindow);
