// The creator's form: saves automatically, and counts characters. files.js has the knowledge files.

import { toast } from "../site.js";
import { FileList } from "./files.js";
import { load, post } from "./send.js";
import { number, t } from "../translate.js";

const SAVE_AFTER_MS = 700;

const form = document.getElementById("gpt-form");
const builder = form.closest(".builder");
const files = new FileList(form, show);
const stateLine = form.querySelector("[data-save-state]");
let waiting = form.dataset.waiting === "yes";
let edits = 0; // counts changes, so that those made during a save are saved after it
let saved = 0;
let timer = 0;
let saving = null;
const staleNotice = form.querySelector("[data-stale]");
let stale = !staleNotice.hidden; // nothing is saved until the person chose between their text and the other one

// Saving ------------------------------------------------------------------------------------------------------------

/** Replace the secret link once the creator confirms that everyone with the old one loses access. */
async function rotate(url) {
  if (!confirm(t("Create a new link? The old link stops working, and people who used it lose access."))) return;
  try {
    show(await post(url));
    toast(t("New link created. Send it to the people who should have access."));
  } catch (error) {
    toast(t("{error} The link didn’t change.", { error: error.message }), "error");
  }
}

/** Save the draft if it has unsaved changes; resolves once it is saved or the page shows an error. */
async function saveNow() {
  clearTimeout(timer);
  if (saving) await saving;
  if (saved === edits || stale) return;
  saving = save();
  await saving;
  saving = null;
}

async function save() {
  const at = edits;
  tell(t("Saving…"));
  try {
    const body = new FormData(form);
    for (const name of ["files", "picture", "action"]) body.delete(name);
    const data = await post(form.getAttribute("action"), body);
    if ("stale" in data) {
      if (await merge(data.why)) timer = setTimeout(saveNow);
      return;
    }
    form.elements.revision.value = data.revision;
    saved = at;
    draft = data.fields;
    showErrors(data.errors);
    show(data);
    const n = Object.keys(data.errors).length;
    tell(n ? t("Saved, except the fields marked in red") : t("Draft saved"), n > 0);
    greet();
  } catch (error) {
    tell(t("Not saved. {error} Your changes are still here.", { error: error.message }), true);
    if (error.status === 404) return; // it will not be theirs again by waiting
    timer = setTimeout(saveNow, 5000);
  }
}

/** Let the person choose between their text and the draft with `revision`, which another tab or program saved. */
function ask(revision, why = t("Not saved: this GPT was changed in another tab or over the API.")) {
  stale = true;
  staleNotice.querySelector("[data-overwrite]").value = revision;
  staleNotice.querySelector("[data-why]").textContent = why;
  staleNotice.hidden = false;
  tell(t("Not saved"), true);
}

function overwrite(button) {
  stale = false;
  form.elements.revision.value = button.value;
  staleNotice.hidden = true;
  edits += 1;
  saveNow();
}

// What the conversation, another tab or a program changes ------------------------------------------------------------

const FILLED = ["name", "description", "instructions", "category", "only_from_knowledge", "capabilities", "starters"];

/** The values of the fields that are taken over, as the form has them. */
function values() {
  const data = new FormData(form);
  const texts = (name) => data.getAll(name).map((text) => text.trim()).filter(Boolean);
  const lists = { capabilities: texts("capabilities"), starters: texts("starters") };
  return Object.fromEntries(FILLED.map((name) => [name, lists[name] ?? (name === "only_from_knowledge" ? data.has(name) : data.get(name))]));
}

/** Whether a field has the same value in two drafts. */
function same(name, one, other) {
  const [a, b] = [one[name], other[name]].map((value) => (name === "capabilities" ? [...value].sort() : value));
  return JSON.stringify(a) === JSON.stringify(b);
}

let draft = JSON.parse(document.getElementById("draft-fields").textContent); // as the form last knew it to be saved

