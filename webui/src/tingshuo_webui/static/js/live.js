// What the microphone hears, as text while somebody still speaks: a realtime session beside the recording.
import { post } from "./gate.js";

const URL_OF = () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/realtime?intent=transcription`;

/** Samples of 16 kHz as base64 of 16-bit integers. */
function encoded(samples) {
  const bytes = new Uint8Array(Int16Array.from(samples, (sample) => 32767 * Math.max(-1, Math.min(1, sample))).buffer);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** A session; `onText(text)` gets all that is heard so far. Where there is none, only the recording goes on. */
export class Live {
  static async open(language, onText) {
    const { value } = await post("realtime/client_secrets", {});
    const live = new Live();
    live.turns = new Map();
    live.socket = new WebSocket(URL_OF(), ["realtime", `openai-insecure-api-key.${value}`]);
    await new Promise((done, failed) => {
      live.socket.onopen = done;
      live.socket.onerror = () => failed(new Error("realtime"));
    });
    live.socket.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.type.endsWith("transcription.delta")) live.turns.set(event.item_id, event.tingshuo.text);
      else if (event.type.endsWith("transcription.completed")) live.turns.set(event.item_id, event.transcript);
      else return;
      onText([...live.turns.values()].join(" "));
    };
    const transcription = language && language !== "auto" ? { language } : {};
    live.socket.send(JSON.stringify({
      type: "session.update",
      session: { type: "transcription", audio: { input: { format: { type: "audio/pcm", rate: 16000 }, transcription } } },
    }));
    return live;
  }

  hear(samples) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ type: "input_audio_buffer.append", audio: encoded(samples) }));
    }
  }

  close() { this.socket.close(); }
}
