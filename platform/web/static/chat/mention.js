// “@” in the composer: a list of GPTs while one types, and the chip of the one that answers instead of the chat's own.
//
// The focus stays in the text; while the list is open the text field is its combobox. A choice becomes a chip with a
// toggle for how long. A GPT that answers until dismissed is the site's to know: its chip comes from there.

import { post } from "./post.js";

const WAIT_MS = 120; // after a key, before the site is asked
const TYPED = /(?:^|\s)@([^@\n]{0,60})$/u; // what stands before the caret

export class Mention {
  /** `form` is the composer, `refused(refusal)` is told why something failed. */
  constructor(form, refused) {
    this.form = form;
    this.refused = refused;
    this.area = form.querySelector("[data-message]");
    this.box = form.querySelector("[data-mention]");
    this.list = form.querySelector("[data-mention-list]");
    this.none = form.querySelector("[data-mention-none]");
    this.status = form.querySelector("[data-mention-status]");
    this.place = form.querySelector("[data-answerer]");
    this.chosen = null; // {slug, name, face} of the next message
    this.guest = this.place.firstElementChild;
    this.found = [];
    this.listen();
  }

  listen() {
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("click", () => this.typed());
    this.area.addEventListener("blur", () => this.close());
    // Before the composer, whose Enter sends.
    this.form.addEventListener("keydown", (event) => event.target === this.area && this.key(event), true);
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the text keeps the focus
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take([...this.list.children].indexOf(option));
    });
    this.place.addEventListener("click", (event) => this.clicked(event));
    this.place.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("[type=radio]")) event.preventDefault(); // it would send
    });
  }

  /** What to send along with the message. */
  get fields() {
    if (!this.chosen) return [];
    return [["mention", this.chosen.slug], ["stay", this.place.querySelector("[name=stay]:checked")?.value ?? ""]];
  }

  /** The message is sent; `html` is the chip of who answers until dismissed, as the site has it now. */
  sent(html = "") {
    this.chosen = null;
    this.showGuest(new DOMParser().parseFromString(html, "text/html").querySelector("[data-guest]"));
  }

  /** Show the chip of who answers until dismissed; null for nobody. A choice for the next message stays. */
  showGuest(chip) {
    const shown = this.place.firstElementChild;
    if (chip && shown?.dataset.guest === chip.dataset.guest) return; // it may have the focus
    this.guest = chip && document.importNode(chip, true);
    if (!this.chosen) this.place.replaceChildren(...(this.guest ? [this.guest] : []));
  }

  // The list

  get isOpen() {
    return !this.box.hidden;
  }

  typed() {
    const match = TYPED.exec(this.area.value.slice(0, this.area.selectionStart));
    clearTimeout(this.timer);
    if (!match || this.area.selectionStart !== this.area.selectionEnd) return this.close();
    if (this.given !== match[1]) this.timer = setTimeout(() => this.ask(match[1]), WAIT_MS);
    return undefined;
  }

  async ask(query) {
    this.given = query;
    this.request?.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    const url = `${this.box.dataset.mention}?${new URLSearchParams({ q: query })}`;
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" }, signal });
      if (response.ok) this.show(query, (await response.json()).gpts);
    } catch { /* Typed on, or offline: the text is sent as it stands. */ }
  }

  show(query, gpts) {
    if (this.given !== query || document.activeElement !== this.area) return;
    this.found = gpts.filter((gpt) => this.guest || gpt.slug !== this.box.dataset.own);
    // Behind a name that fits nothing an ordinary sentence goes on.
    if (!this.found.length && /\s/.test(query.trim())) return this.hide();
    this.list.replaceChildren(...this.found.map((gpt, index) => this.option(gpt, index)));
    this.list.hidden = !this.found.length;
    this.none.hidden = this.found.length > 0;
    this.none.textContent = query.trim() ? `No GPT that you may use fits “${query.trim()}”.` : "There is no other GPT yet that you may use.";
    this.status.textContent = this.found.length ? `${this.found.length} GPT${this.found.length === 1 ? "" : "s"}. Arrow keys choose, Enter brings one in.` : this.none.textContent;
    this.open();
    return this.mark(0);
  }

  option(gpt, index) {
    const option = filled(this.form.querySelector("[data-mention-option]"), gpt);
    option.id = `mention-${index}`;
    option.querySelector("[data-creator]").textContent = gpt.creator;
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
    this.given = undefined;
    this.hide();
  }

  hide() {
    this.box.hidden = true;
    this.status.textContent = "";
    for (const name of ["role", "aria-autocomplete", "aria-expanded", "aria-controls", "aria-activedescendant"]) this.area.removeAttribute(name);
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
    if (!this.isOpen || event.isComposing) return;
    const n = this.found.length;
    if (event.key === "Escape") this.hide();
    else if (n && event.key === "ArrowDown") this.mark((this.at + 1) % n);
    else if (n && event.key === "ArrowUp") this.mark((this.at + n - 1) % n);
    else if (n && (event.key === "Enter" || event.key === "Tab") && !event.shiftKey) this.take(this.at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The chip

  /** Put the GPT at `index` into the composer and take what was typed for it out of the text. */
  take(index) {
    const { area } = this;
    const end = area.selectionStart;
    const typed = TYPED.exec(area.value.slice(0, end))[0].trimStart();
    area.setRangeText("", end - typed.length, end, "end");
    this.chosen = this.found[index];
    this.close();
    area.dispatchEvent(new Event("input", { bubbles: true }));
    this.place.replaceChildren(this.chip(this.chosen));
    this.status.textContent = `${this.chosen.name} answers this message.`;
  }

  chip(gpt) {
    const chip = filled(this.form.querySelector("[data-mention-chip]"), gpt);
    chip.setAttribute("aria-label", `${gpt.name} answers`);
    chip.querySelector("[data-unmention]").setAttribute("aria-label", `Leave ${gpt.name} out`);
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
      this.status.textContent = "Dismissed.";
      this.showGuest(null);
      this.area.focus();
    } catch (refusal) {
      this.refused(refusal);
      button.disabled = false;
    }
  }
}

/** The content of `template` with the face and the name of `gpt`. */
function filled(template, gpt) {
  const element = template.content.firstElementChild.cloneNode(true);
  const face = new DOMParser().parseFromString(gpt.face, "text/html").body.firstElementChild;
  element.querySelector("[data-face]").replaceWith(document.importNode(face, true));
  element.querySelector("[data-name]").textContent = gpt.name;
  return element;
}
