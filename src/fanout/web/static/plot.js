// Small plots of the last minutes: lines, and the newest value in figures, which is what a screen reader gets.

import { element } from "./words.js";

const [WIDTH, HEIGHT, KEPT] = [300, 72, 150];

/** One or more lines on one scale. `svg` is to be put somewhere; `most` is the scale's least end. */
export class Lines {
  #lines;
  #values;
  #most;

  constructor(names, most = 1e-9) {
    this.svg = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.#lines = names.map((_, index) => made("polyline", { class: `line-${index}` }));
    this.#values = names.map(() => []);
    this.#most = most;
    this.svg.append(...this.#lines);
  }

  /** One value for each line; null: there is none now. Returns where the scale ends; null: nothing is on it. */
  add(values) {
    for (const [index, value] of values.entries()) {
      this.#values[index].push(value);
      if (this.#values[index].length > KEPT) this.#values[index].shift();
    }
    const finite = this.#values.flat().filter(Number.isFinite);
    const most = Math.max(...finite, this.#most);
    for (const [index, line] of this.#lines.entries()) {
      const points = this.#values[index].map((value, place) => [WIDTH - (this.#values[index].length - 1 - place) * (WIDTH / (KEPT - 1)), value])
        .filter(([, value]) => value !== null)
        .map(([x, value]) => `${x.toFixed(1)},${(HEIGHT - 2 - (Math.min(value, most) / most) * (HEIGHT - 6)).toFixed(1)}`);
      line.setAttribute("points", points.join(" "));
    }
    return finite.length ? most : null;
  }
}

/** A line in a cell, with its newest value. */
export class Spark {
  #lines;
  #newest = element("span", "figure");
  #written;

  constructor(written, most) {
    this.#written = written;
    this.#lines = new Lines([""], most);
    this.cell = element("span", "spark");
    this.cell.append(this.#newest, this.#lines.svg);
  }

  add(value) {
    this.#lines.add([value]);
    this.#newest.textContent = value === null ? "–" : this.#written(value);
  }
}

/** A plot with a title. */
export class Plot {
  #lines;
  #newest = element("p", "newest");
  #top = element("span", "scale");
  #written;

  /** `lines` are their names; `written(value)` is how a value reads. */
  constructor(place, title, lines, written) {
    this.#lines = new Lines(lines);
    this.#written = written;
    this.names = lines;
    const figure = element("figure", "plot");
    figure.append(element("figcaption", "", title), this.#newest, this.#top, this.#lines.svg);
    place.append(figure);
  }

  /** One value for each line; null: there is none now. */
  add(values) {
    const most = this.#lines.add(values);
    this.#top.textContent = most === null ? "" : this.#written(most);
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
