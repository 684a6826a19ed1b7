// The list of knowledge files in the creator's form: parallel uploads, and rows that update until each file is done.

import { toast } from "../site.js";
import { showPassages } from "./passages.js";
import { post } from "./send.js";
import { number, t } from "../translate.js";

const POLL_MS = 1200;
const UPLOADS_AT_ONCE = 3;
const PENDING = new Set(["received", "parsing", "embedding"]);
// Announced to screen readers when a file reaches this status.
const NEWS = { ready: t("{name} is ready."), failed: t("{name} couldn’t be read."), quarantined: t("{name} needs your review."), cancelled: t("{name} was cancelled.") };

export class FileList {
  #queue = [];
  #uploading = 0;
  #timer = 0;
  #leaving = new Set(); // ids of rows removed before the server responds

  /** `show` updates the other parts of the form, which are in every response. */
  constructor(form, show) {
    this.form = form;
    this.show = show;
    this.list = form.querySelector("[data-files]");
    this.replacement = form.querySelector("#replacement");
  }

  /** Listen to the list and the drop zone, and poll while files are being read, or if `waiting`. */
  start(waiting) {
    const picker = this.form.elements.files;
    picker.addEventListener("change", () => { this.#add([...picker.files]); picker.value = ""; });
    this.#takeDrops(this.form.querySelector("[data-drop]"));
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

  #takeDrops(drop) {
    for (const kind of ["dragenter", "dragover"]) {
      drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
    }
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => { event.preventDefault(); this.#add([...event.dataTransfer.files]); });
  }

  // Uploading

  #add(files) {
    const max = Number(this.form.dataset.maxFiles);
    const room = Math.max(max - this.list.querySelectorAll(":scope > :not([data-replaces])").length, 0);
    if (files.length > room) toast(room ? t("A GPT can have up to {max} files. You can add {room} more.", { max, room }) : t("A GPT can have up to {max} files. Remove one first.", { max }), "error");
    for (const file of files.slice(0, room)) this.#enqueue(file, this.form.dataset.filesUrl, this.list.appendChild(emptyRow()));
  }

  #replace() {
    const [file] = this.replacement.files;
    const { old, url } = this.replacement;
    this.replacement.value = "";
    if (!file || !old.isConnected) return;
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
    if (!file.size) return refuse(row, t("The file is empty."));
    const maxBytes = Number(this.form.dataset.maxFileBytes);
    if (file.size > maxBytes) return refuse(row, t("This file is too large: up to {n} MB each.", { n: number.format(maxBytes / 1024 ** 2) }));
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
    return undefined;
  }

  #arrived(row, { status, response }) {
    if (status !== 201) return refuse(row, response?.error ?? t("Upload failed. You may be signed out."));
    this.show(response);
    if (response.known) {
      const { name } = row.job.file;
      row.remove();
      toast(name === response.file.name ? t("{name} was already uploaded.", { name }) : t("{name} is the same as {other}. Not added again.", { name, other: response.file.name }));
    } else {
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
