// Where the points of a line stand. Pure.

/** The next 1, 2 or 5 with noughts: what an axis ends with. */
export function roundUp(value) {
  const size = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((step) => step * size).find((step) => step >= value);
}

/** Points of {minute, viewers} in a picture of W × H; minutes in which nobody counted are bridged. */
export function line(minutes, scale, W, H) {
  const left = 34, base = H - 20, top = 18;
  const from = Date.parse(minutes[0].minute);
  const length = Math.max(60_000, Date.parse(minutes.at(-1).minute) - from);
  const points = minutes.map(({ minute, viewers }) => [left + ((Date.parse(minute) - from) / length) * (W - left), base - (viewers / scale) * (base - top)]);
  return { points, left, base, top };
}
