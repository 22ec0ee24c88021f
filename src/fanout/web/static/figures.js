// How the operator's figures are written, and where the page says what was not done.

import { element, filled, number, texts } from "./words.js";

export const byId = (id) => document.getElementById(id);
export const count = (value) => number(Math.round(value));
export const rate = (value) => `${number(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))}/s`;
export const percent = (share) => `${number(Math.round(share * 100))} %`;
export const span = (value) => (value < 120 ? `${number(Math.round(value))} s` : `${number(Math.round(value / 60))} min`);
export const bytes = (value) => `${number(Math.round(value / (1 << 20)))} MiB`;

export function seconds(value) {
  if (value === null) return "–";
  if (value === Infinity) return "> 10 s";
  return value < 1 ? `${number(Math.round(value * 100000) / 100)} ms` : `${number(Math.round(value * 10) / 10)} s`;
}

/** Do this; if it can't be done, say why, and return false. */
export async function done(act) {
  try {
    await act();
    byId("told").textContent = "";
    return true;
  } catch (error) {
    const why = error instanceof TypeError ? texts.lost : error.message; // nobody answers: a browser says it in its own words
    byId("told").textContent = filled(texts.failed, { why });
    return false;
  }
}

/** The row of a table with this key; if it is not there, it is made with the cells that `cells` makes: heading first. */
export function row(table, key, cells) {
  const body = byId(table).querySelector("tbody");
  const there = [...body.rows].find((one) => one.dataset.key === key);
  if (there) return there;
  const made = element("tr");
  made.dataset.key = key;
  for (const [index, cell] of cells().entries()) {
    const place = element(index ? "td" : "th");
    if (!index) place.scope = "row";
    place.append(cell);
    made.append(place);
  }
  body.append(made);
  return made;
}

/** Rows of what is no more there go. */
export function keepRows(table, keys) {
  for (const one of [...byId(table).querySelector("tbody").rows]) if (!keys.has(one.dataset.key)) one.remove();
}
