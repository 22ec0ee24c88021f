// The operator's page: what /metrics says, read every two seconds, as plots and tables, and what is wrong on top.

import { forgetAlarms, showAlarms } from "./alarms.js";
import { answers, leaving, offer } from "./drain.js";
import { byId, count, rate, seconds, span } from "./figures.js";
import { Plot } from "./plot.js";
import { askPlugins, showPlugins } from "./plugin-switches.js";
import { showProcesses } from "./processes.js";
import { Reading } from "./prometheus.js";
import { showRooms, showRules } from "./room-rules.js";
import { signOut } from "./staff.js";
import { texts } from "./words.js";

const EVERY_MS = 2000;
const RULES_EVERY = 5; // readings: others change rules too
const WINDOW = 5; // readings over which a quantile is taken: ten seconds

const p = texts.plots;
const latency = (metric) => (now, was, past) => [now.quantile(past, metric, 0.5), now.quantile(past, metric, 0.99)];
const PLOTS = [
  [p.listeners, ["WebSocket", "SSE"], count, (now) => ["websocket", "events"].map((transport) => now.sum("fanout_listeners", { transport }))],
  [p.deliveries, [""], rate, (now, was) => [now.rate(was, "fanout_deliveries_total")]],
  [p.latency, ["p50", "p99"], seconds, latency("fanout_delivery_seconds")],
  [p.log, ["p50", "p99"], seconds, latency("fanout_log_append_seconds")],
  [p.slow, [""], count, (now) => [now.sum("fanout_slow_listeners")]],
  [p.arrivals, [texts.taken, texts.refused], rate, (now, was) => {
    const taken = now.rate(was, "fanout_handshakes_total", { result: "accepted" });
    return [taken, Math.max(0, now.rate(was, "fanout_handshakes_total") - taken)];
  }],
  [p.messages, [""], rate, (now, was) => [now.rate(was, "fanout_messages_total")]],
  [p.submissions, [""], rate, (now, was) => [now.rate(was, "fanout_submissions_total")]],
  [p.waiting, [""], count, (now) => [now.sum("fanout_submissions_now", { state: "held" })]],
  [p.oldest, [""], span, (now) => [now.sum("fanout_oldest_held_seconds")]],
].map(([title, lines, written, values]) => ({ plot: new Plot(byId("plots"), title, lines, written), values }));

const readings = []; // the last few, oldest first
let turns = 0;

async function read() {
  if (!document.hidden) {
    try {
      await readOnce();
      answers(true);
    } catch {
      answers(false);
      forgetAlarms();
      show(texts.lost, "waiting");
    }
  }
  setTimeout(read, EVERY_MS);
}

async function readOnce() {
  const now = new Reading(await (await fetch("/metrics")).text(), performance.now());
  const readiness = await (await fetch("/readyz")).json();
  if (turns % RULES_EVERY === 0) await Promise.all([showRules(), askPlugins()]);
  const [past, before] = [readings[0] ?? now, readings.at(-1)];
  if (before) {
    for (const { plot, values } of PLOTS) plot.add(values(now, before, past));
    showPlugins(now, past);
    showProcesses(now, past);
    showAlarms(now, past, readiness);
  }
  showRooms(now, past);
  offer(now.sum("fanout_listeners"), readiness.edges);
  show(readiness.code ? texts.not_ready : texts.ready, readiness.code ? "waiting" : "live");
  readings.push(now);
  if (readings.length > WINDOW) readings.shift();
  turns += 1;
}

function show(text, state) {
  const line = byId("line");
  if (leaving()) [text, state] = ["", "waiting"]; // that is told below, once
  if (line.textContent !== text) line.textContent = text;
  line.dataset.state = state;
  document.body.classList.toggle("stale", state === "waiting" && text !== texts.not_ready);
}

byId("sign-out").addEventListener("click", signOut);
read();
