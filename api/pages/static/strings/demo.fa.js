// Persian: demo. The same keys as demo.en.js.

export const strings = {
  "demo.why": "این دکمه‌ها بر کارخانهٔ شبیه‌سازی‌شدهٔ این واحد اثر می‌گذارند. دبی و جریان هر ثانیه خوانده می‌شود و دما هر نیم دقیقه.",
  "demo.more": "بیشتر",
  "demo.failed": "کارخانه نپذیرفت: {why}",
  "scenario.stop_feeder": "ایست خوراک‌دهنده",
  "scenario.block_chute": "گرفتگی شوت",
  "scenario.hot_bearing": "داغ کردن یاتاقان",
  "scenario.cut_link": "قطع ارتباط",
  "scenario.starve": "بی‌خوراک کردن",
  "scenario.throughput_loss": "افت آهستهٔ تناژ ساعتی",
  "scenario.harder_ore": "کانسنگ سخت‌تر",
  "scenario.jump_clock": "به‌هم‌زدن ساعت",
  "scenario.reset_totaliser": "صفر کردن شمارندهٔ تناژ",
};
