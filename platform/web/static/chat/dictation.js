// Dictation: what is said into the microphone comes as text into the message field, to be checked before it is sent.
// A click (or Enter, Space) starts and another stops; holding the button or key records while it is held.

import { Microphone, VOICE_MODE } from "./microphone.js";
import { post } from "./post.js";
import { t } from "../translate.js";

const HOLD_MS = 400;
const LEAST_MS = 300; // a recording of less holds no word
const TICK_MS = 100;
const SILENT = t("No speech was heard. Check your microphone and try again.");
const SHORT = t("Nothing was recorded. Click to start and stop, or hold the button while you speak.");

class Dictation {
  constructor(button) {
    this.button = button;
    this.form = button.form;
    this.area = this.form.querySelector("[data-message]");
    this.error = this.form.querySelector("[data-error]");
    this.box = this.form.querySelector("[data-dictation]");
    this.text = this.form.querySelector("[data-dictation-text]");
    this.announcer = this.form.closest("[data-talk]").querySelector("[data-announce]");
    this.state = "idle"; // idle, asking (for permission), recording, sending
    this.pressedAt = 0;
    this.listen();
  }

  listen() {
    const isKey = ({ key }) => key === " " || key === "Enter";
    this.button.addEventListener("pointerdown", (event) => event.button === 0 && this.press());
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => this.release());
    this.button.addEventListener("keydown", (event) => {
      if (!isKey(event)) return;
      event.preventDefault();
      if (!event.repeat) this.press();
    });
    this.button.addEventListener("keyup", (event) => {
      if (!isKey(event)) return;
      event.preventDefault();
      this.release();
    });
    // Assistive technology clicks without a pointer or key.
    this.button.addEventListener("click", (event) => event.detail === 0 && this.press());
    this.button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.state !== "recording") return;
      event.preventDefault();
      this.cancel();
    }, true);
    addEventListener("pagehide", () => this.cancel());
  }

  press() {
    if (this.state === "recording") this.stop();
    else if (this.state === "idle") {
      this.pressedAt = performance.now();
      this.start();
    }
  }

  release() {
    const held = this.pressedAt && performance.now() - this.pressedAt > HOLD_MS;
    this.pressedAt = 0;
    // Whoever let go to answer the browser's question goes on recording until the next click.
    if (held && this.state === "recording") this.stop();
  }

  async start() {
    this.fail("");
    this.show("asking", t("Waiting for the microphone"));
    this.microphone = new Microphone();
    try {
      await this.microphone.open();
    } catch (error) {
      this.show("idle");
      return this.fail(error.message);
    }
    return this.record();
  }

  record() {
    this.microphone.record();
    this.show("recording");
    this.tick();
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.announce(t("Recording. Press again to stop."));
  }

  tick() {
    const seconds = Math.floor(this.microphone.elapsed / 1000);
    this.text.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.box.style.setProperty("--level", this.microphone.level().toFixed(2));
    if (seconds >= Number(this.button.dataset.maxS) - 1) this.stop();
  }

  /** The recording, which ends. */
  finish() {
    clearInterval(this.timer);
    const recording = this.microphone.stop();
    this.microphone.close();
    return recording;
  }

  async stop() {
    if (this.state !== "recording") return;
    const isShort = this.microphone.elapsed < LEAST_MS;
    this.show("sending", t("Transcribing"));
    const recording = await this.finish();
    if (isShort) this.fail(SHORT);
    else await this.transcribe(recording);
    this.show("idle");
  }

  cancel() {
    if (this.state !== "recording") return;
    this.finish();
    this.show("idle");
    this.announce(t("Recording discarded."));
  }

  async transcribe(recording) {
    const fields = new FormData();
    fields.append("file", recording, "dictation");
    try {
      const { text } = await post(this.button.dataset.microphone, fields);
      if (text) this.insert(text);
      else this.fail(SILENT);
    } catch (refusal) {
      this.fail(refusal.message);
    }
  }

  /** Put the text at the cursor, apart from what is around it. */
  insert(text) {
    const { value, selectionStart, selectionEnd } = this.area;
    const before = /\S$/.test(value.slice(0, selectionStart)) ? " " : "";
    const after = /^\S/.test(value.slice(selectionEnd)) ? " " : "";
    this.area.setRangeText(before + text + after, selectionStart, selectionEnd, "end");
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
    this.area.focus();
    this.announce(t("Your words are in the message field. Check them, then send."));
  }

  show(state, text = "") {
    this.state = state;
    this.button.setAttribute("aria-pressed", String(state === "recording"));
    this.button.setAttribute("aria-label", state === "recording" ? t("Stop dictating") : t("Dictate"));
    this.button.setAttribute("aria-disabled", String(state === "sending"));
    this.box.hidden = state === "idle";
    this.box.dataset.dictation = state;
    this.text.textContent = text;
    if (text) this.announce(text);
  }

  fail(text) {
    this.error.hidden = !text;
    this.error.textContent = text;
  }

  announce(text) { this.announcer.textContent = text; }
}

const button = document.querySelector("[data-microphone]");
if (button) new Dictation(button);

const voiceButton = document.querySelector("[data-voice-mode]");

async function startVoiceMode(goesOn) {
  (await import("./voice_mode.js")).voiceMode.start(goesOn);
}

voiceButton?.addEventListener("click", () => startVoiceMode(false));
if (voiceButton && sessionStorage.getItem(VOICE_MODE)) {
  sessionStorage.removeItem(VOICE_MODE);
  if ("page" in voiceButton.closest("[data-talk]").dataset) startVoiceMode(true);
}
