// The loudness of a sound as bars, with a line where it is played.
import { drawn } from "./element.js";

const BARS = 120;
const RATE = 24000;

/** Mean loudness (0 to 1) of each of `count` equal parts of samples. */
export function loudness(samples, count = BARS) {
  return Array.from({ length: count }, (_, i) => {
    const part = samples.subarray(Math.floor((i * samples.length) / count), Math.floor(((i + 1) * samples.length) / count));
    const power = part.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, part.length);
    return Math.min(1, 4 * Math.sqrt(power)); // speech has a mean amplitude of about a quarter
  });
}

/** Draw the sound in `blob` into `box`; gives a function that moves the line to a share of the length. */
export async function outline(box, blob, emotion) {
  const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  const bars = loudness(sound.getChannelData(0)).map((level, i) => {
    const height = Math.max(1, 58 * level);
    return drawn("rect", { x: i * 5 + 1, y: (30 - height / 2).toFixed(1), width: 3, height: height.toFixed(1) });
  });
  const line = drawn("line", { x1: 0, x2: 0, y1: 0, y2: 60 });
  box.replaceChildren(drawn("svg", {
    viewBox: `0 0 ${5 * BARS} 60`, preserveAspectRatio: "none", "aria-hidden": "true", "data-emotion": emotion,
  }, ...bars, line));
  return (share) => {
    line.setAttribute("x1", (5 * BARS * share).toFixed(1));
    line.setAttribute("x2", (5 * BARS * share).toFixed(1));
  };
}
