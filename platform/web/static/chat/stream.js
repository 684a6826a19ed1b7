// An answer in progress: its events, its text so far, and its end.
//
// The browser resumes a broken connection itself (Last-Event-ID). If it gives up, the stream is read again from its
// first event; the events of an `attempt` replace what was shown before, so that nothing appears twice. The steps,
// requests and pictures come from the server: after each step they are updated from the answer's fragment.

import { carry } from "./delegations.js";
import { host } from "./links.js";
import { enrich } from "./rich/enrich.js";
import { t, tn } from "../translate.js";

const AFTER_MS = 400; // what is done after the last word is named if it takes longer
const PAINT_MS = 60; // between two renderings of the growing text
const LOOK_MS = 80; // steps in quick succession are loaded together
const LOOKED_AT = ["tool_choice", "model_reply", "tool_started", "delegation", "tool_result", "approval_request", "approval"];
const LIVE_PARTS = ["data-live-steps", "data-live-cards", "data-live-pictures"];
const RETRY_MS = [1000, 2000, 4000, 8000, 15000]; // after the browser or the site gave up; the last one repeats

const isEnglish = !document.documentElement.dataset.words;
// Workers write English: what they say they do, in the page's language.
const PHASES = {
  "Reading your message": t("Reading your message"),
  "Choosing a tool": t("Choosing a tool"),
  "Thinking": t("Thinking"),
  "Writing the answer": t("Writing the answer"),
  "Checking the answer against the files": t("Checking the answer against the files"),
  "Looking for the closest passages": t("Looking for the closest passages"),
};

function worded(phase) {
  const [, doing, n] = /^(Searching|Reading) (\d+) files?$/.exec(phase) ?? [];
  if (doing === "Searching") return tn("Searching {n} file", "Searching {n} files", Number(n));
  if (doing === "Reading") return tn("Reading {n} file", "Reading {n} files", Number(n));
  return PHASES[phase] ?? phase;
}

export class AnswerStream {
  /** Follow the live `reply` element; `finished(element)` is called with the finished one that replaced it,
   * `asked(card)` with each new request that waits for the person. */
  constructor(reply, finished, asked = () => {}) {
    this.reply = reply;
    this.finished = finished;
    this.asked = asked;
    this.answer = reply.querySelector("[data-answer]");
    this.state = reply.querySelector("[data-state]");
    this.progress = reply.querySelector("[data-progress]");
    this.nFiles = Number(reply.dataset.files);
    this.readOutside(reply);
    this.lastCard = reply.querySelector("[data-approval]")?.id;
    this.after = reply.querySelector("[data-after]");
    this.phase = ""; // what the GPT is doing, as told by its worker
    this.thinking = reply.querySelector("[data-thinking]");
    this.forget();
    this.notes = new Map(); // the last progress text of each call
    this.nFailures = 0;
    this.closed = false;
    this.markdown = import("./markdown.js");
    this.open();
  }

  open() {
    let fresh = true;
    this.source = new EventSource(this.reply.dataset.events);
    this.source.onmessage = (message) => {
      if (fresh) this.forget();
      fresh = false;
      this.nFailures = 0;
      this.connected(true);
      this.take(JSON.parse(message.data), parseInt(message.lastEventId));
    };
    this.source.onerror = () => {
      this.connected(false);
      if (this.source.readyState === EventSource.CLOSED) this.retry(() => this.end());
    };
  }

  connected(is) {
    this.reply.classList.toggle("lost", !is);
    document.dispatchEvent(new CustomEvent("guildhall:connection", { detail: is }));
  }

  retry(what) {
    if (this.closed) return;
    const wait = RETRY_MS[Math.min(this.nFailures++, RETRY_MS.length - 1)];
    clearTimeout(this.timer);
    this.timer = setTimeout(what, wait);
  }

  /** Begin a reply: nothing of it is known yet. */
  forget() {
    this.text = this.reasoning = "";
    this.hasReplied = false;
    this.began = this.seconds = 0;
  }

