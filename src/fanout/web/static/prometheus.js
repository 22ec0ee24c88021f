// What /metrics says, read as Prometheus reads it: samples, rates between two readings, quantiles of histograms.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** The samples of a text, by the name of the metric: a list of { labels, value }. */
export function parsed(text) {
  const metrics = new Map();
  for (const line of text.split("\n")) {
    const found = line.startsWith("#") ? null : SAMPLE.exec(line);
    if (!found) continue;
    const labels = {};
    for (const [, name, value] of (found[2] ?? "").matchAll(LABEL)) labels[name] = value.replace(/\\(.)/g, unescaped);
    if (!metrics.has(found[1])) metrics.set(found[1], []);
    metrics.get(found[1]).push({ labels, value: Number(found[3]) });
  }
  return metrics;
}

function unescaped(whole, character) {
  return character === "n" ? "\n" : character;
}

/** One reading of a server, at a moment in milliseconds. */
export class Reading {
  constructor(text, at) {
    this.at = at;
    this.metrics = parsed(text);
  }

  /** The sum of the samples of a metric that have these labels. */
  sum(name, labels = {}) {
    return this.#matching(name, labels).reduce((total, { value }) => total + value, 0);
  }

  /** The sums of a metric's samples, by the value of one label. */
  by(name, label) {
    const sums = new Map();
    for (const one of this.metrics.get(name) ?? []) {
      sums.set(one.labels[label], (sums.get(one.labels[label]) ?? 0) + one.value);
    }
    return sums;
  }

  #matching(name, labels) {
    const wanted = Object.entries(labels);
    return (this.metrics.get(name) ?? []).filter((one) => wanted.every(([key, value]) => one.labels[key] === value));
  }

  /** By how much a counter grew a second since an earlier reading; it began anew if it is smaller now. */
  rate(before, name, labels = {}) {
    const seconds = (this.at - before.at) / 1000;
    const grown = this.sum(name, labels) - before.sum(name, labels);
    return Math.max(0, grown >= 0 ? grown : this.sum(name, labels)) / seconds;
  }

  /** A quantile of what a histogram took in since an earlier reading, as an upper bound in seconds; null: nothing. */
  quantile(before, name, q, labels = {}) {
    return this.range(before, name, q, labels)?.[1] ?? null;
  }

  /** The same as what a histogram knows of it: more than this, and up to that. */
  range(before, name, q, labels = {}) {
    const buckets = new Map();
    for (const { labels: { le }, value } of this.#matching(`${name}_bucket`, labels)) {
      buckets.set(le, (buckets.get(le) ?? 0) + value);
    }
    const counts = [...buckets].map(([le, count]) => {
      const was = before.sum(`${name}_bucket`, { ...labels, le });
      return { bound: le === "+Inf" ? Infinity : Number(le), count: count >= was ? count - was : count };
    }).sort((one, other) => one.bound - other.bound);
    const total = counts.at(-1)?.count ?? 0;
    if (!total) return null;
    const at = counts.findIndex(({ count }) => count >= q * total);
    return [counts[at - 1]?.bound ?? 0, counts[at].bound];
  }
}
