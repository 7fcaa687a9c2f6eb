// What the page says and how it writes numbers, money and time, in the language of <html lang>.
// Only plain string literals may be given to t() and tn(): scripts/strings.py reads them from the source.

let catalogue = null;

const browserCatalogue = () => {
  const element = globalThis.document?.getElementById('js-strings');
  return element ? JSON.parse(element.textContent) : { lang: 'en', strings: {}, plurals: {} };
};

/** Use another catalogue: {lang, strings: {English: text}, plurals: {English singular: [texts]}}. Tests do. */
export function load(next) {
  catalogue = next;
}

const words = () => (catalogue ??= browserCatalogue());

/** The language tag of the page, "en" or "zh-CN". */
export const lang = () => words().lang;

const fill = (text, params) =>
  params ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole)) : text;

/** A sentence; `{name}` is filled from params. */
export const t = (text, params) => fill(words().strings[text] ?? text, params);

/** A sentence that counts; `{n}` is the number, written in the page's language. */
export function tn(one, many, n, params) {
  const forms = words().plurals[one];
  const text = forms ? forms[Math.min(n === 1 ? 0 : 1, forms.length - 1)] : n === 1 ? one : many;
  return fill(text, { n: number(n), ...params });
}

// -- Numbers and money. Formatters are slow to make (about 50 µs) and quick to use, so they are kept.

const kept = new Map();
function formatter(Kind, options, tag = lang()) {
  const key = `${Kind.name}${tag}${JSON.stringify(options)}`;
  if (!kept.has(key)) kept.set(key, new Kind(tag, options));
  return kept.get(key);
}

/** A whole number with its separators. */
export const number = (value) => formatter(Intl.NumberFormat, {}).format(value);

/** A share: percent(0.853) → "85.3%". */
export const percent = (share, digits = 1) =>
  formatter(Intl.NumberFormat, { style: 'percent', maximumFractionDigits: digits }).format(share);

// KWD has 3 digits, JPY none. CLDR and ISO 4217 agree for every currency we sell in.
const moneyFormat = (currency) => formatter(Intl.NumberFormat, { style: 'currency', currency });

/** Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD. */
export const exponent = (currency) => moneyFormat(currency).resolvedOptions().maximumFractionDigits;

/** Minor units as a decimal string, exactly: decimal(-5, 'EUR') → "-0.05". */
export function decimal(minor, currency) {
  const digits = exponent(currency);
  const text = String(Math.abs(minor)).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const sign = minor < 0 ? '-' : '';
  return digits ? `${sign}${whole}.${text.slice(-digits)}` : sign + whole;
}

/** Minor units as a price: money(210, 'GBP') → "£2.10". */
export const money = (minor, currency) => moneyFormat(currency).format(decimal(minor, currency));

/** The price in parts, [["symbol" | "int" | "frac", text], …], as core.money.format_parts gives them. */
export function moneyParts(minor, currency) {
  const kinds = { integer: 'int', group: 'int', decimal: 'frac', fraction: 'frac' };
  const parts = [];
  for (const { type, value } of moneyFormat(currency).formatToParts(decimal(minor, currency))) {
    const kind = kinds[type] ?? 'symbol';
    if (parts.at(-1)?.[0] === kind) parts.at(-1)[1] += value;
    else parts.push([kind, value]);
  }
  return parts;
}

// -- Time, in the viewer's own zone.

// English dates as everyone but Americans writes them; core/i18n.py does the same.
const dateTag = () => (lang() === 'en' ? 'en-GB' : lang());

const SHAPES = {
  time: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  seconds: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  date: { dateStyle: 'medium' },
  day: { weekday: 'short', day: 'numeric', month: 'short' },
  month: { day: 'numeric', month: 'short' },
  long: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
  datetime: { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  short: { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
};

/** A moment (Date, number of ms or ISO text) in one of the shapes above. */
export const time = (moment, shape = 'time') => formatter(Intl.DateTimeFormat, SHAPES[shape], dateTag()).format(new Date(moment));

/** "today", "tomorrow" and "yesterday" in words, else the day. */
export function dayName(moment, now = Date.now()) {
  const midnight = (value) => new Date(new Date(value).toDateString());
  const days = Math.round((midnight(moment) - midnight(now)) / 86_400_000);
  if (Math.abs(days) > 1) return time(moment, 'day');
  return formatter(Intl.RelativeTimeFormat, { numeric: 'auto' }).format(days, 'day');
}

/** A length as a clock: clock(134_000) → "02:14", above an hour "1:02:14". Rounded up, so 0 means over. */
export function clock(ms) {
  const left = Math.max(0, Math.ceil(ms / 1000));
  const two = (value) => String(value).padStart(2, '0');
  const hours = Math.floor(left / 3600);
  const rest = `${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}
