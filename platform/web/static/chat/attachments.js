// Attachments of a message: chosen, dropped or pasted, uploaded immediately, shown as chips until it is sent.

import { sentence, token } from "./post.js";

const OFFLINE = "Upload failed. Can’t reach the site.";

export class Attachments {
  /** `form` is the composer, `zone` where files can be dropped; `changed()` is called after each change. */
  constructor(form, zone, changed) {
    this.list = form.querySelector("[data-attachments]");
    this.input = form.querySelector("[data-attach]");
    this.status = form.querySelector("[data-attach-status]");
    this.row = form.querySelector("[data-attachment-row]");
    this.url = this.input.dataset.attach;
    this.max = Number(this.input.dataset.max);
    this.changed = changed;
    this.files = new Map(); // chip → {id, request}
    this.listen(form, zone);
  }

  listen(form, zone) {
    form.querySelector("[data-attach-button]").addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => {
      this.add([...this.input.files]);
      this.input.value = "";
    });
    form.querySelector("[data-message]").addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length || event.clipboardData.getData("text/plain")) return; // a copied cell has an image too, but is text
      event.preventDefault();
      this.add(files);
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

  get uploading() {
    return [...this.files.values()].some(({ request }) => request);
  }

  /** The ids of the uploaded files. */
  get ids() {
    return [...this.files.values()].flatMap(({ id }) => (id ? [id] : []));
  }

  add(files) {
    const room = Math.max(0, this.max - this.files.size);
    for (const file of files.slice(0, room)) this.upload(file);
    if (files.length > room) this.say(`You can attach up to ${this.max} files. ${files.length - room} ${files.length - room === 1 ? "wasn’t" : "weren’t"} added.`, true);
    this.update();
  }

  upload(file) {
    const chip = this.chip(file);
    const request = new XMLHttpRequest();
    this.files.set(chip, { id: "", request });
    request.upload.addEventListener("progress", (event) => this.show(chip, event));
    request.addEventListener("load", () => this.uploaded(chip, request));
    request.addEventListener("error", () => this.failed(chip, OFFLINE));
    request.open("POST", this.url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    const body = new FormData();
    body.set("file", file);
    request.send(body);
  }

  show(chip, { loaded, total }) {
    chip.querySelector("progress").value = loaded / total;
    chip.querySelector("[data-state]").textContent = loaded < total ? `${Math.round((100 * loaded) / total)} %` : "Checking";
  }

  uploaded(chip, request) {
    let answer = null;
    try {
      answer = JSON.parse(request.responseText);
    } catch { /* No JSON: a proxy or a broken site has answered. */ }
    if (request.status >= 300 || !answer?.id) {
      this.failed(chip, answer?.error ?? sentence(request.status));
      return;
    }
    this.files.set(chip, { id: answer.id, request: null });
    chip.querySelector("progress").remove();
    chip.querySelector("b").textContent = answer.name;
    chip.querySelector("[data-state]").textContent = size(answer.size);
    this.say(`${answer.name} attached.`);
    this.changed();
  }

  failed(chip, words) {
    if (!this.files.has(chip)) return;
    this.files.set(chip, { id: "", request: null });
    chip.classList.add("failed-chip");
    chip.querySelector("progress").remove();
    chip.querySelector("[data-state]").textContent = words;
    this.say(words);
    this.changed();
  }

  chip(file) {
    const chip = this.row.content.firstElementChild.cloneNode(true);
    chip.querySelector("b").textContent = file.name || "Pasted picture";
    chip.querySelector("[data-state]").textContent = size(file.size);
    const button = chip.querySelector("button");
    button.setAttribute("aria-label", `Remove ${file.name || "the pasted picture"}`);
    button.addEventListener("click", () => this.remove(chip));
    this.list.append(chip);
    return chip;
  }

  remove(chip) {
    this.files.get(chip)?.request?.abort();
    this.files.delete(chip);
    chip.remove();
    this.update();
  }

  /** Remove the chips of the sent files. */
  clear() {
    this.files.clear();
    this.list.replaceChildren();
    this.update();
  }

  say(words, shown = false) {
    this.status.textContent = words;
    this.status.classList.toggle("visually-hidden", !shown);
  }

  update() {
    this.list.hidden = !this.files.size;
    if (!this.files.size) this.say("");
    this.changed();
  }
}

function size(bytes) {
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${number.format(bytes / 1024)} KB` : `${number.format(bytes / 1024 ** 2)} MB`;
}
