// What the page says: its texts, and numbers, plurals and times in its language.

export const language = document.documentElement.lang;
export const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

const locale = navigator.languages.find((wish) => wish.startsWith(language)) ?? language; // en-GB has its own clock
const numbers = new Intl.NumberFormat(locale);
const plurals = new Intl.PluralRules(language);
const clocks = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const moments = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" });

// The link to the page in another language keeps what stands after the #, too: a server never hears of that.
for (const link of document.querySelectorAll(".top nav a")) link.addEventListener("click", () => { link.hash = location.hash; });

export const number = (value) => numbers.format(value);
export const clock = (iso) => clocks.format(new Date(iso));

/** As `day_and_time` of the server: what browsers write as "1 juin" is "1er juin". */
export const dayAndTime = (date) => moments.format(date).replace(/ 1(?= \p{L})/u, language === "fr" ? " 1er" : "$&");

/** A text with `{names}` in it, filled. */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** A text with a number in it, in the form that the number takes. */
export function counted(forms, value) {
  return filled(forms[plurals.select(value)] ?? forms.other, { count: number(value) });
}

/** An element; what it says is only ever text, never markup. */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Why something was not taken, for people. Without a code nobody answered: a browser says that in its own language. */
export function whyRefused({ code, message, afterMs }) {
  if (!code) return texts.unanswered;
  const said = texts.refused[code];
  return said ? filled(said, { seconds: number(Math.max(1, Math.ceil((afterMs ?? 1000) / 1000))) }) : message;
}

/** Times that the server wrote in its own zone, in the reader's. */
export function localTimes(within) {
  for (const time of within.querySelectorAll("time")) time.textContent = clock(time.dateTime);
}
