// The list of knowledge files in the creator's form: parallel uploads, and rows that update until each file is done.

import { toast } from "../site.js";
import { showPassages } from "./passages.js";
import { post } from "./send.js";
import { number, t } from "../translate.js";

const POLL_MS = 1200;
const UPLOADS_AT_ONCE = 3;
// Kinds that are no text, so that nobody waits for their upload. The site tells all others apart by their content.
const MEDIA = /^(audio|video)\//;
const PROGRAMS = /\.(7z|apk|dmg|exe|gz|iso|jar|msi|rar|tar|tgz|zip)$/i;
const PENDING = new Set(["received", "parsing", "embedding"]);
// Announced to screen readers when a file reaches this status.
const NEWS = { ready: t("{name} is ready."), failed: t("{name} couldn’t be read."), quarantined: t("{name} needs your review."), cancelled: t("{name} was cancelled.") };

export class FileList {
  #queue = [];
  #uploading = 0;
  #timer = 0;
  #leftOut; // the lines of the notice on files that were not added
  #leaving = new Set(); // ids of rows removed before the server responds

  /** `show` updates the other parts of the form, which are in every response. */
  constructor(form, show) {
    this.form = form;
    this.show = show;
    this.list = form.querySelector("[data-files]");
    this.replacement = form.querySelector("#replacement");
    this.#leftOut = form.querySelector("[data-left-out] ul");
  }

  /** Listen to the list and the drop zone, and poll while files are being read, or if `waiting`. */
  start(waiting) {
    const picker = this.form.elements.files;
    picker.addEventListener("change", () => { this.#add([...picker.files]); picker.value = ""; });
    this.#takeDrops();
    this.list.addEventListener("click", (event) => this.#clicked(event));
    showPassages(this.list, (row, data) => this.#answered(row, data));
    this.replacement.addEventListener("change", () => this.#replace());
    for (const row of this.list.children) reveal(row);
    if (waiting || [...this.list.children].some((row) => PENDING.has(row.dataset.status))) this.follow();
  }

  uploading() {
    return this.#uploading > 0 || this.#queue.length > 0;
  }

  anyFailed() {
    return this.list.querySelector(".file-failed") !== null;
  }

  /** Poll again in a moment. */
  follow() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), POLL_MS);
  }

  /** Files can be dropped anywhere on the form; while some are dragged over it, it says so. */
  #takeDrops() {
    const { form } = this;
    for (const kind of ["dragenter", "dragover", "drop"]) {
      form.addEventListener(kind, (event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        form.classList.toggle("dropping", kind !== "drop");
        if (kind === "drop") this.#add([...event.dataTransfer.files]);
      });
    }
    form.addEventListener("dragleave", ({ relatedTarget }) => { if (!form.contains(relatedTarget)) form.classList.remove("dropping"); });
  }

  // Uploading

  #add(files) {
    const max = Number(this.form.dataset.maxFiles);
    const room = Math.max(max - this.list.querySelectorAll(":scope > :not([data-replaces])").length, 0);
    if (!this.uploading()) this.#leftOut.replaceChildren();
    this.#leftOut.closest(".notice").hidden = !this.#leftOut.children.length;
    const fitting = files.filter((file) => !this.#isLeftOut(file, this.#fault(file)));
    for (const file of fitting.slice(room)) this.#isLeftOut(file, t("A GPT can have up to {max} files. Remove one first.", { max }));
    for (const file of fitting.slice(0, room)) this.#enqueue(file, this.form.dataset.filesUrl, this.list.appendChild(emptyRow()));
  }

  /** Why a file can't be uploaded, as a sentence; empty if it can. */
  #fault({ name, size, type }) {
    const most = Number(this.form.dataset.maxFileBytes);
    if (MEDIA.test(type)) return t("Audio and video files aren’t supported. Upload a transcript instead.");
    if (PROGRAMS.test(name)) return t("This kind of file isn’t supported.");
    if (!size) return t("The file is empty.");
    return size > most ? t("This file is too large: up to {n} MB each.", { n: number.format(most / 1024 ** 2) }) : "";
  }

