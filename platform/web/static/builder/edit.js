// The creator's form: it saves itself, counts characters, and takes files while the rest stays in use.

import { toast } from "../site.js";

const SAVE_AFTER_MS = 700;
const POLL_MS = 1200;
const UPLOADS_AT_ONCE = 3;
const PENDING = new Set(["received", "parsing", "embedding"]);

const form = document.getElementById("gpt-form");
const token = form.elements.csrfmiddlewaretoken.value;
const list = form.querySelector("[data-files]");
const stateLine = form.querySelector("[data-save-state]");
let waiting = form.dataset.waiting === "yes";
let edits = 0; // counts changes, so that one made while a save is under way is saved after it
let saved = 0;
let timer = 0;
let saving = null;

// Saving ------------------------------------------------------------------------------------------------------------

/** Send `body` and give the JSON answer. Throws an Error whose message is a sentence for the reader. */
async function post(url, body = new FormData()) {
  body.set("csrfmiddlewaretoken", token);
  const options = { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" };
  return answer(await fetch(url, options).catch(() => { throw new Error("The hall cannot be reached."); }));
}

async function answer(response) {
  if (response.type === "opaqueredirect" || response.status === 403) {
    throw new Error("You are signed out. Sign in again in another tab.");
  }
  const isJson = response.headers.get("content-type")?.includes("json");
  if (!isJson) throw new Error(response.status === 404 ? "This GPT is gone." : "Something broke in the hall.");
  return response.json();
}

/** Save the draft if it has unsaved changes; resolves once it is saved or the page says why not. */
async function saveNow() {
  clearTimeout(timer);
  if (saving) await saving;
  if (saved === edits) return;
  saving = save();
  await saving;
  saving = null;
}

async function save() {
  const at = edits;
  tell("Saving…");
  try {
    const body = new FormData(form);
    for (const name of ["files", "picture", "action"]) body.delete(name);
    const data = await post(form.getAttribute("action"), body);
    saved = at;
    showErrors(data.errors);
    show(data);
    const n = Object.keys(data.errors).length;
    tell(n ? "Saved, but for the fields marked in red" : "Draft saved", n > 0);
    greet();
  } catch (error) {
    tell(`Not saved. ${error.message} What you typed is still here.`, true);
    timer = setTimeout(saveNow, 5000);
  }
}

function tell(text, bad = false) {
  stateLine.textContent = text;
  stateLine.classList.toggle("bad", bad);
}

function edited() {
  edits += 1;
  clearTimeout(timer);
  timer = setTimeout(saveNow, SAVE_AFTER_MS);
}

function showErrors(errors) {
  for (const line of form.querySelectorAll("[data-error]")) {
    const name = line.dataset.error;
    if (name === "picture") continue;
    line.textContent = (errors[name] ?? []).join(" ");
    const field = document.getElementById(name);
    if (name in errors) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
  }
}

/** Put the parts of the page that the server drew anew in place, where they differ. */
function show({ parts, waiting: waits }) {
  for (const [name, html] of Object.entries(parts)) {
    for (const place of document.querySelectorAll(`[data-part="${name}"]`)) {
      if (place.dataset.html !== html) place.innerHTML = place.dataset.html = html;
    }
  }
  if (waiting && !waits && !list.querySelector(".failed")) toast("The new version is published.");
  waiting = waits;
  if (waiting) poll();
}

const preview = document.getElementById("preview");
const welcome = preview.querySelector("[data-welcome]");

/** Let the preview's welcome say what the draft says. */
function greet() {
  if (!welcome) return;
  const { name, description } = form.elements;
  welcome.querySelector(".face").outerHTML = form.querySelector('[data-part="face"] .face').outerHTML;
  welcome.querySelector("h2").textContent = name.value;
  welcome.querySelector("p").textContent = description.value;
  const chips = [...starters.querySelectorAll("input")].filter((input) => input.value.trim()).map(chip);
  const box = welcome.querySelector("form");
  for (const old of box.querySelectorAll(".chip")) old.remove();
  box.append(...chips);
}

function chip(input) {
  const button = document.createElement("button");
  button.className = "chip";
  button.name = "text";
  button.value = button.textContent = input.value.trim();
  return button;
}

preview.addEventListener("focusin", () => saveNow()); // what is asked there is answered by the newest draft

// Fields ------------------------------------------------------------------------------------------------------------

function count(input) {
  const counter = form.querySelector(`[data-count="${input.name}"]`);
  if (!counter) return;
  const n = [...input.value].length;
  const max = Number(counter.dataset.max);
  counter.textContent = `${n.toLocaleString("en")} of ${max.toLocaleString("en")}`;
  counter.classList.toggle("over", n > max);
}

form.addEventListener("input", ({ target }) => {
  if (target.type === "file") return;
  if (target.name) count(target);
  if (target.name === "name") form.querySelector("[data-name]").textContent = target.value || "Without a name";
  if (target.name) edited();
});

const starters = form.querySelector("[data-starters]");
let starterNumber = 100;

function addStarter() {
  const row = document.getElementById("starter-row").content.cloneNode(true);
  const [label, input, button] = row.firstElementChild.children;
  starterNumber += 1;
  input.id = label.htmlFor = `starter-${starterNumber}`;
  button.hidden = false;
  starters.append(row);
  input.focus();
  limitStarters();
}

function limitStarters() {
  form.querySelector("[data-add-starter]").disabled = starters.children.length >= Number(form.dataset.maxStarters);
}

// Picture -----------------------------------------------------------------------------------------------------------

const picture = form.elements.picture;

async function setPicture(file) {
  const line = form.querySelector('[data-error="picture"]');
  const body = new FormData();
  if (file) body.set("picture", file);
  try {
    const data = await post(form.dataset.pictureUrl, body);
    line.textContent = (data.errors?.picture ?? []).join(" ");
    if (data.parts) show(data);
    greet();
    if (!data.errors) form.querySelector("[data-clear-picture]").hidden = !file;
  } catch (error) {
    line.textContent = `${error.message} The picture was not changed.`;
  }
  picture.value = "";
}

picture.addEventListener("change", () => { if (picture.files.length) setPicture(picture.files[0]); });

// Files -------------------------------------------------------------------------------------------------------------

const queue = [];
let uploading = 0;
let polling = 0;

function addFiles(files) {
  const room = Number(form.dataset.maxFiles) - list.children.length;
  if (files.length > room) toast(`A GPT can hold ${form.dataset.maxFiles} files; ${room ? `only ${room} more fit` : "remove one first"}.`, "error");
  for (const file of [...files].slice(0, Math.max(room, 0))) queue.push({ file, row: uploadRow(file) });
  pump();
}

function uploadRow(file) {
  list.append(document.getElementById("upload-row").content.cloneNode(true));
  const row = list.lastElementChild;
  row.querySelector("b").textContent = file.name;
  row.querySelector("[data-cancel]").setAttribute("aria-label", `Cancel ${file.name}`);
  row.querySelector("[data-again]").setAttribute("aria-label", `Retry ${file.name}`);
  row.querySelector("progress").setAttribute("aria-label", `Uploading ${file.name}`);
  return row;
}

function pump() {
  while (uploading < UPLOADS_AT_ONCE && queue.length) {
    const job = queue.shift();
    if (job.row.isConnected) upload(job);
  }
}

function upload(job) {
  const { file, row } = job;
  row.job = job;
  if (!file.size) return refuse(row, "The file is empty.");
  if (file.size > Number(form.dataset.maxFileBytes)) return refuse(row, "The file is larger than the limit here.");
  const request = job.request = new XMLHttpRequest();
  const body = new FormData();
  body.set("csrfmiddlewaretoken", token);
  body.set("file", file);
  request.open("POST", form.dataset.filesUrl);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => sent(row, loaded, total);
  request.onload = () => arrived(row, request);
  request.onerror = () => refuse(row, "The upload was cut off.");
  request.onloadend = () => { uploading -= 1; pump(); };
  uploading += 1;
  request.send(body);
  return undefined;
}

function sent(row, loaded, total) {
  row.querySelector("progress").value = loaded / total;
  const percent = Math.floor(100 * loaded / total);
  row.querySelector(".file-state").textContent = percent < 100 ? `Uploading, ${percent} %` : "Storing";
}

function arrived(row, { status, response }) {
  if (status !== 201) return refuse(row, response?.error ?? "The hall did not take it. You may be signed out.");
  show(response);
  if (response.known) {
    row.remove();
    toast(`${response.file.name} is here already.`);
  } else {
    row.replaceWith(drawn(response.file));
    poll();
  }
  return undefined;
}

function refuse(row, why) {
  row.classList.replace("uploading", "failed");
  row.querySelector(".file-state").textContent = why;
  row.querySelector("progress").hidden = true;
  row.querySelector("[data-again]").hidden = false;
  const cancel = row.querySelector("[data-cancel]");
  cancel.textContent = "Remove";
  cancel.setAttribute("aria-label", `Remove ${row.job.file.name}`);
}

function again(row) {
  const { file } = row.job;
  const fresh = uploadRow(file);
  row.replaceWith(fresh);
  queue.push({ file, row: fresh });
  pump();
}

function drawn(file) {
  const box = document.createElement("template");
  box.innerHTML = file.html.trim();
  const row = box.content.firstElementChild;
  row.drawn = file.html;
  return row;
}

function poll() {
  clearTimeout(polling);
  polling = setTimeout(lookAtFiles, POLL_MS);
}

async function lookAtFiles() {
  if (document.hidden) return poll();
  const response = await fetch(form.dataset.filesUrl, { headers: { Accept: "application/json" }, redirect: "manual" }).catch(() => null);
  if (!response?.ok) return poll();
  const data = await response.json();
  for (const file of data.files) {
    const row = list.querySelector(`[data-file="${file.id}"]`);
    if (row && row.drawn !== file.html) row.replaceWith(drawn(file));
  }
  show(data);
  if (data.files.some((file) => PENDING.has(file.status))) poll();
  return undefined;
}

async function removeFile(row) {
  const place = row.nextElementSibling;
  row.remove();
  try {
    show(await post(row.querySelector("[data-remove]").formAction));
  } catch (error) {
    list.insertBefore(row, place?.isConnected ? place : null);
    toast(`${error.message} The file is still in the draft.`, "error");
  }
}

async function retryFile(row, button) {
  button.disabled = true;
  try {
    const data = await post(button.formAction);
    row.replaceWith(drawn(data.file));
    show(data);
    poll();
  } catch (error) {
    button.disabled = false;
    toast(error.message, "error");
  }
}

const picker = form.elements.files;
const drop = form.querySelector("[data-drop]");
picker.addEventListener("change", () => { addFiles([...picker.files]); picker.value = ""; });
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => { event.preventDefault(); addFiles([...event.dataTransfer.files]); });