  /** Show what `event` says. It was sent at `time`, in milliseconds, if that is known. */
  take(event, time) {
    switch (event.type) {
      case "step": this.step(event); break;
      case "progress": this.tell(event); break;
      case "queue":
        this.enter(event.text);
        this.phase = ""; // it ends without a word
        break;
      case "attempt":
        this.forget();
        this.enter(this.phase);
        if (!this.phase) this.say(this.searched ?? (this.nFiles ? t("Reading") : t("Thinking")));
        this.paint();
        break;
      case "reasoning":
        this.reasoning += event.text;
        this.began ||= time;
        this.seconds = Math.max(1, Math.round((time - this.began) / 1000));
        this.paint();
        break;
      case "token":
        this.text += event.text;
        this.paint();
        break;
      case "snapshot":
        if (event.text) this.text = event.text;
        this.paint();
        break;
      case "done":
        this.source.close();
        this.end();
        break;
    }
  }

  step(event) {
    if (event.kind === "retrieval") {
      this.searched = isEnglish ? event.summary : t("Searched the files"); // workers write English
      this.say(this.searched);
    }
    if (event.kind === "model_reply") this.hasReplied = true;
    const isCalled = event.kind === "retrieval" && this.hasReplied;
    if (isCalled || LOOKED_AT.includes(event.kind)) {
      this.phase = "";
      this.look();
    }
  }

  /** Show what the GPT is doing: after what it found in its files, or below the text if that has been written. */
  enter(named) {
    this.phase = named;
    const phase = worded(named);
    clearTimeout(this.naming);
    this.after.hidden = true;
    if (!phase) return;
    if (this.text) {
      this.after.textContent = phase;
      this.naming = setTimeout(() => { this.after.hidden = false; }, AFTER_MS);
    } else if (this.searched) {
      this.say(this.searched);
      this.progress.textContent = ` · ${phase[0].toLowerCase()}${phase.slice(1)}`;
    } else this.say(phase);
  }

  /** Show the progress of the run, or of a call: under its line if it has one, else after what is being done. */
  tell({ call_id: callId, text }) {
    if (!callId) return this.enter(text);
    this.notes.set(callId, text);
    const isTold = note(this.reply, callId, text);
    if (!isTold) this.progress.textContent = text ? ` · ${text}` : "";
  }

  /** Load what the GPT has done so far, and show it. */
  look() {
    this.looking ??= setTimeout(async () => {
      this.looking = null;
      const shown = await this.fragment().catch(() => null);
      if (shown && !this.closed && "live" in shown.dataset) this.showLive(shown);
    }, LOOK_MS);
  }

  showLive(shown) {
    for (const [callId, text] of this.notes) note(shown, callId, text);
    for (const part of LIVE_PARTS) renew(this.reply.querySelector(`[${part}]`), shown.querySelector(`[${part}]`));
    const card = this.reply.querySelector("[data-approval]");
    this.state.parentElement.hidden = Boolean(card);
    this.progress.textContent = "";
    if (this.phase) this.enter(this.phase);
    else this.say(shown.querySelector("[data-state]").textContent);
    this.reply.classList.add("did");
    if (this.hasReplied && this.reply.querySelector("[data-live-steps] [data-reasoning]")) {
      this.reasoning = ""; // it stands among the steps now
      this.showReasoning();
    }
    this.readOutside(shown);
    if (card && card.id !== this.lastCard) this.asked(card);
    this.lastCard = card?.id;
  }

  readOutside({ dataset }) {
    this.outside = new Set((dataset.outside ?? "").split(" ").filter(Boolean).map(host));
  }

  say(words) {
    if (this.state.textContent !== words) this.state.textContent = words;
  }

  paint() {
    this.painting ??= setTimeout(async () => {
      const { patch, rendered } = await this.markdown;
      this.painting = null;
      if (this.closed) return;
      patch(this.answer, rendered(this.text, this.outside));
      enrich(this.answer, { now: true, inProgress: true });
      this.showReasoning();
      // Once there is text, it replaces the line, unless the line is about a search in files.
      this.reply.classList.toggle("writing", this.text !== "");
      this.reply.classList.toggle("alone", this.text !== "" && (!this.searched || this.reply.classList.contains("did")));
    }, PAINT_MS);
  }

