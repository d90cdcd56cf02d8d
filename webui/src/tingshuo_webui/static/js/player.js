// Plays 16-bit samples while they still arrive, and gives them as a WAV file at the end.
import { wav } from "./microphone.js";

export const RATE = 24000;

export class Player {
  constructor() {
    this.context = new AudioContext({ sampleRate: RATE });
    this.pieces = [];
    this.next = 0;
    this.rest = new Uint8Array(0);
  }

  /** Play bytes after those before; an odd one waits for its other half. */
  push(bytes) {
    const all = new Uint8Array(this.rest.length + bytes.length);
    all.set(this.rest);
    all.set(bytes, this.rest.length);
    const even = all.length - (all.length % 2);
    this.rest = all.slice(even);
    if (!even) return;
    const samples = Float32Array.from(new Int16Array(all.buffer.slice(0, even)), (sample) => sample / 32768);
    this.pieces.push(samples);
    const buffer = this.context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    // A little later than now, so that the next piece arrives before this one ends.
    this.next = Math.max(this.next, this.context.currentTime + 0.05);
    source.start(this.next);
    this.next += buffer.duration;
  }

  get seconds() { return this.pieces.reduce((sum, piece) => sum + piece.length, 0) / RATE; }
  get file() { return wav(this.pieces, RATE); }

  /** Resolves when the last sample has been heard. */
  async ended() {
    await new Promise((wake) => { setTimeout(wake, 1000 * Math.max(0, this.next - this.context.currentTime)); });
    await this.stop();
  }

  async stop() { if (this.context.state !== "closed") await this.context.close(); }
}
