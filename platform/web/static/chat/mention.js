// “@” in the composer: a list of GPTs to mention, and the chip of the one that answers instead of the chat's own.
//
// The focus stays in the text field, which is a combobox while the list is open. A chosen GPT becomes a chip with a
// toggle for how long it answers. The chip of a GPT that answers until removed comes from the server.

import { post } from "./post.js";
import { t, tn } from "../translate.js";

const WAIT_MS = 120; // after a key, before the list is requested
const TYPED = /(?:^|\s)@((?:[^\s@][^@\n]{0,59})?)$/u; // the text before the caret

export class Mention {
  /** `form` is the composer, `refused(refusal)` is called if something fails. */
  constructor(form, refused) {
    this.form = form;
    this.refused = refused;
    this.area = form.querySelector("[data-message]");
    this.box = form.querySelector("[data-mention]");
    this.list = form.querySelector("[data-mention-list]");
    this.none = form.querySelector("[data-mention-none]");
    this.status = form.querySelector("[data-mention-status]");
    this.place = form.querySelector("[data-answerer]");
    this.chosen = null; // {slug, name, face} for the next message
    this.guest = this.place.firstElementChild;
    this.found = [];
    this.declined = false; // Escape closes the list until the next “@”
    this.listen();
  }

  listen() {
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("click", () => this.typed());
    this.area.addEventListener("blur", () => this.close());
    // Before the composer's listener, in which Enter sends.
    this.form.addEventListener("keydown", (event) => event.target === this.area && this.key(event), true);
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // keep the focus on the text field
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take([...this.list.children].indexOf(option));
    });
    this.place.addEventListener("click", (event) => this.clicked(event));
    this.place.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("[type=radio]")) event.preventDefault(); // Enter would submit the form
    });
  }

  /** The fields to send with the message. */
  get fields() {
    if (!this.chosen) return [];
    return [["mention", this.chosen.slug], ["stay", this.place.querySelector("[name=stay]:checked")?.value ?? ""]];
  }

  /** After a message was sent: `html` is the chip of the GPT that answers until removed. */
  sent(html = "") {
    this.chosen = null;
    this.showGuest(new DOMParser().parseFromString(html, "text/html").querySelector("[data-guest]"));
  }

  /** Show the chip of the GPT that answers until removed, if any. A choice for the next message stays. */
  showGuest(chip) {
    const shown = this.place.firstElementChild;
    if (chip && shown?.dataset.guest === chip.dataset.guest) return; // it may have the focus
    this.guest = chip && document.importNode(chip, true);
    if (this.chosen) return;
    this.place.replaceChildren(...(this.guest ? [this.guest] : []));
    this.address(this.guest?.querySelector("bdi").textContent ?? this.form.dataset.name);
  }

  address(name) {
    this.area.placeholder = t("Message {name}", { name });
  }

  // The list

  get isOpen() {
    return !this.box.hidden;
  }

  typed() {
    const query = this.query();
    clearTimeout(this.timer);
    this.hurried = false;
    if (query === null) return this.close();
    this.declined &&= query !== "";
    if (this.declined) return undefined;
    if (this.isOpen && !fits(this.found[this.at], query)) this.hide(); // immediately, so that Enter doesn't choose it
    if (this.given !== query) this.timer = setTimeout(() => this.ask(query), WAIT_MS);
    return undefined;
  }

  /** The text between an “@” and the caret; null without an “@”. */
  query() {
    const { selectionStart, selectionEnd, value } = this.area;
    const typed = selectionStart === selectionEnd && TYPED.exec(value.slice(0, selectionStart));
    return typed ? typed[1] : null;
  }

  async ask(query) {
    this.given = query;
    this.request?.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    const url = `${this.box.dataset.mention}?${new URLSearchParams({ q: query })}`;
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" }, signal });
      this.show(query, response.ok ? (await response.json()).gpts : []);
    } catch {
      if (!signal.aborted) this.show(query, []); // offline
    }
  }

  show(query, gpts) {
    if (this.given !== query || document.activeElement !== this.area) return undefined;
    this.shown = query;
    this.found = gpts.filter((gpt) => (this.guest || gpt.slug !== this.box.dataset.own) && fits(gpt, query));
    if (this.hurried) return this.settle();
    if (!this.found.length && /\s/.test(query)) return this.hide(); // it is a sentence, not a name
    this.list.replaceChildren(...this.found.map((gpt, index) => this.option(gpt, index)));
    this.list.hidden = !this.found.length;
    this.none.hidden = this.found.length > 0;
    this.none.textContent = query.trim() ? t("No GPTs found for “{query}”.", { query: query.trim() }) : t("There are no other GPTs you can use yet.");
    this.status.textContent = this.found.length ? tn("{n} GPT. Use the arrow keys to choose and Enter to select.", "{n} GPTs. Use the arrow keys to choose and Enter to select.", this.found.length) : this.none.textContent;
    this.open();
    return this.mark(0);
  }

  option(gpt, index) {
    const option = filled(this.form.querySelector("[data-mention-option]"), gpt);
    option.id = `mention-${index}`;
    option.querySelector("[data-about]").textContent = gpt.description;
    return option;
  }

  open() {
    this.box.hidden = false;
    const { area } = this;
    area.setAttribute("role", "combobox");
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-expanded", String(this.found.length > 0));
    area.setAttribute("aria-controls", this.list.id);
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.given = this.shown = undefined;
    this.declined = this.hurried = false;
    this.hide();
  }

  hide() {
    this.box.hidden = true;
    this.status.textContent = "";
    for (const name of ["role", "aria-autocomplete", "aria-expanded", "aria-controls", "aria-activedescendant"]) this.area.removeAttribute(name);
  }

  /** Whether the list for the current text is still loading. */
  isAwaited() {
    const query = this.query();
    return query && !/\s/.test(query) && !this.declined && this.shown !== query;
  }

  /** Enter was pressed before the list was loaded. */
  hurry() {
    this.hurried = true;
    clearTimeout(this.timer);
    if (this.given !== this.query()) this.ask(this.query());
  }

  /** Choose what Enter would have chosen in the list, or send. */
  settle() {
    if (this.found.length) return this.take(0);
    this.close();
    return this.form.requestSubmit();
  }

  decline() {
    this.close();
    this.declined = true;
  }

  mark(index) {
    this.at = index;
    [...this.list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    const option = this.list.children[index];
    if (!option) return this.area.removeAttribute("aria-activedescendant");
    this.area.setAttribute("aria-activedescendant", option.id);
    return option.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.isComposing) return;
    const n = this.found.length;
    if (event.key === "Enter" && !event.shiftKey && this.isAwaited()) this.hurry();
    else if (!this.isOpen) return;
    else if (event.key === "Escape") this.decline();
    else if (n && event.key === "ArrowDown") this.mark((this.at + 1) % n);
    else if (n && event.key === "ArrowUp") this.mark((this.at + n - 1) % n);
    else if (n && (event.key === "Enter" || event.key === "Tab") && !event.shiftKey) this.take(this.at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The chip

  /** Choose the GPT at `index`, and remove its “@” from the text. */
  take(index) {
    const { area } = this;
    const end = area.selectionStart;
    area.setRangeText("", end - 1 - this.query().length, end, "end");
    this.chosen = this.found[index];
    this.close();
    area.dispatchEvent(new Event("input", { bubbles: true }));
    this.place.replaceChildren(this.chip(this.chosen));
    this.address(this.chosen.name);
    this.status.textContent = t("{name} will answer this message.", { name: this.chosen.name });
  }

  chip(gpt) {
    const chip = filled(this.form.querySelector("[data-mention-chip]"), gpt);
    chip.setAttribute("aria-label", `${gpt.name} answers`);
    chip.querySelector("[data-unmention]").setAttribute("aria-label", t("Remove {name}", { name: gpt.name }));
    return chip;
  }

  clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    event.preventDefault();
    if ("unmention" in button.dataset) {
      this.chosen = null;
      this.showGuest(this.guest);
      this.area.focus();
    } else this.dismiss(button);
  }

  async dismiss(button) {
    button.disabled = true;
    try {
      await post(button.dataset.dismissGuest);
      this.refused(null);
      this.status.textContent = t("Removed.");
      this.showGuest(null);
      this.area.focus();
    } catch (refusal) {
      this.refused(refusal);
      button.disabled = false;
    }
  }
}

/** Whether `query` may still be a name. With a space, only if it begins the name of a GPT. */
function fits(gpt, query) {
  return !/\s/.test(query) || Boolean(gpt?.name.toLowerCase().includes(query.trim().toLowerCase()));
}

/** The content of `template` with the face and name of `gpt`. */
function filled(template, gpt) {
  const element = template.content.firstElementChild.cloneNode(true);
  const face = new DOMParser().parseFromString(gpt.face, "text/html").body.firstElementChild;
  element.querySelector("[data-face]").replaceWith(document.importNode(face, true));
  element.querySelector("[data-name]").textContent = gpt.name;
  element.querySelector("[data-creator]").textContent = gpt.creator;
  return element;
}
