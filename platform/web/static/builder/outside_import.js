// Importing an OpenAPI document as an action: first the document, then its operations.

import { call } from "./outside_api.js";
import { Dialog } from "./outside_dialog.js";
import { copyOf, described } from "./outside_row.js";
import { t } from "../translate.js";

const LONG_LIST = 12; // from this many operations on there is a filter

export class ImportDialog {
  /** `url` is that of the draft's actions in the API; `done(action, hint)` gets the saved action and its auth hint. */
  constructor(url, done) {
    this.url = url;
    this.done = done;
    this.dialog = new Dialog("action-dialog", () => (this.choosing ? this.save() : this.read()));
    this.find("[data-back]").addEventListener("click", () => this.show(false));
    this.find("[data-choices]").addEventListener("change", () => this.count());
    this.find("[data-filter]").addEventListener("input", (event) => this.filter(event.target.value));
    this.find("#action-file").addEventListener("change", (event) => this.take(event.target));
  }

  find(selector) {
    return this.dialog.find(selector);
  }

  add() {
    this.action = null;
    this.dialog.form.reset();
    this.find("[data-file-name]").textContent = "";
    this.show(false);
    this.dialog.open(t("Add action"), this.dialog.next.textContent);
  }

  change(action) {
    this.action = action;
    this.dialog.form.reset();
    this.dialog.fill({ ...action, server: action.base_url, document: "", url: "" });
    this.choose({ ...action, servers: [action.base_url] });
    this.dialog.open(t("Edit {name}", { name: action.name }), this.dialog.next.textContent);
  }

  async take(input) {
    const [file] = input.files;
    if (!file) return;
    this.dialog.fill({ document: await file.text(), url: "" });
    this.find("[data-file-name]").textContent = file.name;
    input.value = "";
  }

  /** Show the source of the document, or its operations. */
  show(choosing) {
    this.choosing = choosing;
    this.find('[data-step="source"]').hidden = choosing;
    this.find('[data-step="choose"]').hidden = !choosing;
    this.find("[data-back]").hidden = !choosing;
    this.find("[data-back]").textContent = this.action ? t("Replace document") : t("Back");
    this.dialog.next.textContent = choosing ? (this.action ? t("Save") : t("Add")) : t("Import");
  }

  async read() {
    const { document: text, url } = this.dialog.values;
    const found = await call("POST", `${this.url}/preview`, { document: text, url });
    this.hint = found.auth;
    if (!this.dialog.values.name) this.dialog.fill({ name: found.title });
    this.dialog.fill({ server: found.base_url });
    this.choose(found);
    return false;
  }

  choose({ listed, enabled, warnings, servers }) {
    this.find("[data-warnings]").hidden = !warnings.length;
    this.find("[data-warning-list]").replaceChildren(...warnings.map((words) => element("li", words)));
    this.find("#action-servers").replaceChildren(...servers.map((server) => element("option", server)));
    this.find("[data-choices]").replaceChildren(...listed.map((each) => choice(each, enabled.includes(each.name))));
    this.find("[data-filter]").hidden = listed.length < LONG_LIST;
    this.show(true);
    this.count();
  }

  get chosen() {
    return [...this.find("[data-choices]").querySelectorAll("input:checked")].map(({ value }) => value);
  }

  count() {
    const all = this.find("[data-choices]").children.length;
    this.find("[data-chosen]").textContent = t("{n} of {max}", { n: this.chosen.length, max: all });
  }

  filter(words) {
    for (const row of this.find("[data-choices]").children) row.hidden = !row.textContent.toLowerCase().includes(words.toLowerCase());
  }

  async save() {
    const { document: text, url, name, server, privacy_url: privacy } = this.dialog.values;
    const fields = { name, server, privacy_url: privacy, operations: this.chosen };
    if (text || url) Object.assign(fields, { document: text, url });
    const saved = this.action ? await call("PATCH", `${this.url}/${this.action.id}`, fields) : await call("POST", this.url, fields);
    this.done(saved, this.action ? null : this.hint);
    return true;
  }
}

function element(name, words) {
  const made = document.createElement(name);
  if (name === "option") made.value = words;
  else made.textContent = words;
  return made;
}

function choice(listed, isChosen) {
  const row = described(copyOf("choice-row"), listed);
  const box = row.querySelector("input");
  box.value = listed.name;
  box.checked = isChosen;
  box.disabled = !listed.usable;
  row.querySelector("[data-warnings]").textContent = listed.warnings.join(" ");
  return row;
}
