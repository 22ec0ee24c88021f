// The operator's table of plug-ins: what each costs, whether it is left alone, and the switch that takes it out.

import { confirmed } from "./confirm.js";
import { byId, count, done, keepRows, rate, row, seconds } from "./figures.js";
import { ask, may } from "./staff.js";
import { clock, element, filled, texts } from "./words.js";

/** The plug-ins as the server last described them, by name. */
export const plugins = new Map();

/** Ask how they stand: others switch them too. */
export async function askPlugins() {
  const { plugins: all } = await ask("GET", "/v1/plugins");
  plugins.clear();
  for (const one of all) plugins.set(one.name, one);
}

/** Which hooks of which are left alone now, for they fail. */
export const leftAlone = (now, plugin) => now.sum("fanout_hook_breaker_open", { plugin }) > 0;

export function showPlugins(now, past) {
  for (const name of plugins.keys()) {
    const one = row("plugins", name, () => [name, "", "", "", "", may("operate") ? button(name) : "–"]);
    const [, calls, p99, failures, state, place] = one.cells;
    calls.textContent = rate(now.rate(past, "fanout_hook_seconds_count", { plugin: name }));
    p99.textContent = seconds(now.quantile(past, "fanout_hook_seconds", 0.99, { plugin: name }));
    failures.textContent = count(now.sum("fanout_hook_failures_total", { plugin: name }));
    const on = now.sum("fanout_plugin_enabled", { plugin: name }) === 1;
    const alone = leftAlone(now, name);
    state.textContent = stateOf(plugins.get(name), on, alone);
    state.className = on ? (alone ? "bad" : "") : "warn";
    const pressed = place.querySelector("button");
    if (pressed) label(pressed, name, on);
  }
  keepRows("plugins", plugins);
  byId("plugins").parentElement.hidden = !plugins.size;
}

function stateOf({ switched, on_failure, shadow }, on, alone) {
  const said = texts.plugin_state;
  if (!on) return filled(said.off, { by: switched?.by ?? "", at: switched ? clock(switched.at) : "" });
  if (alone) return filled(said.alone, { stands: texts.stands[on_failure] });
  return shadow ? said.shadow : said.on;
}

function label(button, name, on) {
  button.textContent = on ? texts.switch_off : texts.switch_on;
  button.dataset.on = on;
  button.setAttribute("aria-label", `${button.textContent}: ${name}`);
}

function button(name) {
  const made = element("button", "small");
  made.type = "button";
  made.addEventListener("click", async () => {
    const enabled = made.dataset.on === "true"; // as the button says
    const { title, text } = texts.ask_off;
    if (enabled && !(await confirmed(filled(title, { plugin: name }), text, texts.switch_off))) return;
    const path = `/v1/plugins/${encodeURIComponent(name)}`;
    await done(async () => plugins.set(name, await ask("PUT", path, { enabled: !enabled })));
  });
  return made;
}
