// The list of rooms: how many are in each, now and then, while somebody looks.

import { counted, texts } from "./words.js";

const EVERY_MS = 5000;

async function look() {
  if (!document.hidden) {
    try {
      const { rooms } = await (await fetch("/v1/rooms")).json();
      for (const { name, visitors } of rooms) {
        const line = document.querySelector(`[data-room="${CSS.escape(name)}"] .count`);
        if (line) line.textContent = visitors ? counted(texts.people, visitors) : "";
      }
    } catch { /* the next time */ }
  }
  setTimeout(look, EVERY_MS * (0.9 + 0.2 * Math.random()));
}

look();
