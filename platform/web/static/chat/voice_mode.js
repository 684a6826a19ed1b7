// Voice mode: one speaks, a pause sends it, the answer is read while it is written, and speaking again interrupts it.

import { toast } from "../site.js";
import { Microphone, VOICE_MODE } from "./microphone.js";
import { post } from "./post.js";
import { mark, sentences, voiceFor } from "./reading.js";
import { t } from "../translate.js";

const TICK_MS = 50;
const SPEECH_MS = 250; // so much sound is speech, not a click
const INTERRUPT_MS = 350;
const PAUSE_MS = 1200; // ends a turn
const IDLE_MS = 20_000; // a recording without speech is begun anew
const WHILE_SPEAKING_MS = 4000; // how much before an interruption is recorded
const LEAST_LEVEL = 0.1;
const NEEDS_YOU = t("The answer needs you. Voice mode has ended; see the chat.");

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Tells speech from what a room always sounds like. */
class Ear {
  constructor(microphone) {
    this.microphone = microphone;
    this.floor = LEAST_LEVEL / 3;
    this.reset();
  }

  reset() { [this.spoken, this.quiet] = [0, 0]; }

  /** Listen for a moment; returns the level. `factor`: how much louder than the room speech must be. */
  async listen(factor = 3) {
    await sleep(TICK_MS);
    const level = this.microphone.level();
    const isSpeech = level > Math.max(LEAST_LEVEL, this.floor * factor);
    this.spoken += isSpeech ? TICK_MS : 0;
    this.quiet = isSpeech ? 0 : this.quiet + TICK_MS;
    if (this.quiet > PAUSE_MS) this.spoken = this.spoken < SPEECH_MS ? 0 : this.spoken;
    if (!isSpeech) this.floor = 0.95 * this.floor + 0.05 * level;
    return level;
  }
}

