// The operator's table of processes: what each carries and costs, as figures and as lines of the last minutes.

import { bytes, count, keepRows, percent, rate, row } from "./figures.js";
import { Spark } from "./plot.js";
import { filled, texts } from "./words.js";

const sparks = new Map(); // by process: its lines

/** A process that has died has a row until it is no more in the metrics. */
export function showProcesses(now, past) {
  const names = processes(now);
  for (const process of names) {
    const of = { process };
    if (!sparks.has(process)) sparks.set(process, [new Spark(percent, 1), new Spark(count, 1), new Spark(rate, 1)]);
    const [cpu, listeners, deliveries] = sparks.get(process);
    const made = row("processes", process, () => [texts.process_names[process] ?? process, cpu.cell, "", "", listeners.cell, "", deliveries.cell, ""]);
    const [, , memory, fds, , slow, , behind] = made.cells;
    cpu.add(now.rate(past, "fanout_process_cpu_seconds_total", of));
    listeners.add(now.sum("fanout_process_listeners", of));
    deliveries.add(now.rate(past, "fanout_process_deliveries_total", of));
    memory.textContent = bytes(now.sum("fanout_process_resident_bytes", of));
    const [open, most] = [now.sum("fanout_process_open_fds", of), now.sum("fanout_process_max_fds", of)];
    fds.textContent = open ? filled(texts.of, { count: count(open), most: count(most) }) : "–";
    slow.textContent = count(now.sum("fanout_process_slow_listeners", of));
    behind.textContent = count(now.sum("fanout_process_behind", of));
  }
  keepRows("processes", names);
  for (const gone of [...sparks.keys()]) if (!names.has(gone)) sparks.delete(gone);
}

/** Their names. */
export const processes = (now) => new Set(now.by("fanout_process_listeners", "process").keys());
