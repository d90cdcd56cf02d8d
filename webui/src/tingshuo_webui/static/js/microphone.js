// The microphone: its level while it records, and the recording as a WAV file of 16 kHz.

const RATE = 16000;

/** A WAV file of mono float samples. */
export function wav(pieces, rate) {
  const count = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  const short = (at, number) => view.setUint16(at, number, true);
  const long = (at, number) => view.setUint32(at, number, true);
  text(0, "RIFF");
  long(4, 36 + 2 * count);
  text(8, "WAVEfmt ");
  long(16, 16); // bytes of the format that follow
  short(20, 1); // PCM
  short(22, 1); // channels
  long(24, rate);
  long(28, 2 * rate); // bytes a second
  short(32, 2); // bytes a frame
  short(34, 16); // bits a sample
  text(36, "data");
  long(40, 2 * count);
  let at = 44;
  for (const piece of pieces) {
    for (const sample of piece) {
      view.setInt16(at, Math.round(32767 * Math.max(-1, Math.min(1, sample))), true);
      at += 2;
    }
  }
  return new Blob([view.buffer], { type: "audio/wav" });
}

/**
 * Listen until the returned function is called; it gives the recording.
 * `onSamples(samples, level, seconds)` hears along; the level is from 0 to 1.
 */
export async function listen(onSamples) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  const context = new AudioContext({ sampleRate: RATE });
  await context.audioWorklet.addModule(new URL("./capture.js", import.meta.url));
  const source = context.createMediaStreamSource(stream);
  const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  const pieces = [];
  let taken = 0;
  capture.port.onmessage = ({ data }) => {
    pieces.push(data);
    taken += data.length;
    const power = data.reduce((sum, sample) => sum + sample * sample, 0) / data.length;
    // -60 dB to 0 dB on the meter.
    onSamples(data, Math.max(0, 1 + Math.log10(Math.sqrt(power) + 1e-9) / 3), taken / RATE);
  };
  source.connect(capture);
  return async () => {
    source.disconnect();
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
    return wav(pieces, RATE);
  };
}