/** Show what the draft holds now. Resolves to false if the person must choose, as they changed the same field. */
async function merge(why) {
  const data = await load(form.getAttribute("action"));
  if (data.revision < Number(form.elements.revision.value)) return true;
  const [now, { fields }] = [values(), data];
  const theirs = Object.keys(fields).filter((name) => !same(name, fields, draft));
  if (theirs.some((name) => !FILLED.includes(name) || (!same(name, now, draft) && !same(name, now, fields)))) {
    edits += 1;
    ask(data.revision, why);
    return false;
  }
  for (const name of theirs) fill(name, fields[name]);
  form.elements.revision.value = data.revision;
  draft = fields;
  show(data);
  greet();
  return true;
}

/** `merge` once nothing is being saved, and again if the site can't be reached. */
async function takeOver() {
  if (saving) await saving;
  if (!stale) await merge().catch((error) => { if (error.status !== 404) setTimeout(takeOver, 5000); });
}

function fill(name, value) {
  const field = form.elements[name];
  if (name === "capabilities") for (const box of form.querySelectorAll('[name="capabilities"]')) box.checked = value.includes(box.value);
  else if (name === "only_from_knowledge") field.checked = value;
  else if (name === "starters") {
    starters.replaceChildren();
    for (const text of value) addStarter().value = text;
    if (!value.length) addStarter();
  } else field.value = value;
  if (field?.name) count(field);
  if (name === "name") showName(value);
}

document.addEventListener("guildhall:draft-changed", ({ detail }) => { detail.done = takeOver(); });
window.addEventListener("pageshow", ({ persisted }) => { if (persisted) takeOver(); });
document.addEventListener("guildhall:save-draft", ({ detail }) => { detail.done = saveNow(); });

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

/** Replace the parts of the page that differ in the server's response. */
function show({ parts, waiting: waits, live, guided }) {
  if (guided !== undefined) builder.dataset.guided = guided;
  if (live !== undefined) {
    sharing.dataset.live = live;
    showSharing();
  }
  for (const [name, html] of Object.entries(parts)) {
    for (const place of document.querySelectorAll(`[data-part="${name}"]`)) {
      if (place.dataset.html !== html) place.innerHTML = place.dataset.html = html;
    }
  }
  if (waiting && !waits && !files.anyFailed()) toast(t("New version published."));
  waiting = waits;
  if (waiting) files.follow();
}

// Sharing -----------------------------------------------------------------------------------------------------------

const sharing = document.getElementById("sharing");

/** Enable the button that changes who can use a published GPT while another level is chosen than the live one. */
function showSharing() {
  const [row, { live }] = [sharing.querySelector("[data-share]"), sharing.dataset];
  if (!row) return; // only its owner chooses
  const differs = form.elements.sharing.value !== live;
  row.hidden = !live;
  row.querySelector("button").disabled = !differs;
  row.querySelector("[data-share-note]").textContent = differs ? t("Not changed yet.") : "";
}

const preview = document.getElementById("preview");
const welcome = preview.querySelector("[data-welcome]");

/** Update the preview's welcome from the draft. */
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
  button.value = input.value.trim();
  button.textContent = button.value.replaceAll(/\{\{ *(\w+) *\}\}/g, (whole, name) => labelOf(name) ?? whole);
  return button;
}

/** The label of the input called `name`, as starters show it; undefined if there is none. */
function labelOf(name) {
  const row = [...form.querySelectorAll("[data-input]")].find((each) => each.querySelector('[name="input-name"]').value === name);
  return row && `[${row.querySelector('[name="input-title"]').value || name}]`;
}

preview.addEventListener("focusin", () => saveNow()); // so that the preview uses the newest draft

// Fields ------------------------------------------------------------------------------------------------------------

function count(input) {
  const counter = form.querySelector(`[data-count="${input.name}"]`);
  if (!counter) return;
  const n = [...input.value].length;
  const max = Number(counter.dataset.max);
  counter.textContent = t("{n} of {max}", { n: number.format(n), max: number.format(max) });
  counter.classList.toggle("over", n > max);
}

form.addEventListener("input", ({ target }) => {
  if (target.type === "file") return;
  if (target.name) count(target);
  if (target.name === "name") showName(target.value || t("Untitled"));
  if (target.name === "sharing" && sharing.dataset.live) showSharing();
  else if (target.name) edited();
});

