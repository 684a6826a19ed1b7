// A dialog with a form, which shows errors by field and sends one request at a time.

import { t } from "../translate.js";

export class Dialog {
  /** `id` is the dialog's; `submit()` sends the form and returns true if the dialog may close. */
  constructor(id, submit) {
    this.dialog = document.getElementById(id);
    this.form = this.dialog.querySelector("form");
    this.next = this.form.querySelector("[data-next]");
    this.submit = submit;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.form.querySelector("[data-cancel]").addEventListener("click", () => this.dialog.close());
  }

  find(selector) {
    return this.form.querySelector(selector);
  }

  open(title, next) {
    this.find("h2").textContent = title;
    this.next.textContent = next;
    this.next.disabled = false;
    this.complain({});
    this.dialog.showModal();
  }

  /** The fields' values by name. */
  get values() {
    return Object.fromEntries([...new FormData(this.form)].map(([name, value]) => [name, value.trim()]));
  }

  fill(values) {
    for (const [name, value] of Object.entries(values)) {
      if (this.form.elements[name]) this.form.elements[name].value = value ?? "";
    }
  }

  async send() {
    const label = this.next.textContent;
    this.complain({});
    this.next.disabled = true;
    this.next.textContent = t("Please wait…");
    try {
      if (await this.submit()) this.dialog.close();
    } catch (refused) {
      this.complain(refused.fields ?? {}, refused.message);
    } finally {
      this.next.disabled = false;
      if (this.next.textContent === t("Please wait…")) this.next.textContent = label;
    }
  }

  /** Show each message under its field, and those without a field at the bottom. */
  complain(fields, message = "") {
    let placed = false;
    for (const line of this.form.querySelectorAll("[data-error]")) {
      const words = line.dataset.error === "all" ? "" : (fields[line.dataset.error] ?? "");
      const isSeen = words && !line.closest("[hidden]");
      line.textContent = words;
      placed ||= Boolean(isSeen);
      const field = this.form.elements[line.dataset.error];
      if (words) field?.setAttribute?.("aria-invalid", "true");
      else field?.removeAttribute?.("aria-invalid");
    }
    this.find('[data-error="all"]').textContent = placed ? "" : message;
  }
}
