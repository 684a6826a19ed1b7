// Reads answers aloud sentence by sentence, and marks the sentence: with the site's voice, else with the browser's.

import { toast } from "../site.js";
import { token } from "./post.js";
import { t } from "../translate.js";

const AHEAD = 2; // sentences that are fetched while one is played
const MAX_CHARS = 500; // of what is read at once
const VOICES_MS = 1000; // some browsers load their voices late
const LEFT_OUT = ".cite, .code, pre, button, [aria-hidden=true], .visually-hidden";
const BLOCKS = "p, li, h1, h2, h3, h4, h5, h6, td, th, dt, dd, blockquote";
const NO_VOICE = t("Your browser has no voice to read with, and this site has none either. Ask your admin.");
const FAILED = t("Reading stopped. Try again in a moment.");

/** The sentences of an answer as { text, range }; code and citations are left out. */
export function sentences(answer) {
  const found = [];
  const walker = document.createTreeWalker(answer, NodeFilter.SHOW_TEXT);
  let [nodes, block] = [[], null];
  const close = () => found.push(...sentencesOf(nodes));
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest(LEFT_OUT)) continue;
    const its = node.parentElement.closest(BLOCKS);
    if (its !== block) {
      close();
      [nodes, block] = [[], its];
    }
    nodes.push(node);
  }
  close();
  return found;
}

function sentencesOf(nodes) {
  const whole = nodes.map((node) => node.data).join("");
  const cuts = [...new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(whole)].flatMap(shorter);
  return cuts.filter(({ text }) => /[\p{L}\p{N}]/u.test(text)).map(({ text, start }) => {
    const range = document.createRange();
    range.setStart(...placeOf(nodes, start));
    range.setEnd(...placeOf(nodes, start + text.trimEnd().length));
    return { text: text.replace(/\s+/g, " ").trim(), range };
  });
}

function shorter({ segment, index }) {
  const parts = [];
  for (let start = 0; start < segment.length;) {
    const rest = segment.length - start;
    const space = rest > MAX_CHARS ? segment.lastIndexOf(" ", start + MAX_CHARS) : -1;
    const end = rest <= MAX_CHARS ? segment.length : space > start ? space + 1 : start + MAX_CHARS;
    parts.push({ text: segment.slice(start, end), start: index + start });
    start = end;
  }
  return parts;
}

function placeOf(nodes, offset) {
  let left = offset;
  for (const node of nodes) {
    if (left <= node.length) return [node, left];
    left -= node.length;
  }
  return [nodes.at(-1), nodes.at(-1).length];
}

/** The site's voice: each sentence is fetched as audio, some ahead of the one that is heard. */
class SiteVoice {
  constructor(url, texts) {
    [this.url, this.texts] = [url, texts];
    this.context = new AudioContext();
    this.abort = new AbortController();
    this.fetched = [];
  }

  async say(index) {
    const source = this.context.createBufferSource();
    source.buffer = await this.fetch(index); // alone, so that it is heard soon
    this.fetched[index] = null;
    for (let next = index + 1; next <= index + AHEAD && next < this.texts.length; next += 1) {
      this.fetch(next).catch(() => {}); // told when it is its turn
    }
    if (this.abort.signal.aborted) return;
    source.connect(this.context.destination);
    await new Promise((resolve) => {
      source.addEventListener("ended", resolve);
      this.abort.signal.addEventListener("abort", resolve);
      source.start();
    });
  }

  fetch(index) { return this.fetched[index] ??= this.audio(this.texts[index]); }

  async audio(text) {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
      body: JSON.stringify({ input: text, response_format: "mp3" }),
      signal: this.abort.signal,
    });
    if (!response.ok) throw new Error((await response.json().catch(() => null))?.error?.message ?? FAILED);
    return this.context.decodeAudioData(await response.arrayBuffer());
  }

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    this.abort.abort();
    this.context.close();
  }
}

/** What reads `texts`, to which more may be added: the site's voice at `url`, else the browser's. Throws an Error. */
export async function voiceFor(url, texts) {
  if (!url && !(await BrowserVoice.exists())) throw new Error(NO_VOICE);
  return url ? new SiteVoice(url, texts) : new BrowserVoice(texts);
}

/** Mark the sentence that is read; null for none. */
export function mark(range) {
  if (!range) window.CSS?.highlights?.delete("reading");
  else {
    window.CSS?.highlights?.set("reading", new Highlight(range));
    range.startContainer.parentElement.scrollIntoView({ block: "nearest" });
  }
}

class BrowserVoice {
  constructor(texts) { this.texts = texts; }

  static async exists() {
    if (!window.speechSynthesis) return false;
    if (speechSynthesis.getVoices().length) return true;
    await new Promise((resolve) => {
      speechSynthesis.addEventListener("voiceschanged", resolve, { once: true });
      setTimeout(resolve, VOICES_MS);
    });
    return speechSynthesis.getVoices().length > 0;
  }

  say(index) {
    return new Promise((resolve, reject) => {
      const utterance = new SpeechSynthesisUtterance(this.texts[index]);
      utterance.addEventListener("end", resolve);
      utterance.addEventListener("error", ({ error }) => (["canceled", "interrupted"].includes(error) ? resolve() : reject(new Error(FAILED))));
      speechSynthesis.speak(utterance);
    });
  }

  stop() {
    this.stopped = true;
    speechSynthesis.cancel();
  }
}

class Reading {
  constructor(button) {
    this.button = button;
    this.sentences = sentences(button.closest(".reply").querySelector(".answer"));
    this.stopped = false;
  }

  async run(url) {
    this.button.textContent = t("Stop reading");
    try {
      await this.read(url, this.sentences.map(({ text }) => text));
    } catch (error) {
      if (!this.stopped) toast(error.message || FAILED, "error");
    } finally {
      this.stop();
    }
  }

  async read(url, texts) {
    const voice = await voiceFor(url, texts);
    if (this.stopped) return;
    this.voice = voice;
    for (const [index, { range }] of this.sentences.entries()) {
      if (this.stopped || !this.button.isConnected) return;
      mark(range);
      await this.voice.say(index);
    }
  }

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    this.voice?.stop();
    mark(null);
    this.button.textContent = t("Read aloud");
  }
}

const talk = document.querySelector("[data-talk]");
let current = null;
talk.addEventListener("click", (event) => {
  const button = event.target.closest("[data-read-aloud]");
  if (!button) return;
  const [before, wasReading] = [current, current && !current.stopped];
  before?.stop();
  if (wasReading && before.button === button) return;
  current = new Reading(button);
  current.run(talk.dataset.speech);
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !current || current.stopped) return;
  event.preventDefault();
  current.stop();
}, true);
addEventListener("pagehide", () => current?.stop());

async function showButtons() {
  if (talk.dataset.speech || (await BrowserVoice.exists())) talk.dataset.voice = "";
}

showButtons();
