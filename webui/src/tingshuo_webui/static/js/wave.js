// The wave of a recording with a region for each cue, in the colour of its emotion.
import WaveSurfer from "../vendor/wavesurfer.esm.js";
import Regions from "../vendor/regions.esm.js";
import Timeline from "../vendor/timeline.esm.js";
import { emotionName } from "./words.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
//: Regions beyond this many make dragging slow; the lanes beside the transcript show the emotions then.
const MOST_REGIONS = 600;

export class Wave {
  /** The wave of `source` (a URL or a file) inside `box`, once it is there. */
  static async of(box, source, { onTime, onPlay, onMove }) {
    const wave = new Wave();
    const regions = Regions.create();
    wave.surfer = WaveSurfer.create({
      container: box,
      height: 96,
      normalize: true,
      cspNonce: document.querySelector('meta[name="style-nonce"]').content,
      waveColor: colour("soft"),
      progressColor: colour("accent"),
      cursorColor: colour("ink"),
      cursorWidth: 2,
      plugins: [regions, Timeline.create({ height: 16 })],
    });
    Object.assign(wave, { regions, onMove });
    wave.surfer.on("timeupdate", onTime);
    wave.surfer.on("play", () => onPlay(true));
    for (const ended of ["pause", "finish"]) wave.surfer.on(ended, () => onPlay(false));
    regions.on("region-updated", (region) => wave.onMove(Number(region.id), region.start, region.end));
    regions.on("region-clicked", (region, event) => {
      event.stopPropagation();
      wave.seek(region.start);
      wave.play();
    });
    if (source instanceof Blob) await wave.surfer.loadBlob(source);
    else await wave.surfer.load(source);
    return wave;
  }

  /** Show the cues; null is one that has no place on the wave. */
  mark(cues) {
    cues.slice(0, MOST_REGIONS).forEach((cue, index) => this.move(index, cue));
  }

  /** Show the cue at `index` as it is now. */
  move(index, cue) {
    const id = String(index);
    const region = this.regions.getRegions().find((one) => one.id === id);
    if (region && cue) {
      region.setOptions({ start: cue.start, end: cue.end });
    } else if (region) {
      region.remove();
    } else if (cue && index < MOST_REGIONS) {
      const tone = colour(cue.emotion) || colour("unknown");
      const content = document.createElement("span");
      content.textContent = cue.events.join(" ");
      content.title = [emotionName(cue.emotion), ...cue.events].join(" · ");
      const color = `color-mix(in srgb, ${tone} 35%, transparent)`;
      this.regions.addRegion({ id, start: cue.start, end: cue.end, color, content, drag: false, resize: true });
    }
  }

  get playing() { return this.surfer.isPlaying(); }
  seek(seconds) { this.surfer.setTime(seconds); }
  play() { return this.surfer.play(); }
  toggle() { return this.surfer.playPause(); }
  pace(factor) { this.surfer.setPlaybackRate(factor, true); }
  zoom(pixels) { this.surfer.zoom(pixels); }
}