  /** Name a file that was not added in the notice, if there is a reason `why`. */
  #isLeftOut({ name }, why) {
    if (!why) return false;
    const line = document.createElement("li");
    line.textContent = `${name}: ${why}`;
    this.#leftOut.append(line);
    this.#leftOut.closest(".notice").hidden = false;
    return true;
  }

  #replace() {
    const [file] = this.replacement.files;
    const { old, url } = this.replacement;
    this.replacement.value = "";
    if (!file || !old.isConnected || this.#isLeftOut(file, this.#fault(file))) return;
    const row = emptyRow();
    row.dataset.replaces = old.dataset.file;
    old.after(row);
    this.#enqueue(file, url, row);
  }

  #enqueue(file, url, row) {
    row.querySelector("b").textContent = file.name;
    row.querySelector("[data-cancel]").setAttribute("aria-label", t("Cancel {name}", { name: file.name }));
    row.querySelector("[data-again]").setAttribute("aria-label", t("Retry {name}", { name: file.name }));
    row.querySelector("progress").setAttribute("aria-label", t("Uploading {name}", { name: file.name }));
    row.job = { file, url, row };
    this.#queue.push(row.job);
    this.#pump();
  }

  #pump() {
    while (this.#uploading < UPLOADS_AT_ONCE && this.#queue.length) {
      const job = this.#queue.shift();
      if (job.row.isConnected) this.#upload(job);
    }
  }

  #upload(job) {
    const { file, url, row } = job;
    const request = job.request = new XMLHttpRequest();
    const body = new FormData();
    body.set("csrfmiddlewaretoken", this.form.elements.csrfmiddlewaretoken.value);
    body.set("file", file);
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => sent(row, loaded, total);
    request.onload = () => this.#arrived(row, request);
    request.onerror = () => refuse(row, t("Upload failed. Check your connection."));
    request.onloadend = () => { this.#uploading -= 1; this.#pump(); };
    this.#uploading += 1;
    request.send(body);
  }

  #arrived(row, { status, response }) {
    const { file } = row.job;
    if (status !== 201 && !(status === 400 && response?.error)) return refuse(row, response?.error ?? t("Upload failed. You may be signed out."));
    if (status === 201) this.show(response);
    const same = response.file?.name === file.name ? t("It was already uploaded.") : t("It’s the same as {other}.", { other: response.file?.name });
    if (this.#isLeftOut(file, response.error ?? (response.known && same))) row.remove();
    else {
      row.replaceWith(drawn(response.file));
      this.follow();
    }
    return undefined;
  }

  // Polling

  async #look() {
    if (document.hidden) return this.follow();
    const response = await fetch(this.form.dataset.filesUrl, { headers: { Accept: "application/json" }, redirect: "manual" }).catch(() => null);
    if (!response?.ok) return this.follow();
    const data = await response.json();
    this.#sync(data.files);
    this.show(data);
    if (data.files.some((file) => PENDING.has(file.status))) this.follow();
    return undefined;
  }

  /** Update the rows that changed, remove those that are gone, and add those from other tabs. */
  #sync(files) {
    const ids = new Set(files.map((file) => file.id));
    for (const row of this.list.querySelectorAll("[data-file]")) {
      if (!ids.has(row.dataset.file)) row.remove();
    }
    for (const file of files) {
      const row = this.list.querySelector(`[data-file="${file.id}"]`);
      if (row) this.#redraw(row, file);
      else if (!this.#leaving.has(file.id)) this.list.prepend(drawn(file));
    }
  }

  #redraw(row, file) {
    if (row.drawn === file.html) return row;
    const fresh = drawn(file);
    for (const fold of row.querySelectorAll("details[open][data-fold]")) {
      const same = fresh.querySelector(`[data-fold="${fold.dataset.fold}"]`);
      if (same) same.open = true;
    }
    if (NEWS[file.status] && row.dataset.status !== file.status) this.#announce(NEWS[file.status].replace("{name}", () => file.name));
    row.replaceWith(fresh);
    return fresh;
  }

  /** Show the server's response to what was done with a row's file. */
  #answered(row, data) {
    const fresh = this.#redraw(row, data.file);
    this.show(data);
    if (PENDING.has(data.file.status)) this.follow();
    return fresh;
  }

  #announce(words) {
    this.form.querySelector("[data-announce]").textContent = words;
  }

  // Buttons

  #clicked(event) {
    const button = event.target.closest("button");
    const row = button?.closest("li");
    const act = {
      remove: () => this.#remove(row),
      retry: () => this.#send(row, button),
      cancelReading: () => this.#send(row, button),
      decide: () => this.#send(row, button, [button.name, button.value]),
      replace: () => {
        Object.assign(this.replacement, { old: row, url: button.dataset.replace });
        this.replacement.click();
      },
      again: () => this.#again(row),
      cancel: () => { row.job.request?.abort(); row.remove(); },
    };
    const name = Object.keys(act).find((key) => button && key in button.dataset);
    if (!name) return;
    event.preventDefault();
    act[name]();
  }

  #again(row) {
    const { file, url } = row.job;
    const fresh = emptyRow();
    Object.assign(fresh.dataset, row.dataset);
    row.replaceWith(fresh);
    this.#enqueue(file, url, fresh);
  }

  async #remove(row) {
    const place = row.nextElementSibling;
    if (!row.dataset.file) return row.remove();
    this.#leaving.add(row.dataset.file);
    row.remove();
    try {
      this.show(await post(row.querySelector("[data-remove]").formAction));
    } catch (error) {
      this.#leaving.delete(row.dataset.file);
      this.list.insertBefore(row, place?.isConnected ? place : null);
      toast(t("{error} The file is still in your draft.", { error: error.message }), "error");
    }
    return undefined;
  }

  /** Do the action of a row's button, then update the row from the server's response. */
  async #send(row, button, field) {
    for (const each of row.querySelectorAll("button")) each.disabled = true;
    const body = new FormData();
    if (field) body.set(...field);
    try {
      const data = await post(button.formAction, body);
      if (data.error) throw new Error(data.error);
      const fresh = this.#answered(row, data);
      (fresh.querySelector(".finding button:not([aria-pressed])") ?? fresh.querySelector(".file-actions button"))?.focus();
    } catch (error) {
      for (const each of row.querySelectorAll("button")) each.disabled = false;
      toast(error.message, "error");
    }
  }
}

function emptyRow() {
  return document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
}

function sent(row, loaded, total) {
  row.querySelector("progress").value = loaded / total;
  const percent = Math.floor(100 * loaded / total);
  row.querySelector(".file-state").textContent = percent < 100 ? t("Uploading, {percent} %", { percent }) : t("Saving");
}

function refuse(row, why) {
  row.classList.replace("file-uploading", "file-failed");
  row.querySelector(".file-state").textContent = why;
  row.querySelector("progress").hidden = true;
  row.querySelector("[data-again]").hidden = false;
  const cancel = row.querySelector("[data-cancel]");
  cancel.textContent = t("Remove");
  cancel.setAttribute("aria-label", t("Remove {name}", { name: row.job.file.name }));
}

function drawn(file) {
  const box = document.createElement("template");
  box.innerHTML = file.html.trim();
  const row = box.content.firstElementChild;
  row.drawn = file.html;
  reveal(row);
  return row;
}

function reveal(row) {
  for (const element of row.querySelectorAll("[data-needs-js]")) element.hidden = false;
}
