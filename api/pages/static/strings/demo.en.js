// English: demo. demo.fa.js has the same keys; a test compares them.

export const strings = {
  "demo.why": "These act on the simulated plant behind this unit. Flow and currents are read every second, temperatures every half minute.",
  "demo.more": "More",
  "demo.failed": "The plant did not take it: {why}",
  "scenario.stop_feeder": "Stop the feeder",
  "scenario.block_chute": "Block the chute",
  "scenario.hot_bearing": "Heat a bearing",
  "scenario.cut_link": "Cut the link",
  "scenario.starve": "Starve it of ore",
  "scenario.throughput_loss": "Lose throughput slowly",
  "scenario.harder_ore": "Feed harder ore",
  "scenario.jump_clock": "Set the clock wrong",
  "scenario.reset_totaliser": "Reset the totaliser",
};