function showName(name) {
  form.querySelector("[data-name]").textContent = name;
  preview.querySelector(".preview-talk").ariaLabel = t("Preview of {name}", { name });
  preview.querySelector("label[for=message]").textContent = t("Message {name}", { name });
}

/** Whether the person changed `field` before this script ran. */
function wasChanged(field) {
  if (field.type === "radio" || field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.type !== "file" && field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue;
}

form.addEventListener("outside-changed", edited);

// Files that can't be read as text can be attached if a capability of the draft opens them. Actions count after a reload.
const readers = [...form.querySelectorAll('[name="capabilities"][data-reads-files]')];
const composer = preview.querySelector("[data-composer]");
readers.forEach((reader) => reader.addEventListener("change", () => {
  composer.dataset.openers = readers.filter((each) => each.checked).map((each) => each.dataset.readsFiles).join(", ");
}));

const starters = form.querySelector("[data-starters]");
let starterNumber = 100;

function addStarter() {
  const row = document.getElementById("starter-row").content.cloneNode(true);
  const [label, input, button] = row.firstElementChild.children;
  starterNumber += 1;
  input.id = label.htmlFor = `starter-${starterNumber}`;
  button.hidden = false;
  starters.append(row);
  countStarters();
  return input;
}

/** Number the starters, and offer another one while they are few. */
function countStarters() {
  [...starters.children].forEach((row, i) => { row.firstElementChild.textContent = t("Conversation starter {n}", { n: i + 1 }); });
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
    line.textContent = t("{error} Your picture didn’t change.", { error: error.message });
  }
  picture.value = "";
}

/** Generate a picture from name and description, which takes a while. */
async function draw(button) {
  const [line, label] = [form.querySelector('[data-error="picture"]'), button.querySelector("span")];
  button.disabled = true;
  label.textContent = t("Generating, this can take a while");
  line.textContent = "";
  try {
    await saveNow();
    const data = await post(button.dataset.draw, new FormData());
    line.textContent = (data.errors?.picture ?? []).join(" ");
    if (data.parts) show(data);
    greet();
    if (!data.errors) form.querySelector("[data-clear-picture]").hidden = false;
  } catch (error) {
    line.textContent = t("{error} Your picture didn’t change.", { error: error.message });
  }
  button.disabled = false;
  label.textContent = t("Generate picture");
}

picture.addEventListener("change", () => { if (picture.files.length) setPicture(picture.files[0]); });

// Buttons -----------------------------------------------------------------------------------------------------------

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const row = button.closest("li");
  const act = {
    addStarter: () => addStarter().focus(),
    removeStarter: () => { row.remove(); countStarters(); edited(); },
    clearPicture: () => setPicture(null),
    draw: () => draw(button),
    rotate: () => rotate(button.dataset.rotate),
    overwrite: () => overwrite(button),
    loadTheirs: () => { saved = edits; location.reload(); },
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
  if (files.uploading()) {
    event.preventDefault();
    toast(t("Files are still uploading. Wait for them to finish or cancel them."), "error");
    return;
  }
  clearTimeout(timer);
  if (saving) { // its response has the revision that the form must send
    event.preventDefault();
    saving.then(() => form.requestSubmit(event.submitter));
    return;
  }
  saved = edits; // submitting the form saves the rest
});
window.addEventListener("beforeunload", (event) => { if (saved !== edits || files.uploading()) event.preventDefault(); });
document.addEventListener("visibilitychange", () => { if (document.hidden) saveNow(); });

/** Show the first field that keeps the draft from being saved, with the person's cursor in it. */
function toFirstError() {
  const line = [...form.querySelectorAll("[data-error]")].find((each) => each.textContent.trim());
  const place = line?.closest(".form-row, fieldset, .identity");
  if (!place) return;
  for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  place.scrollIntoView({ block: "center" });
  (place.querySelector('[aria-invalid="true"]') ?? place.querySelector("input:not([type=hidden]), textarea, select"))?.focus({ preventScroll: true });
}

countStarters();
showSharing();
toFirstError();
form.querySelector("[data-news]")?.focus();
if (stale) edits += 1;
else if ([...form.elements].some(wasChanged)) edited();
files.start(waiting);
