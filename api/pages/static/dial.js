// A round gauge, drawn here: limits on the outer ring, the value on the inner one.

import { h, setAttribute, setText, svg } from "./dom.js";
import { number } from "./format.js";
import { t } from "./language.js";
import { spoken } from "./reading.js";
import { isAlarm, Scale, toneOf } from "./scale.js";

const CX = 100;
const CY = 98;
const FROM = 160; // degrees, clockwise from three o'clock
const SWEEP = 220;

const at = (share, radius) => {
  const angle = ((FROM + share * SWEEP) * Math.PI) / 180;
  return `${(CX + radius * Math.cos(angle)).toFixed(2)} ${(CY + radius * Math.sin(angle)).toFixed(2)}`;
};
const arc = (from, to, radius) => `M${at(from, radius)}A${radius} ${radius} 0 ${(to - from) * SWEEP > 180 ? 1 : 0} 1 ${at(to, radius)}`;

/** `open` is called when somebody wants the trend. */
export function dial({ name, signal, target = null, open }) {
  const scale = new Scale(signal, target);
  const ring = svg("g", { class: "ring" });
  const fill = svg("path", { class: "fill", d: arc(0, 1, 71), pathLength: 1000, "stroke-dasharray": "0 1000" });
  const needle = svg("path", { class: "needle", d: `M${at(0, 60)}L${at(0, 84)}` });
  const mark = svg("path", { class: "target" });
  const value = svg("text", { class: "value", x: CX, y: 98 });
  const unit = svg("text", { class: "unit", x: CX, y: 118 });
  const low = svg("text", { class: "end", x: 25, y: 144 });
  const high = svg("text", { class: "end", x: 175, y: 144 });
  const face = svg(
    "svg",
    { class: "dial-face", viewBox: "0 0 200 148", "aria-hidden": "true" },
    ring,
    svg("path", { class: "track", d: arc(0, 1, 71) }),
    fill,
    mark,
    needle,
    value,
    unit,
    low,
    high,
  );
  const remark = h("span", { class: "remark" });
  const age = h("span", { class: "age" });
  const node = h(
    "button",
    { type: "button", class: "dial", title: t("gauge.open", { name }), onclick: open },
    h("span", { class: "dial-name" }, name),
    face,
    h("span", { class: "foot" }, remark, age),
  );

  function drawScale() {
    ring.replaceChildren(...scale.bands().map((band) => svg("path", { class: `band ${band.kind}`, d: arc(band.from, band.to, 87) })));
    setText(low, number(scale.low, scale.high - scale.low < 8 ? 1 : 0));
    setText(high, number(scale.high, scale.high - scale.low < 8 ? 1 : 0));
    if (target) setAttribute(mark, "d", `M${at(scale.place(target), 62)}L${at(scale.place(target), 94)}`);
  }
  drawScale();

  return {
    node,
    show(read) {
      if (read.value !== null && scale.admit(read.value)) drawScale();
      const share = read.value === null ? 0 : scale.place(read.value);
      setAttribute(fill, "stroke-dasharray", `${(share * 1000).toFixed(1)} 1000`);
      setAttribute(needle, "transform", `rotate(${(share * SWEEP).toFixed(2)} ${CX} ${CY})`);
      setAttribute(needle, "visibility", read.value === null ? "hidden" : null);
      setText(value, read.text);
      setText(unit, read.unit);
      setText(remark, read.remark);
      setText(age, read.age);
      setAttribute(node, "data-trust", read.trust);
      setAttribute(node, "data-level", isAlarm(read.level) ? toneOf(read.level) : null);
      setAttribute(node, "aria-label", spoken(name, read));
    },
  };
}
