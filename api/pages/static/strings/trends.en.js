// English, the trends. trends.fa.js has the same keys; a test compares them.

export const strings = {
  "trend.range": "Span",
  "trend.15min": "15 min",
  "trend.1h": "1 h",
  "trend.6h": "6 h",
  "trend.24h": "24 h",
  "trend.close": "Close the trend of {name}",
  "trend.loading": "Reading history …",
  "trend.none": "No history in this span.",
  "trend.trouble": "History is not available now; live values go on.",
  "trend.summary": "{name}: lowest {low}, highest {high}, last {last} {unit}",
  "trend.gap": "unknown",
};
