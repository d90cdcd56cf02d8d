// The words of this page in the visitor's language, and how times look.

const all = JSON.parse(document.getElementById("words").textContent);

/** The word `name` with its {gaps} filled. */
export const word = (name, gaps = {}) =>
  String(all[name] ?? name).replace(/\{(\w+)\}/g, (gap, key) => (key in gaps ? gaps[key] : gap));
export const emotionName = (name) => all.emotions[name] ?? name;
export const stateName = (name) => all.states[name] ?? name;

/** `1:02:03.4` or `2:03.4`. */
export function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  const [hours, minutes, rest] = [Math.floor(tenths / 36000), Math.floor((tenths % 36000) / 600), tenths % 600];
  const tail = `${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** Seconds that `clock` wrote, or NaN. */
export function parsed(text) {
  const parts = text.trim().split(":").map(Number);
  return parts.length > 3 ? NaN : parts.reduce((sum, part) => sum * 60 + part, 0);
}
