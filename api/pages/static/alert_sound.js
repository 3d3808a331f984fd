// A sound for new alerts, for those who ask for it: tones of our own making, one pattern for each priority.
// What was there already is silent. What waits too long says so again, each minute, until somebody takes it.

import { gravity, isUntaken } from "./alert_words.js";
import { h, setAttribute, setText } from "./dom.js";
import { t } from "./language.js";
import { icon } from "./states.js";

const AGAIN_MS = 60_000;
const OFF = "M2 6h3l4-3v10l-4-3H2zM11.5 6.5l3 3M14.5 6.5l-3 3";
const ON = "M2 6h3l4-3v10l-4-3H2zM11.5 6a3 3 0 0 1 0 4M13 4a6 6 0 0 1 0 8";
// [frequency in Hz, start and length in s]: the graver, the higher, the faster, the more often.
const TONES = {
  high: [[880, 0, 0.16], [660, 0.2, 0.16], [880, 0.4, 0.16], [660, 0.6, 0.16], [880, 0.8, 0.3]],
  medium: [[660, 0, 0.22], [660, 0.34, 0.3]],
  low: [[440, 0, 0.3]],
};
const LOUD = { high: 0.35, medium: 0.25, low: 0.15 };

function remembered() {
  try {
    return localStorage.getItem("orewatch.sound") === "on";
  } catch {
    return false;
  }
}

export function alertSound() {
  const text = h("span", {});
  const mark = h("span", { class: "mark" });
  const button = h("button", { type: "button", class: "button sound" }, mark, text);
  const possible = typeof AudioContext === "function";
  let on = possible && remembered();
  let audio = null;
  let known = null; // ids seen so far; null before the first look
  let waking = false; // whether the touch that goes on now is the one that woke us
  const told = new Map(); // id -> when it last sounded, by the monotonic clock

  function show() {
    const state = !possible ? "none" : !on ? "off" : audio?.state === "running" ? "on" : "waiting";
    setAttribute(button, "aria-pressed", String(on));
    setAttribute(button, "aria-label", `${t("watch.sound.label")}: ${t(`watch.sound.${state}`)}`);
    button.disabled = !possible;
    setText(text, t(`watch.sound.${state}`));
    mark.replaceChildren(icon(on ? ON : OFF));
  }

  const waits = () => on && audio?.state !== "running";

  /** Browsers let a page sound only after somebody touched it. */
  async function wake() {
    if (!on) return;
    audio ??= new AudioContext();
    audio.onstatechange = show;
    if (audio.state !== "running") await audio.resume().catch(() => {});
    show();
  }

  function play(priority) {
    if (audio?.state !== "running") return;
    const start = audio.currentTime + 0.03;
    for (const [frequency, from, length] of TONES[priority] ?? TONES.low) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.type = "triangle";
      tone.frequency.value = frequency;
      // Swelling and fading within hundredths of a second: without it every tone begins and ends with a click.
      volume.gain.setValueAtTime(0, start + from);
      volume.gain.linearRampToValueAtTime(LOUD[priority] ?? LOUD.low, start + from + 0.02);
      volume.gain.setValueAtTime(LOUD[priority] ?? LOUD.low, start + from + length - 0.03);
      volume.gain.linearRampToValueAtTime(0, start + from + length);
      tone.connect(volume).connect(audio.destination);
      tone.start(start + from);
      tone.stop(start + from + length);
    }
  }

  button.addEventListener("click", async () => {
    // Whoever touches what says that it waits for a touch does not want it off.
    if (waking || waits()) {
      waking = false;
      await wake();
      return;
    }
    on = !on;
    try {
      localStorage.setItem("orewatch.sound", on ? "on" : "off");
    } catch {
      // not kept, then; it is asked for again next time
    }
    if (on) {
      await wake();
      play("low"); // so that one hears that one will hear
    } else {
      await audio?.close();
      audio = null;
    }
    show();
  });
  for (const touch of ["pointerdown", "keydown"]) {
    addEventListener(touch, (event) => {
      waking = waits() && button.contains(event.target);
      if (waits()) wake();
    }, { capture: true });
  }
  if (on) wake();
  show();

  return {
    node: button,
    get on() {
      return on;
    },
    /** Look at the open alerts: what is new and untaken sounds once, the gravest of them if there are several. */
    take(alerts) {
      const at = performance.now();
      const untaken = alerts.filter((alert) => alert.state === "UNACK" && !alert.historical);
      const fresh = known === null ? [] : untaken.filter((alert) => !known.has(alert.id));
      for (const alert of fresh) told.set(alert.id, at);
      const waiting = untaken.filter((alert) => alert.priority !== "low" && at - (told.get(alert.id) ?? at) >= AGAIN_MS);
      for (const alert of waiting) told.set(alert.id, at);
      const standing = new Set(alerts.filter(isUntaken).map((alert) => alert.id));
      for (const id of told.keys()) if (!standing.has(id)) told.delete(id);
      known ??= new Set();
      // What is silenced for a while is new again when it comes back.
      for (const alert of alerts) {
        if (alert.state === "SHLVD") known.delete(alert.id);
        else known.add(alert.id);
      }
      const gravest = [...fresh, ...waiting].sort((a, b) => gravity(b) - gravity(a))[0];
      if (on && gravest) play(gravest.priority);
    },
  };
}
