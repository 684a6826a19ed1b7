// Attachments of a message: chosen, dropped or pasted, uploaded immediately, read by a worker, shown as chips until sent.

import { post, sentence, token } from "./post.js";
import { number, t, tn } from "../translate.js";

const OFFLINE = t("Upload failed. Can’t reach the site.");
const GONE = t("No longer available. Attach it again.");
const POLL_MS = 700;

export class Attachments {
  /** `form` is the composer, `zone` where files can be dropped; `changed(removed)` is called after each change. */
  constructor(form, zone, changed) {
    this.form = form;
    this.list = form.querySelector("[data-attachments]");
    this.input = form.querySelector("[data-attach]");
    this.status = form.querySelector("[data-attach-status]");
    this.row = form.querySelector("[data-attachment-row]");
    this.url = this.input.dataset.attach;
    this.max = Number(this.input.dataset.max);
    this.maxBytes = Number(this.input.dataset.maxBytes);
    this.changed = changed;
    this.files = new Map(); // chip → {state: uploading, reading, ready or failed; id, remove, request}
    this.listen(form, zone);
  }

  listen(form, zone) {
    form.querySelector("[data-attach-button]").addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => {
      this.add([...this.input.files]);
      this.input.value = "";
      form.querySelector("[data-message]").focus();
    });
    form.querySelector("[data-message]").addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length || event.clipboardData.getData("text/plain")) return; // a copied cell has an image too, but is text
      event.preventDefault();
      this.add(files);
    });
    addEventListener("pagehide", ({ persisted }) => {
      if (!persisted) this.abandon();
    });
    let depth = 0; // dragenter of a child comes before dragleave of its parent
    const over = (by) => {
      depth = by === 0 ? 0 : depth + by;
      zone.classList.toggle("dropping", depth > 0);
    };
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    zone.addEventListener("dragenter", (event) => holdsFiles(event) && over(1));
    zone.addEventListener("dragleave", (event) => holdsFiles(event) && over(-1));
    zone.addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
    zone.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      over(0);
      this.add([...event.dataTransfer.files]);
    });
  }

  has(...states) {
    return [...this.files.values()].some(({ state }) => states.includes(state));
  }

  /** Whether a file is still uploaded or read; it is sent with the message once that is done. */
  get busy() {
    return this.has("uploading", "reading");
  }

  /** How many files cannot be sent, and must be removed first. */
  get failed() {
    return [...this.files.values()].filter(({ state }) => state === "failed").length;
  }

  /** The ids of the files to send. */
  get ids() {
    return [...this.files.values()].flatMap(({ state, id }) => (state === "ready" ? [id] : []));
  }

  add(files) {
    const room = Math.max(0, this.max - this.files.size);
    this.say("");
    for (const file of files.slice(0, room)) this.upload(file);
    if (files.length > room) this.say(tn("You can attach up to {max} files. {n} wasn’t added.", "You can attach up to {max} files. {n} weren’t added.", files.length - room, { max: this.max }), true);
    this.update();
  }

  upload(file) {
    const chip = this.chip(file);
    const request = new XMLHttpRequest();
    this.files.set(chip, { state: "uploading", request });
    if (file.size > this.maxBytes) return this.fail(chip, t("This file is too large: up to {n} MB each.", { n: number.format(this.maxBytes / 1024 ** 2) }));
    request.upload.addEventListener("progress", (event) => this.show(chip, event));
    request.addEventListener("load", () => this.uploaded(chip, request));
    request.addEventListener("error", () => this.fail(chip, OFFLINE));
    request.open("POST", this.url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    const body = new FormData();
    body.set("file", file);
    request.send(body);
    return undefined;
  }

  show(chip, { loaded, total }) {
    chip.querySelector("progress").value = loaded / total;
    this.state(chip, loaded < total ? t("Uploading, {percent} %", { percent: Math.round((100 * loaded) / total) }) : t("Checking"));
  }

  uploaded(chip, request) {
    let answer = null;
    try {
      answer = JSON.parse(request.responseText);
    } catch { /* No JSON: a proxy or a broken site has answered. */ }
    if (request.status >= 300 || !answer?.id) {
      this.fail(chip, answer?.error ?? sentence(request.status));
      return;
    }
    chip.querySelector("b").textContent = answer.name;
    this.showReading(chip, answer);
  }

  /** Show how far the worker has read the file, and look again until it is done. */
  showReading(chip, file) {
    if (!this.files.has(chip)) {
      if (file.remove) post(file.remove).catch(() => {}); // removed while its upload ended
      return;
    }
    const openers = this.form.dataset.openers;
    if (file.state === "unreadable" && !openers) {
      this.fail(chip, file.error, file.remove);
      return;
    }
    const bar = chip.querySelector("progress");
    if (file.state === "reading") {
      if (this.files.get(chip).state === "uploading") this.say(t("{name}: reading.", { name: file.name }));
      this.files.set(chip, { state: "reading", id: file.id, remove: file.remove });
      bar.setAttribute("aria-label", t("Reading"));
      if (file.share === null) bar.removeAttribute("value");
      else bar.value = file.share;
      this.state(chip, file.progress);
      setTimeout(() => this.follow(chip, file), POLL_MS);
    } else {
      this.files.set(chip, { state: "ready", id: file.id, remove: file.remove });
      bar.remove();
      const read = [file.extent || size(file.size), ...file.notices].join(". ");
      this.state(chip, file.state === "ready" ? read : `${t("Only for {openers}.", { openers })} ${file.error}`);
      this.say(`${file.name} attached. ${chip.querySelector("[data-state]").textContent}`);
    }
    this.changed();
  }

  async follow(chip, file) {
    if (!this.files.has(chip)) return;
    let seen = file; // without a connection, try again
    try {
      const response = await fetch(file.url, { headers: { Accept: "application/json" } });
      if (response.status === 404) this.fail(chip, GONE);
      else if (response.ok) seen = await response.json();
    } catch { /* The same. */ }
    if (this.files.get(chip)?.state === "reading") this.showReading(chip, seen);
  }

  fail(chip, words, remove = "") {
    if (!this.files.has(chip)) return;
    this.files.set(chip, { state: "failed", remove });
    chip.classList.add("failed-chip");
    chip.querySelector("progress").remove();
    this.state(chip, words);
    this.say(`${chip.querySelector("b").textContent}: ${words}`);
    this.changed();
  }

  state(chip, words) {
    const line = chip.querySelector("[data-state]");
    line.textContent = line.title = words;
  }

  chip(file) {
    const chip = this.row.content.firstElementChild.cloneNode(true);
    chip.querySelector("b").textContent = file.name || t("Pasted picture");
    chip.querySelector("[data-state]").textContent = size(file.size);
    const button = chip.querySelector("button");
    button.setAttribute("aria-label", t("Remove {name}", { name: file.name || t("the pasted picture") }));
    button.addEventListener("click", () => this.remove(chip));
    this.list.append(chip);
    return chip;
  }

  remove(chip) {
    const { request, remove } = this.files.get(chip) ?? {};
    request?.abort();
    if (remove) post(remove).catch(() => {}); // the site deletes unsent files anyway, within a day
    this.files.delete(chip);
    this.say("");
    chip.remove();
    this.form.querySelector("[data-message]").focus();
    this.update(true);
  }

  /** Tell the site that the page is left without sending these files, so that it stops reading them. */
  abandon() {
    for (const { remove } of this.files.values()) {
      if (remove) navigator.sendBeacon(remove, new URLSearchParams({ csrfmiddlewaretoken: token() }));
    }
  }

  /** Take `chips`, which were sent, out of the field; files attached since stay. */
  clear(chips) {
    for (const chip of chips) {
      this.files.delete(chip);
      chip.remove();
    }
    this.update();
  }

  /** Announce `words`; those that are `shown` stay until the next file is added or one is removed. */
  say(words, shown = false) {
    if (words && !shown && !this.status.classList.contains("visually-hidden")) return;
    this.status.textContent = words;
    this.status.classList.toggle("visually-hidden", !shown);
  }

  update(removed = false) {
    this.list.hidden = !this.files.size;
    if (!this.files.size) this.say("");
    this.changed(removed);
  }
}

function size(bytes) {
  if (bytes < 1024) return tn("{n} byte", "{n} bytes", bytes);
  return bytes < 1024 ** 2 ? `${number.format(bytes / 1024)} KB` : `${number.format(bytes / 1024 ** 2)} MB`;
}
