// Persian: why a unit stands, on its page. The same keys as stop.en.js.

export const strings = {
  "stop.ask": "چرا ایستاده است؟",
  "stop.known": "علت توقف",
  "stop.one-tap": "با یک لمس، علت از لحظهٔ ایست تا راه افتادن دوباره ثبت می‌شود.",
  "stop.by": "{who}، {moment}",
  "stop.until": "تا راه افتادن دوباره",
  "stop.waiting": "در انتظار فرستادن",
  "stop.undo": "پس گرفتن",
  "stop.undone": "پس گرفته شد",
  "stop.name": "نام شما",
  "stop.name.why": "یک بار پرسیده می‌شود: در همین مرورگر می‌ماند و همراه آنچه ثبت می‌کنید می‌رود.",
  "stop.book": "ثبت «{reason}»",
  "stop.plan": "برنامه‌ریزی توقف",
  "stop.all": "کانسنگ، هدف، برنامه، عیارسنجی",
};
