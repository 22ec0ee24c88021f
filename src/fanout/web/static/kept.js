// What a scribe has written and what is not on air yet, kept in this browser under the name of whoever wrote it. Each line has
// a key of its own, so that two tabs never write over each other; a tab that is closed leaves its lines to the others.

const PREFIX = `fanout-scribe ${encodeURIComponent(document.body.dataset.me)} `;

function keys(prefix) {
  return Object.keys(localStorage).filter((key) => key.startsWith(prefix)).sort();
}

/** How many lines of whoever is signed in are not on air yet, in any room. */
export const unsent = () => keys(PREFIX).length;

/** Nobody else is to find them here. */
export function forget() {
  for (const key of keys(PREFIX)) localStorage.removeItem(key);
}

export class Kept {
  #draft;
  #queue;
  #lock;

  constructor(room, again) {
    const here = `${PREFIX}${room} `;
    [this.#draft, this.#queue, this.#lock] = [`${here}draft `, `${here}waiting `, `${here}sends`];
    addEventListener("storage", ({ key }) => { if (key === null || key.startsWith(here)) again(key?.startsWith(this.#draft) ? key.slice(this.#draft.length) : null); });
  }

  /** The draft of this tab, or one that another has left: the newest. */
  found() {
    const mine = this.draft(sessionStorage.getItem(this.#draft));
    const others = keys(this.#draft).map((key) => JSON.parse(localStorage.getItem(key)));
    return mine ?? others.sort((one, other) => other.at - one.at)[0] ?? null;
  }

  draft(line) {
    return JSON.parse(localStorage.getItem(this.#draft + line));
  }

  /** What is typed, under the id of its line; nothing once it is empty. */
  write(draft) {
    sessionStorage.setItem(this.#draft, draft.line);
    if (draft.text) localStorage.setItem(this.#draft + draft.line, JSON.stringify({ ...draft, at: Date.now() }));
    else this.drop(draft.line);
  }

  drop(line) {
    localStorage.removeItem(this.#draft + line);
  }

  /** What waits, in order: [key, what]. */
  waiting() {
    return keys(this.#queue).map((key) => [key, JSON.parse(localStorage.getItem(key))]).filter(([, what]) => what);
  }

  wait(what) {
    const last = Number(keys(this.#queue).at(-1)?.slice(this.#queue.length).split(" ")[0] ?? 0);
    const random = crypto.getRandomValues(new Uint32Array(1))[0];
    localStorage.setItem(`${this.#queue}${Math.max(Date.now(), last + 1)} ${random}`, JSON.stringify(what));
  }

  done(key) {
    localStorage.removeItem(key);
  }

  /** One tab at a time sends, where the browser can tell (it can't over plain HTTP): the same twice does no harm. */
  alone(send) {
    return navigator.locks ? navigator.locks.request(this.#lock, send) : send();
  }
}