class VoiceMode {
  constructor(button) {
    this.button = button;
    this.talk = document.querySelector("[data-talk]");
    this.form = button.form;
    this.turnList = this.talk.querySelector("[data-turns]");
    this.hearing = this.form.querySelector("[data-microphone]").dataset;
    this.dialog = document.getElementById("voice-mode");
    this.state = this.dialog.querySelector("[data-voice-state]");
    this.caption = this.dialog.querySelector("[data-voice-caption]");
    this.act = this.dialog.querySelector("[data-voice-act]");
    this.act.addEventListener("click", () => { this.acted = true; });
    this.dialog.querySelector("[data-voice-end]").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.end());
    addEventListener("pagehide", () => this.end());
    this.on = false;
  }

  /** `goesOn`: with the answer to the message that opened this chat. */
  async start(goesOn) {
    if (this.on) return;
    [this.on, this.acted, this.caption.textContent] = [true, false, ""];
    this.microphone = new Microphone();
    this.tell(t("Waiting for the microphone"));
    this.dialog.showModal();
    try {
      (await voiceFor(this.talk.dataset.speech, [])).stop();
      await this.microphone.open();
      this.ear = new Ear(this.microphone);
      if (goesOn) await this.answer(this.turnList.lastElementChild.id);
      await this.turns();
    } catch (error) {
      if (this.on) toast(error.message, "error");
    } finally {
      this.dialog.close();
    }
  }

  end() {
    if (!this.on) return;
    this.on = false;
    this.voice?.stop();
    mark(null);
    this.microphone.close();
    this.button.focus();
  }

  async turns() {
    while (this.on) {
      const recording = await this.hear();
      const text = recording && (await this.transcribed(recording));
      if (text && this.on) await this.answer(await this.send(text));
    }
  }

  tell(state, act = "") {
    this.state.textContent = state;
    this.act.hidden = !act;
    this.act.textContent = act;
  }

  /** What is said until a pause; null if the mode ended meanwhile. */
  async hear() {
    this.tell(t("Listening"), t("Send now"));
    if (this.microphone.recorder?.state !== "recording") this.microphone.record();
    this.acted = false;
    while (this.on) {
      this.dialog.style.setProperty("--level", (await this.ear.listen()).toFixed(2));
      const { spoken, quiet } = this.ear;
      const isDone = spoken >= SPEECH_MS && quiet >= PAUSE_MS;
      const isLong = this.microphone.elapsed > 1000 * (Number(this.hearing.maxS) - 1);
      if (isDone || isLong || this.acted) break;
      if (!spoken && this.microphone.elapsed > IDLE_MS) this.microphone.record();
    }
    this.ear.reset();
    return this.on ? this.microphone.stop() : null;
  }

  async transcribed(recording) {
    this.tell(t("Writing down what you said"));
    const fields = new FormData();
    fields.append("file", recording, "speech");
    const { text } = await post(this.hearing.microphone, fields);
    this.caption.textContent = text || t("I heard nothing. Please say it again.");
    return text;
  }

  /** Send the text as a message; returns its turn. */
  async send(text) {
    this.tell(t("Thinking"), t("Interrupt"));
    const before = this.turnList.lastElementChild?.id;
    const error = this.form.querySelector("[data-error]");
    const area = this.form.querySelector("[data-message]");
    area.value = [area.value, text].filter(Boolean).join(" ");
    area.dispatchEvent(new Event("input", { bubbles: true }));
    if (!("page" in this.talk.dataset)) sessionStorage.setItem(VOICE_MODE, "on");
    this.form.requestSubmit();
    while (this.on && this.turnList.lastElementChild?.id === before) {
      await sleep(TICK_MS);
      if (!error.hidden) throw new Error(error.textContent);
    }
    return this.turnList.lastElementChild?.id;
  }

  /** Read the answer of a turn as it is written, until it ends or somebody speaks. */
  async answer(turn) {
    const texts = [];
    const voice = await voiceFor(this.talk.dataset.speech, texts);
    this.voice = voice;
    const reading = this.read(turn, texts).catch((error) => {
      if (!voice.stopped) throw error; // stopping makes what is fetched fail
    });
    const heard = await Promise.race([reading, this.interrupted()]);
    voice.stop();
    mark(null);
    if (heard === "interrupted") this.talk.querySelector("[data-stop]:not([hidden])")?.click();
    else if (this.on) this.microphone.record(); // without the end of the answer
    await reading;
  }

  async read(turn, texts) {
    const voice = this.voice;
    while (this.on && !voice.stopped) {
      const reply = document.getElementById(turn)?.querySelector(".reply");
      if (!reply) return;
      const isOver = !("live" in reply.dataset);
      const found = sentences(reply.querySelector(".answer") ?? reply.querySelector(".failed p") ?? document.createElement("p"));
      if (reply.querySelector("[data-live-cards] > *")) throw new Error(NEEDS_YOU);
      if (texts.length < found.length - (isOver ? 0 : 1)) await this.say(found[texts.length], texts);
      else if (isOver) return;
      else await sleep(TICK_MS);
    }
  }

  async say({ text, range }, texts) {
    this.tell(t("Speaking"), t("Interrupt"));
    this.caption.textContent = text;
    mark(range);
    texts.push(text);
    await this.voice.say(texts.length - 1);
  }

  /** Resolves once somebody speaks over the answer, or asks by the button. */
  async interrupted() {
    const { voice } = this;
    this.acted = false;
    this.ear.reset();
    this.microphone.record();
    while (this.on && !voice.stopped) {
      this.dialog.style.setProperty("--level", (await this.ear.listen(5)).toFixed(2));
      if (this.acted || this.ear.spoken >= INTERRUPT_MS) return "interrupted";
      if (!this.ear.spoken && this.microphone.elapsed > WHILE_SPEAKING_MS) this.microphone.record();
    }
    return "";
  }
}

export const voiceMode = new VoiceMode(document.querySelector("[data-voice-mode]"));
