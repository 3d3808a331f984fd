// A straight gauge, one line high: bands along a track, a pointer on it. Twenty of them read like a column of text.

import { h, setAttribute, setText, svg } from "./dom.js";
import { t } from "./language.js";
import { isAlarm, Scale, spoken, toneOf } from "./reading.js";

const share = (value) => `${(value * 100).toFixed(2)}%`;

export function bar({ name, label, signal, target = null, open }) {
  const scale = new Scale(signal, target);
  const bands = svg("g", {});
  const mark = svg("rect", { class: "target", y: 0, width: 2, height: "100%" });
  // A nested svg moves by percent without knowing how wide the gauge is.
  const pointer = svg("svg", { class: "pointer", overflow: "visible" }, svg("path", { d: "M0 15L-5.2 5.4V0H5.2V5.4Z" }));
  const track = svg("svg", { class: "track", "aria-hidden": "true" }, bands, mark, pointer);
  const value = h("span", { class: "value" });
  const unit = h("span", { class: "unit" });
  const remark = h("span", { class: "remark" });
  const age = h("span", { class: "age" });
  const node = h(
    "button",
    { type: "button", class: "bar", title: t("gauge.open", { name: label }), onclick: open },
    h("span", { class: "name" }, name, remark),
    track,
    h("span", {}, h("span", { class: "amount" }, value, unit), age),
  );

  function drawScale() {
    bands.replaceChildren(
      ...scale.bands().map((band) => svg("rect", { class: `band ${band.kind}`, x: share(band.from), y: 11, width: share(band.to - band.from), height: 7 })),
    );
    if (target) setAttribute(mark, "x", share(scale.place(target)));
    mark.toggleAttribute("hidden", !target);
  }
  drawScale();

  return {
    node,
    show(read) {
      if (read.value !== null && scale.admit(read.value)) drawScale();
      setAttribute(pointer, "x", share(read.value === null ? 0 : scale.place(read.value)));
      setAttribute(pointer, "visibility", read.value === null ? "hidden" : null);
      setText(value, read.text);
      setText(unit, read.unit);
      setText(remark, read.remark);
      setText(age, read.age);
      setAttribute(node, "data-trust", read.trust);
      setAttribute(node, "data-level", isAlarm(read.level) ? toneOf(read.level) : null);
      setAttribute(node, "aria-label", spoken(label, read));
    },
  };
}
