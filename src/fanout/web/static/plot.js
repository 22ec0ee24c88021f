// A small plot of the last minutes: one or two lines, and the newest value in figures, which is what a screen reader gets.

import { element } from "./words.js";

const [WIDTH, HEIGHT, KEPT] = [300, 72, 150];

export class Plot {
  #lines;
  #values;
  #newest = element("p", "newest");
  #svg = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  #top = element("span", "scale");
  #written;

  /** `lines` are their names; `written(value)` is how a value reads. */
  constructor(place, title, lines, written) {
    this.#lines = lines.map((_, index) => made("polyline", { class: `line-${index}` }));
    this.#values = lines.map(() => []);
    this.#written = written;
    this.names = lines;
    const figure = element("figure", "plot");
    figure.append(element("figcaption", "", title), this.#newest, this.#top, this.#svg);
    this.#svg.append(...this.#lines);
    place.append(figure);
  }

  /** One value for each line; null: there is none now. */
  add(values) {
    for (const [index, value] of values.entries()) {
      this.#values[index].push(value);
      if (this.#values[index].length > KEPT) this.#values[index].shift();
    }
    const finite = this.#values.flat().filter(Number.isFinite);
    const most = Math.max(...finite, 1e-9);
    this.#top.textContent = finite.length ? this.#written(most) : "";
    for (const [index, line] of this.#lines.entries()) {
      const points = this.#values[index].map((value, place) => [WIDTH - (this.#values[index].length - 1 - place) * (WIDTH / (KEPT - 1)), value])
        .filter(([, value]) => value !== null)
        .map(([x, value]) => `${x.toFixed(1)},${(HEIGHT - 2 - (Math.min(value, most) / most) * (HEIGHT - 6)).toFixed(1)}`);
      line.setAttribute("points", points.join(" "));
    }
    this.#newest.replaceChildren(...values.map((value, index) => {
      const item = element("span", `value-${index}`);
      item.append(element("b", "", value === null ? "–" : this.#written(value)), ` ${this.names[index]}`);
      return item;
    }));
  }
}

function made(name, attributes) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  return svg;
}
