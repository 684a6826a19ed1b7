// One answer while it is being written: its events, its text so far, and its end.
//
// The browser resumes a broken connection by itself (Last-Event-ID). Where it gives up, the answer is followed anew
// from its first event; events of an `attempt` replace what was shown before, so nothing is ever doubled.

import { patch, rendered } from "./markdown.js";

const PAINT_MS = 60; // between two renderings of the growing text
const RETRY_MS = [1000, 2000, 4000, 8000, 15000]; // after the browser or the site gave up; the last one repeats

export class AnswerStream {
  /** Follow the live `reply` element; `finished(element)` is called with the finished one once it is in its place. */
  constructor(reply, finished) {
    this.reply = reply;
    this.finished = finished;
    this.answer = reply.querySelector("[data-answer]");
    this.state = reply.querySelector("[data-state]");
    this.nFiles = Number(reply.dataset.files);
    this.text = "";
    this.nFailures = 0;
    this.closed = false;
    this.open();
  }

  open() {
    let fresh = true;
    this.source = new EventSource(this.reply.dataset.events);
    this.source.onmessage = (message) => {
      if (fresh) this.text = "";
      fresh = false;
      this.nFailures = 0;
      this.reply.classList.remove("lost");
      this.take(JSON.parse(message.data));
    };
    this.source.onerror = () => {
      this.reply.classList.add("lost");
      if (this.source.readyState === EventSource.CLOSED) this.retry(() => this.end());
    };
  }

  retry(what) {
    if (this.closed) return;
    const wait = RETRY_MS[Math.min(this.nFailures++, RETRY_MS.length - 1)];
    clearTimeout(this.timer);
    this.timer = setTimeout(what, wait);
  }

  take(event) {
    switch (event.type) {
      case "step": this.step(event); break;
      case "attempt":
        this.text = "";
        this.say(this.looked ?? (this.nFiles ? "Reading" : "Thinking"));
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
      const files = `${this.nFiles} file${this.nFiles === 1 ? "" : "s"}`;
      const found = `${event.n_passages} passage${event.n_passages === 1 ? "" : "s"}`;
      this.looked = `Looked in ${files}, ${event.covered ? found : "nothing close enough"}`;
      this.say(this.looked);
    }
    if (event.kind === "tool_started" || event.kind === "tool_result") this.say(`Using ${event.name}`);
  }

  say(words) {
    if (this.state.textContent !== words) this.state.textContent = words;
  }

  paint() {
    this.painting ??= setTimeout(() => {
      this.painting = null;
      if (this.closed) return;
      patch(this.answer, rendered(this.text));
      // Without files there is nothing to tell once the answer is there; it takes the place of the line.
      this.reply.classList.toggle("writing", this.text !== "");
      this.reply.classList.toggle("alone", this.text !== "" && !this.looked);
    }, PAINT_MS);
  }

  /** Put the finished answer from the server in place of the live one, or go on if it is not finished after all. */
  async end() {
    let html;
    try {
      const response = await fetch(this.reply.dataset.turnUrl, { headers: { Accept: "text/html" } });
      if (response.status === 404) return this.vanished();
      if (!response.ok) throw new Error(String(response.status));
      html = await response.text();
    } catch {
      return this.retry(() => this.end());
    }
    if (this.closed) return undefined;
    const element = new DOMParser().parseFromString(html, "text/html").querySelector(".reply");
    if ("live" in element.dataset) return this.open();
    this.close();
    this.reply.replaceWith(element);
    return this.finished(element);
  }

  vanished() {
    this.close();
    this.say("This answer cannot be shown any more: you are signed out, or the chat was deleted. Reload the page.");
    this.reply.classList.remove("lost");
    this.state.parentElement.classList.remove("working");
    this.finished(this.reply);
  }

  close() {
    this.closed = true;
    this.source.close();
    clearTimeout(this.timer);
    clearTimeout(this.painting);
  }
}
