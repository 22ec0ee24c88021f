// A list of any length of which only what is in view is on the page: rows of one height in a box that scrolls. For
// assistive technology it is a listbox with as many options as there are; one is chosen, and stays so wherever it moves to.

const SPARE = 6; // rows above and below the view, so that a little scrolling finds them there

export class List {
  #box;
  #sizer;
  #row;
  #at;
  #find;
  #top = null; // the key of the first row in view, and where it was
  #rows = new Map(); // by index: elements on the page
  #rem;
  #height = 0; // in pixels; it changes with the width of the page
  #count = 0;
  #version = 0;
  #drawing = false;
  chosen = 0; // its index; -1 while it is not in the list
  key = null; // what is chosen, whatever its index

  /** `row(index, element)` fills an element for an index; `at(index)` is the key of what stands there, `find(key)` its
   *  index or -1; `choose(index)` hears what is chosen. `height` is in rem. */
  constructor(box, { height, row, at, find, choose }) {
    this.#box = box;
    this.#sizer = box.querySelector(".sizer");
    this.#row = row;
    this.#at = at;
    this.#find = find;
    this.#rem = height;
    this.#measure();
    this.onChoose = choose;
    box.addEventListener("scroll", () => this.#soon(), { passive: true });
    box.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(Number(option.dataset.index));
    });
    new ResizeObserver(() => this.#soon()).observe(box);
  }

  /** There are so many now, and any of them may be others: drawn at once. What is chosen stays chosen, and where it was on
   *  the screen; if it is gone, its neighbour is, unless the list is still `loading`. */
  update(count, loading = false) {
    this.#measure();
    const anchor = this.#inView(this.chosen) ? { key: this.key, index: this.chosen } : this.#top;
    const moved = anchor?.key != null && this.#find(anchor.key) >= 0 ? this.#find(anchor.key) - anchor.index : 0;
    this.#count = count;
    const found = this.key === null ? -1 : this.#find(this.key);
    if (found >= 0) this.chosen = found;
    else if (!loading || this.key === null) this.#take(this.chosen);
    this.#sizer.style.height = `${count * this.#height}px`;
    if (moved) this.#box.scrollTop += moved * this.#height;
    this.#version += 1;
    this.#draw();
  }

  /** Nothing is chosen any more: the first one will be. */
  reset() {
    [this.chosen, this.key, this.#top] = [0, null, null];
    this.#box.scrollTop = 0;
  }

  #take(index) {
    this.chosen = Math.max(0, Math.min(index, this.#count - 1));
    this.key = this.#count ? this.#at(this.chosen) : null;
  }

  #inView(index) {
    const top = index * this.#height - this.#box.scrollTop;
    return top > -this.#height && top < this.#box.clientHeight;
  }

  choose(index) {
    if (!this.#count) return;
    this.#take(index);
    const top = this.chosen * this.#height;
    const view = this.#box.clientHeight;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    else if (top + this.#height > this.#box.scrollTop + view) this.#box.scrollTop = top + this.#height - view;
    this.#version += 1;
    this.#draw();
    this.onChoose(this.chosen);
  }

  get perView() {
    return Math.max(1, Math.floor(this.#box.clientHeight / this.#height) - 1);
  }

  #soon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#drawing = false;
    this.#measure();
    this.#sizer.style.height = `${this.#count * this.#height}px`;
    const top = Math.floor(this.#box.scrollTop / this.#height);
    this.#top = top < this.#count ? { key: this.#at(top), index: top } : null;
    const first = Math.max(0, top - SPARE);
    const last = Math.min(this.#count, Math.ceil((this.#box.scrollTop + this.#box.clientHeight) / this.#height) + SPARE);
    for (const [index, element] of this.#rows) {
      if (index >= first && index < last) continue;
      element.remove();
      this.#rows.delete(index);
    }
    for (let index = first; index < last; index += 1) this.#place(index);
    const option = this.#rows.get(this.chosen);
    if (option) this.#box.setAttribute("aria-activedescendant", option.id);
    else this.#box.removeAttribute("aria-activedescendant");
  }

  #measure() {
    const height = this.#rem * parseFloat(getComputedStyle(document.documentElement).fontSize);
    if (height === this.#height) return;
    this.#height = height;
    for (const row of this.#rows.values()) row.remove(); // they stand at other heights now
    this.#rows.clear();
  }

  #place(index) {
    let element = this.#rows.get(index);
    if (element?.drawnAt === this.#version) return;
    if (!element) {
      element = document.createElement("div");
      element.role = "option";
      element.id = `option-${index}`;
      element.dataset.index = index;
      element.style.transform = `translateY(${index * this.#height}px)`;
      this.#rows.set(index, element);
      this.#sizer.append(element);
    }
    element.drawnAt = this.#version;
    element.ariaSelected = String(this.#at(index) === this.key);
    element.ariaPosInSet = String(index + 1);
    element.ariaSetSize = String(this.#count);
    this.#row(index, element);
  }
}
