// Persian, the trends. The same keys as trends.en.js.

export const strings = {
  "trend.range": "بازه",
  "trend.15min": "۱۵ دقیقه",
  "trend.1h": "۱ ساعت",
  "trend.6h": "۶ ساعت",
  "trend.24h": "۲۴ ساعت",
  "trend.close": "بستن روند {name}",
  "trend.loading": "خواندن پیشینه …",
  "trend.none": "در این بازه پیشینه‌ای نیست.",
  "trend.trouble": "پیشینه اکنون در دسترس نیست؛ مقدارهای زنده ادامه دارند.",
  "trend.summary": "{name}: کمینه {low}، بیشینه {high}، آخرین {last} {unit}",
  "trend.gap": "نامعلوم",
};
