// English: why a unit stands, on its page. stop.fa.js has the same keys; a test compares them.

export const strings = {
  "stop.ask": "Why does it stand?",
  "stop.known": "Reason of the stop",
  "stop.one-tap": "One tap books it from the moment it stopped until it runs again.",
  "stop.by": "by {who}, {moment}",
  "stop.until": "until it runs again",
  "stop.waiting": "waiting to be sent",
  "stop.undo": "Undo",
  "stop.undone": "undone",
  "stop.name": "Your name",
  "stop.name.why": "Asked once: it is kept in this browser and goes with what you enter.",
  "stop.book": "Book “{reason}”",
  "stop.plan": "Plan a stop",
  "stop.all": "Ore, targets, plans, assays",
};