// Buttons -----------------------------------------------------------------------------------------------------------

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const row = button.closest("li");
  const act = {
    addStarter,
    removeStarter: () => { row.remove(); limitStarters(); edited(); },
    remove: () => removeFile(row),
    retry: () => retryFile(row, button),
    again: () => again(row),
    cancel: () => { row.job?.request?.abort(); row.remove(); },
    clearPicture: () => setPicture(null),
    rotate: async () => show(await post(button.dataset.rotate)),
    openPreview: () => { saveNow(); preview.showModal(); },
  };
  const name = Object.keys(act).find((key) => key in button.dataset);
  if (!name) return;
  event.preventDefault();
  act[name]();
});
preview.querySelector("[data-close-preview]").addEventListener("click", () => preview.close());

for (const radio of form.elements.face) {
  radio.addEventListener("change", () => { if (!form.querySelector("[data-clear-picture]").hidden) setPicture(null); });
}

form.addEventListener("submit", (event) => {
  if (uploading || queue.length) {
    event.preventDefault();
    toast("Files are still being uploaded. Wait for them, or cancel them.", "error");
    return;
  }
  clearTimeout(timer);
  saved = edits; // the form itself carries what was not saved yet
});
window.addEventListener("beforeunload", (event) => { if (saved !== edits || uploading) event.preventDefault(); });
document.addEventListener("visibilitychange", () => { if (document.hidden) saveNow(); });

limitStarters();
if (waiting || [...list.children].some((row) => PENDING.has(row.dataset.status))) poll();
