// The demo's controls: what may be done to the simulated plant. A real service has none, and says so with 404.

import { ApiError, ask, send } from "./api.js";
import { arrange, h, setText } from "./dom.js";
import { learn, t, word } from "./language.js";

const FIRST = ["stop_feeder", "block_chute", "hot_bearing", "cut_link"];
const REREAD_MS = 15_000;

/** Fill `panel` and show it, if this is a demo. */
export async function demoControls({ unitId, panel }) {
  await learn("demo");
  const first = h("div", { class: "scenarios" });
  const rest = h("div", { class: "scenarios" });
  const fault = h("p", { class: "fault small", role: "alert", hidden: true });
  const more = h("details", {}, h("summary", {}, t("demo.more")), rest);
  const buttons = new Map();

  function button(name) {
    const lamp = h("span", { class: "lamp-chip-dot", "aria-hidden": "true" });
    const node = h("button", { type: "button", class: "button scenario", "data-scenario": name }, lamp, h("span", {}, word("scenario", name)));
    node.addEventListener("click", async () => {
      const on = node.getAttribute("aria-pressed") !== "true";
      node.disabled = true;
      fault.hidden = true;
      try {
        await send(`/api/v1/demo/units/${encodeURIComponent(unitId)}/scenarios`, { name, on });
        node.setAttribute("aria-pressed", String(on));
        await read();
      } catch (error) {
        setText(fault, t("demo.failed", { why: error.message }));
        fault.hidden = false;
      } finally {
        node.disabled = false;
      }
    });
    return node;
  }

  async function read() {
    const state = await ask("/api/v1/demo");
    const scenarios = state.units[unitId]?.scenarios ?? [];
    for (const { name, on } of scenarios) {
      if (!buttons.has(name)) {
        buttons.set(name, button(name));
      }
      buttons.get(name).setAttribute("aria-pressed", String(on));
    }
    arrange(first, FIRST.filter((name) => buttons.has(name)).map((name) => buttons.get(name)));
    arrange(rest, [...buttons].filter(([name]) => !FIRST.includes(name)).map(([, node]) => node));
    more.hidden = !rest.childElementCount;
    return scenarios.length > 0;
  }

  try {
    if (!(await read())) return;
  } catch (error) {
    if (error instanceof ApiError && error.status !== 404) setTimeout(() => demoControls({ unitId, panel }), REREAD_MS);
    return;
  }
  panel.append(h("p", { class: "quiet small" }, t("demo.why")), first, more, fault);
  panel.parentElement.hidden = false;
  setInterval(() => read().catch(() => {}), REREAD_MS);
}
