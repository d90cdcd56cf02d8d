// SSML in the editor: tags around the selection, and the place that an error speaks of.

const TAGS = {
  emotion: (text, emotion) => `<emotion category="${emotion}">${text}</emotion>`,
  break: (text) => `${text}<break time="500ms"/>`,
  prosody: (text) => `<prosody rate="80%">${text}</prosody>`,
  phoneme: (text) => `<phoneme alphabet="py" ph="">${text}</phoneme>`,
  "say-as": (text) => `<say-as interpret-as="digits">${text}</say-as>`,
};
/** The API's names of emotions in the tag's own vocabulary. */
const CATEGORY = { fearful: "fear", disgusted: "disgust", surprised: "surprise" };

export const isSsml = (text) => /<speak[\s/>]/.test(text);

/** Put a tag around the selection of `area`, and `<speak>` around all where there is none. */
export function wrap(area, tag, emotion) {
  const [start, end] = [area.selectionStart, area.selectionEnd];
  const written = TAGS[tag](area.value.slice(start, end), CATEGORY[emotion] ?? emotion);
  area.setRangeText(written, start, end, "select");
  if (!isSsml(area.value)) {
    const caret = [area.selectionStart, area.selectionEnd].map((at) => at + "<speak>".length);
    area.value = `<speak>${area.value}</speak>`;
    area.setSelectionRange(...caret);
  }
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Where in `text` the thing lies that `message` names (a tag, a quoted value, or both): [start, end], or null. */
export function placeOf(message, text) {
  const quoted = [...message.matchAll(/'([^']+)'/g)].map((found) => found[1]);
  const tag = /<\/?[\w-]+/.exec(message)?.[0];
  for (const value of quoted) {
    if (tag) {
      for (const found of text.matchAll(/<[^<>]*>/g)) {
        if (found[0].startsWith(tag) && found[0].includes(value)) return [found.index, found.index + found[0].length];
      }
    }
    const at = text.indexOf(value);
    if (at >= 0) return [at, at + value.length];
  }
  const at = tag ? text.lastIndexOf(tag) : -1;
  if (at < 0) return null;
  const end = text.indexOf(">", at);
  return [at, end < 0 ? text.length : end + 1];
}

/** Line and column of a place, from 1 on. */
export function lineOf(text, at) {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: before.at(-1).length + 1 };
}
