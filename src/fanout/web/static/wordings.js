// What messages say once they were put right: the last words that nobody has taken back.

export class Wordings {
  #all = new Map(); // by the id of a message, and of each that corrected it: [id, text] of them all, oldest first

  /** `id` puts right what `about` says, which was `before`. */
  correct(about, id, text, before) {
    const all = this.#all.get(about) ?? [[about, before]];
    all.push([id, text]);
    this.#all.set(about, all).set(id, all);
  }

  /** A correction is taken back: [the message, what it says now]; null: it is none that was heard. */
  takeBack(id) {
    const all = this.#all.get(id);
    const place = all?.findIndex(([one], index) => index && one === id) ?? -1;
    if (place < 0) return null;
    all.splice(place, 1);
    return [all[0][0], all.at(-1)[1]];
  }
}
