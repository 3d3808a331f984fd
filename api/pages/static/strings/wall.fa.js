// Persian, the wall. The same keys as wall.en.js.

export const strings = {
  "wall.title": "نمای دیواری",
  "wall.previous": "واحد پیشین (کلید پیکان)",
  "wall.next": "واحد بعدی (کلید پیکان)",
  "wall.pause": "مکث (کلید فاصله)",
  "wall.go": "ادامه (کلید فاصله)",
  "wall.full": "تمام‌صفحه (کلید f)",
  "wall.progress": "تا واحد بعدی",
  "wall.place": "{n} از {all}",
  "wall.nothing": "هیچ واحدی با خواستهٔ این نشانی جور نیست.",
};
