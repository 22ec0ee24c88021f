// What the desk knows of the queue: everything that fits the filters, oldest first, kept true by what the desk room tells.

import { ask, roomPath } from "./staff.js";

const PAGE = 500; // submissions that are asked for at a time, as many as the server gives

export class Queue {
  shown = []; // submissions that fit, oldest first
  leases = new Map(); // by the id of the submission: who has it in hand, until when
  loading = false;
  deciding = new Set(); // ids on their way to the server: what it says of them in the meantime is older than what we show
  #byId = new Map();
  #filter = { state: "held", source: "", search: "" };
  #touched = null; // while loading: what has changed since, which is newer than any page
  #load = 0;
  #changed;

  /** `changed()` is called after each change, perhaps often. */
  constructor(changed) {
    this.#changed = changed;
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** Begins anew, with another filter if one is given. */
  async load(filter = this.#filter) {
    const mine = (this.#load += 1);
    this.#filter = filter;
    this.#touched = new Set(this.deciding);
    this.loading = true;
    let page = { next: 0 };
    let begun = false;
    do {
      page = await this.#page(page.next);
      if (mine !== this.#load) return; // another filter was chosen meanwhile
      if (!begun) this.#begin(page.leases);
      begun = true;
      for (const one of page.submissions) if (!this.#touched.has(one.id)) this.#put(one);
      this.#changed();
    } while (page.submissions.length === PAGE);
    this.loading = false;
    this.#touched = null;
    this.#changed();
  }

  #begin(leases) {
    this.shown = [...this.#byId.values()].filter((one) => this.#touched.has(one.id) && this.#fits(one));
    this.#byId = new Map(this.shown.map((one) => [one.id, one]));
    this.leases = new Map(leases.map((lease) => [lease.submission, lease]));
  }

  #page(after) {
    const query = new URLSearchParams({ after, limit: PAGE });
    for (const [name, value] of Object.entries(this.#filter)) if (value) query.set(name, value);
    return ask("GET", roomPath(`/submissions?${query}`));
  }

  /** What a message of the desk room says; whether it had room for everything. */
  hear({ changes = [], more = 0 }) {
    for (const change of changes) {
      if (change.what === "submission") this.take(change);
      else if (change.what === "lease" && change.until) this.leases.set(change.submission, change);
      else if (change.what === "lease") this.leases.delete(change.submission);
    }
    this.#changed();
    return more === 0;
  }

  /** A submission as it stands now. */
  take(submission) {
    this.#touched?.add(submission.id);
    this.#put(submission);
    this.#changed();
  }

  #put(submission) {
    const known = this.#byId.get(submission.id);
    const fits = this.#fits(submission);
    if (known) {
      const place = this.#place(known.number);
      if (fits) this.shown[place] = submission;
      else this.shown.splice(place, 1);
    } else if (fits) {
      this.shown.splice(this.#place(submission.number), 0, submission);
    }
    if (fits) this.#byId.set(submission.id, submission);
    else this.#byId.delete(submission.id);
  }

  /** Where a number stands, or would, in what is shown: most that come are newer than all. */
  #place(number) {
    let [low, high] = [0, this.shown.length];
    if (high && this.shown[high - 1].number < number) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shown[middle].number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #fits({ state, source, text, name }) {
    const wanted = this.#filter;
    if (wanted.state && !wanted.state.split(",").includes(state)) return false;
    if (wanted.source && wanted.source !== source) return false;
    const said = folded(`${text} ${name}`);
    return folded(wanted.search).split(" ").every((word) => said.includes(word));
  }

  /** The place of a submission among those that are shown; -1 if it isn't. */
  indexOf(id) {
    const one = this.#byId.get(id);
    return one ? this.#place(one.number) : -1;
  }
}

function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
}
