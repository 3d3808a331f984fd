// An edge node of another make, and a reader of everybody's payloads: for test_conformance_peer.py.
// Arguments: broker url, group, node. Writes one JSON line per thing that happened.
"use strict";

const { newClient } = require("sparkplug-client");
const payloads = require("sparkplug-payload").get("spBv1.0");
const mqtt = require("mqtt");

const [url, groupId, edgeNode] = process.argv.slice(2);
const say = (what) => process.stdout.write(JSON.stringify(what, (_, v) => (typeof v === "bigint" ? String(v) : v)) + "\n");
const values = (turn) => [
  { name: "flow", type: "Double", value: turn / 2 },
  { name: "count", type: "Int32", value: -turn },
  { name: "running", type: "Boolean", value: turn % 2 === 0 },
  { name: "note", type: "String", value: "turn " + turn },
];

const reader = mqtt.connect(url, { clientId: edgeNode + "-reader" });
reader.on("connect", () => reader.subscribe("spBv1.0/#", () => say({ event: "reading" })));
reader.on("message", (topic, data) => {
  if (topic.includes("/STATE/")) return;
  try {
    const { seq, metrics } = payloads.decodePayload(data);
    const brief = metrics.map(({ name, alias, type, value }) => ({
      name, alias: alias === undefined ? null : Number(alias), type,
      value: value instanceof Uint8Array ? value.length : value && value.toNumber ? value.toNumber() : value,
    }));
    say({ event: "read", topic, seq: seq === undefined ? null : Number(seq), metrics: brief });
  } catch (error) {
    say({ event: "unreadable", topic, error: String(error) });
  }
});

const client = newClient({
  serverUrl: url, username: "peer", password: "peer", groupId, edgeNode, clientId: edgeNode, publishDeath: true,
});
let turn = 0;
client.on("error", (error) => say({ event: "error", error: String(error) }));
client.on("birth", () => {
  const rebirth = { name: "Node Control/Rebirth", type: "Boolean", value: false };
  client.publishNodeBirth({ timestamp: Date.now(), metrics: [rebirth, { name: "load", type: "Float", value: 1.5 }] });
  client.publishDeviceBirth("pump", { timestamp: Date.now(), metrics: values(turn) });
  say({ event: "born" });
});
client.on("ncmd", ({ metrics }) => {
  const asked = metrics.some(({ name, value }) => name === "Node Control/Rebirth" && value === true);
  say({ event: "ncmd", asked });
  if (asked) client.emit("birth");
});
setInterval(() => {
  turn += 1;
  client.publishDeviceData("pump", { timestamp: Date.now(), metrics: values(turn) });
}, 50);

process.on("SIGTERM", () => {
  client.stop();
  reader.end();
  setTimeout(() => process.exit(0), 200);
});
