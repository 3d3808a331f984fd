// The states of the last 24 hours as one strip, with what each took, and why. Time runs from left to right in
// both languages, as on the plant's own recorders.

import { DAY_MS, merged, sumsOf } from "./day.js";
import { h, px, setAttribute, setText, svg } from "./dom.js";
import { minute, moment, span } from "./format.js";
import { join, t } from "./language.js";
import { icon, reasonWord, stateIcon, stateOf, stateWord } from "./states.js";

const TEHRAN_MS = 12_600_000; // +03:30, so that ticks stand on Tehran's full hours
const HEIGHT = px(44);
const SHOWN_CHANGES = 12;
const wordOf = (one) => stateWord(one.state, one.reason, one.code);

export function stateStrip() {
  const pattern = svg(
    "pattern",
    { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: 3, height: 7, class: "hatch" }),
  );
  const segments = svg("g", {});
  const ticks = svg("g", { class: "ticks" });
  const cursor = svg("rect", { class: "cursor", width: 1, height: HEIGHT, visibility: "hidden" });
  const drawing = svg("svg", { class: "strip", role: "img", "aria-label": t("strip.none"), height: HEIGHT + px(20) }, svg("defs", {}, pattern), segments, ticks, cursor);
  const frame = h("div", { class: "strip-frame", tabindex: "0" }, drawing);
  const readout = h("p", { class: "readout", "aria-live": "polite" });
  const legend = h("ul", { class: "legend", "aria-label": t("strip.legend") });
  const changes = h("tbody", {});
  const node = h(
    "div",
    { class: "strip-body" },
    frame,
    readout,
    legend,
    h(
      "details",
      { class: "changes" },
      h("summary", {}, t("strip.changes")),
      h("table", {}, h("thead", {}, h("tr", {}, ...["strip.from", "column.state", "strip.lasted", "strip.reason"].map((key) => h("th", { scope: "col", class: "label" }, t(key))))), changes),
    ),
  );
  let shown = [];
  let range = [0, 1];
  let picked = null;

  const x = (ms, width) => ((ms - range[0]) / (range[1] - range[0])) * width;

  function drawSegments(width) {
    segments.replaceChildren(
      ...shown.map((one) => {
        const left = x(one.from, width);
        const wide = Math.max(1, x(one.to, width) - left);
        const state = stateOf(one.state, one.reason);
        const group = svg("g", { class: "segment", "data-state": state.name, "data-tone": state.tone }, svg("rect", { x: left, y: 0, width: wide, height: HEIGHT }));
        if (one.state === "COMMS_LOSS") group.append(svg("rect", { class: "over", x: left, y: 0, width: wide, height: HEIGHT, fill: "url(#hatch)" }));
        if (wide > px(26)) {
          const drawn = icon(state.icon);
          for (const [name, value] of [["x", left + wide / 2 - px(7)], ["y", HEIGHT / 2 - px(7)], ["width", px(14)], ["height", px(14)]]) drawn.setAttribute(name, value);
          group.append(drawn);
        }
        return group;
      }),
    );
  }

  function drawTicks(width) {
    const step = (width < px(520) ? 6 : width < px(900) ? 3 : 2) * 3_600_000;
    const first = Math.ceil((range[0] + TEHRAN_MS) / step) * step - TEHRAN_MS;
    const drawn = [];
    for (let at = first; at < range[1]; at += step) {
      const here = x(at, width);
      if (here < px(18) || here > width - px(48)) continue;
      drawn.push(svg("rect", { x: here, y: HEIGHT, width: 1, height: 5 }), svg("text", { x: here, y: HEIGHT + px(17) }, minute(at)));
    }
    drawn.push(svg("text", { x: width, y: HEIGHT + px(17), class: "end" }, t("strip.now")));
    ticks.replaceChildren(...drawn);
  }

  function drawLegend() {
    const order = [...sumsOf(shown).values()];
    legend.replaceChildren(...order.map(({ word, ms, one }) => h("li", { "data-state": stateOf(one.state, one.reason).name }, h("span", { class: "swatch" }, stateIcon(one.state, one.reason)), h("span", {}, word), h("b", {}, span(ms)))));
    setAttribute(drawing, "aria-label", t("strip.label", { summary: order.map(({ word, ms }) => `${word} ${span(ms)}`).join(t("list")) }));
  }

  function drawChanges() {
    const newest = shown.slice(-SHOWN_CHANGES).reverse();
    changes.replaceChildren(
      ...newest.map((one) =>
        h("tr", { "data-state": stateOf(one.state, one.reason).name }, h("td", {}, moment(one.begun, range[1])), h("td", { class: "with-icon" }, stateIcon(one.state, one.reason), wordOf(one)), h("td", {}, span(one.to - one.begun)), h("td", {}, reasonWord(one.reason, one.code), one.provisional ? h("span", { class: "quiet", title: t("provisional.title") }, ` ${t("provisional")}`) : null)),
      ),
    );
  }

  function draw() {
    const width = frame.clientWidth;
    if (!width) return;
    drawing.setAttribute("width", width);
    drawSegments(width);
    drawTicks(width);
    say();
  }

  function say() {
    if (!shown.length) return setText(readout, t("strip.none"));
    const index = picked ?? shown.length - 1;
    const one = shown[Math.min(index, shown.length - 1)];
    const why = reasonWord(one.reason, one.code);
    const until = one.to >= range[1] ? t("strip.now") : minute(one.to);
    setText(readout, join(wordOf(one), `${moment(one.begun, range[1])} – ${until}`, span(one.to - one.begun), why));
    setAttribute(cursor, "visibility", picked === null ? "hidden" : null);
    if (picked !== null) setAttribute(cursor, "x", x((one.from + one.to) / 2, frame.clientWidth));
    return undefined;
  }

  function pick(index) {
    picked = index;
    say();
  }
  frame.addEventListener("pointermove", (event) => {
    const box = frame.getBoundingClientRect();
    const at = range[0] + ((event.clientX - box.left) / box.width) * (range[1] - range[0]);
    const index = shown.findIndex((one) => at >= one.from && at < one.to);
    pick(index < 0 ? null : index);
  });
  frame.addEventListener("pointerleave", () => pick(null));
  frame.addEventListener("blur", () => pick(null));
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    pick(Math.min(shown.length - 1, Math.max(0, (picked ?? shown.length - 1) + step)));
  });
  new ResizeObserver(draw).observe(frame);

  return {
    node,
    show(intervals, standing, now) {
      shown = merged(intervals.map((one) => ({ ...one })), standing, now);
      range = [now - DAY_MS, now];
      if (picked !== null && picked >= shown.length) picked = null;
      draw();
      drawLegend();
      drawChanges();
    },
  };
}
