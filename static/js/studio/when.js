// Between a moment and what <input type="datetime-local"> holds: the viewer's own clock, to the minute. Pure.

const two = (value) => String(value).padStart(2, '0');

/** A moment (Date or ISO text) as "2026-11-26T20:00" on the viewer's clock. */
export function localText(moment) {
  const at = new Date(moment);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The moment that such a text means here, as ISO text in UTC; null if it means none. */
export function toMoment(text) {
  const at = new Date(text);
  return text && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}