  /** Show that the model reasons, or for how long it did, with what it wrote in the details. */
  showReasoning() {
    const isOver = this.text !== "" || this.hasReplied;
    const [line, words, notes] = [".line", ".line-words", "[data-reasoning]"].map((part) => this.thinking.querySelector(part));
    this.thinking.hidden = !this.reasoning;
    this.reply.classList.toggle("reasoning", Boolean(this.reasoning) && !this.searched);
    line.classList.toggle("line-running", !isOver);
    words.textContent = isOver ? thought(this.seconds) : t("Thinking");
    const follows = notes.scrollTop + notes.clientHeight >= notes.scrollHeight - 4;
    notes.textContent = this.reasoning;
    if (follows) notes.scrollTop = notes.scrollHeight;
  }

  /** Replace the live answer by the finished one from the server, or continue if it is not finished. */
  async end() {
    let element;
    try {
      element = await this.fragment();
    } catch {
      return this.retry(() => this.end());
    }
    if (this.closed) return undefined;
    if (!element) return this.vanished();
    if ("live" in element.dataset) return this.open();
    this.close();
    if (this.thinking.querySelector(".line").open) unfold([...element.querySelectorAll("[data-reasoning]")].pop(), element);
    this.reply.replaceWith(element);
    return this.finished(element);
  }

  /** The answer's current fragment; null if it is gone. Throws if the site can't be reached. */
  async fragment() {
    const response = await fetch(this.reply.dataset.turnUrl, { headers: { Accept: "text/html" } });
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(String(response.status));
    return new DOMParser().parseFromString(await response.text(), "text/html").querySelector(".reply");
  }

  vanished() {
    this.close();
    this.say(t("This answer is no longer available: you’re signed out, or the chat was deleted. Reload the page."));
    this.reply.classList.remove("lost");
    this.state.parentElement.classList.remove("working");
    this.finished(this.reply);
  }

  close() {
    this.closed = true;
    this.source.close();
    clearTimeout(this.timer);
    clearTimeout(this.painting);
    clearTimeout(this.naming);
    clearTimeout(this.looking);
  }
}

/** How long the model thought, in words. */
function thought(seconds) {
  const minutes = seconds < 60 ? "" : `${Math.floor(seconds / 60)} min `;
  return t("Thought for {time}", { time: `${minutes}${seconds % 60} s` });
}

/** Open the disclosures around `part` within `whole`. */
function unfold(part, whole) {
  for (let at = part; at && at !== whole; at = at.parentElement) if ("open" in at) at.open = true;
}

/** Show `text` under the running line of the call in `reply`. Whether there is such a line. */
function note(reply, callId, text) {
  const line = reply.querySelector(`[data-live-steps] > ul > li > .line-running[data-call="${CSS.escape(callId)}"]`);
  const place = line?.querySelector("[data-line-note]");
  if (place) place.textContent = text;
  return Boolean(place);
}

/** Replace the entries of `here` by those of `there`, but keep equal ones, with their focus and expanded details. */
function renew(here, there) {
  const [list, wanted] = [here, there].map((part) => part.querySelector(":scope > ul") ?? part);
  if (list === here && wanted !== there) {
    here.replaceChildren(wanted);
    return;
  }
  const same = (a, b) => a && (a.id && a.id === b.id || !a.id && said(a) === said(b));
  const entries = [...wanted.children];
  entries.forEach((entry, index) => {
    const old = list.children[index];
    if (same(old, entry)) return;
    if (old) carry(old, entry);
    if (old) old.replaceWith(entry);
    else list.append(entry);
  });
  while (list.children.length > entries.length) list.lastElementChild.remove();
}

/** The text of an entry, without the loaded run of another GPT. */
function said(entry) {
  const copy = entry.cloneNode(true);
  for (const part of copy.querySelectorAll("[data-delegated-body]")) part.remove();
  return copy.textContent;
}
