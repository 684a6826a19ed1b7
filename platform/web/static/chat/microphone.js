// The microphone of this device: how loud it is, and recordings of it.

import { t } from "../translate.js";

const LOUDNESS = 6; // brings the level of speech near 1
// In the session while the first message of a voice mode opens its chat.
export const VOICE_MODE = "voice mode";
const NO_RECORDER = t("This browser can’t record on this page. Open the site over HTTPS, or use another browser.");
const BLOCKED = t("The microphone is blocked. Allow it for this site in your browser, then try again.");
const NO_MICROPHONE = t("No microphone found.");

export class Microphone {
  /** Ask for the microphone. Throws an Error whose message is for people. */
  async open() {
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) throw new Error(NO_RECORDER);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      throw new Error(error.name === "NotAllowedError" ? BLOCKED : NO_MICROPHONE);
    }
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(this.stream).connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  /** How loud it is now, 0 to 1. */
  level() {
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, sample) => sum + sample * sample, 0) / this.samples.length;
    return Math.min(1, Math.sqrt(power) * LOUDNESS);
  }

  /** Begin a recording; one that was begun before is lost. */
  record() {
    if (this.recorder?.state === "recording") this.recorder.stop();
    const recorder = new MediaRecorder(this.stream);
    this.recorder = recorder;
    this.startedAt = performance.now();
    this.recording = new Promise((resolve) => {
      const parts = [];
      recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
      recorder.addEventListener("stop", () => resolve(new Blob(parts, { type: recorder.mimeType })));
    });
    recorder.start();
  }

  /** Milliseconds since the recording began. */
  get elapsed() { return performance.now() - this.startedAt; }

  /** The recording, which ends. */
  stop() {
    if (this.recorder.state === "recording") this.recorder.stop();
    return this.recording;
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.context?.close();
    this.stream = this.context = null;
  }
}
