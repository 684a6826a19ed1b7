// The text field for messages: grows with the text, sends on Enter, and loses nothing that was typed.

import { Attachments } from "./attachments.js";
import { Mention } from "./mention.js";
import { number, t, tn } from "../translate.js";

export const LOOK_MS = 700; // what somebody else put under a click or the Enter key can't be sent or allowed sooner
const NEAR_LIMIT = 0.9; // the count is shown from this share of the limit on

export class Composer {
  /** `handlers`: send(text, further fields) → Promise that rejects with a Refusal, stop(), queues: messages can wait. */
  constructor(form, handlers) {
    this.form = form;
    this.handlers = handlers;
    this.area = form.querySelector("[data-message]");
    this.error = form.querySelector("[data-error]");
    this.note = form.querySelector("[data-note]");
    this.sendButton = form.querySelector("[data-send]");
    this.stopButton = form.querySelector("[data-stop]");
    this.max = Number(form.dataset.max);
    this.answering = false;
    this.sending = false;
    this.unsent = ""; // the message being sent, which returns to the field if that fails
    this.readableAt = 0; // when a text that is not the person's own can be sent
    this.waiting = false; // to send the message once its files are read
    const changed = (removed) => this.filesChanged(removed);
    this.attached = form.querySelector("[data-attach]") && new Attachments(form, form.closest("[data-talk]"), changed);
    this.mention = form.querySelector("[data-mention]") && new Mention(form, (refusal) => this.fail(refusal));
    this.area.value = this.written();
    if (this.area.value) this.keep();
    this.listen();
    this.update();
    if (this.area.defaultValue) this.inputFields()[0]?.focus(); // a starter that was chosen elsewhere
  }

  listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (event.submitter?.name === "text") this.start(event.submitter);
      else if (this.waiting) this.wait(false);
      else this.submit();
    });
    this.area.addEventListener("input", () => {
      this.keep();
      this.wait(false);
      this.update();
    });
    this.area.addEventListener("suggested", () => { this.readableAt = performance.now() + LOOK_MS; });
    this.area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      // A phone's keyboard has no other key for a new line, and the button is at hand.
      if (matchMedia("(pointer: coarse)").matches && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      if (!this.waiting) this.submit();
    });
    this.stopButton.addEventListener("click", () => this.handlers.stop());
    addEventListener("resize", () => this.grow());
  }

  /** Send a starter; one with inputs that are still empty first opens their fields, with its text in the field. */
  start(button) {
    const label = button.textContent;
    const names = [...button.value.matchAll(/\{\{ *(\w+) *\}\}/g)].map(([, name]) => `answer-${name}`);
    const empty = this.inputFields().find((field) => names.includes(field.name) && !field.value.trim());
    const chosen = this.area.value === label;
    if (!empty || chosen) {
      if (chosen) this.area.value = "";
      this.deliver(button.value, false);
      return;
    }
    this.area.value = label;
    this.keep();
    this.update();
    empty.focus();
  }

  inputFields() { return [...this.form.querySelectorAll("[data-inputs]:not([hidden]) :is(input, select, textarea)")]; }

  // The text survives a reload, a crash and signing in again in this tab.
  draftKey() { return `draft ${this.form.action}`; }
  draft() { try { return sessionStorage.getItem(this.draftKey()); } catch { return null; } }
  keep() { try { sessionStorage.setItem(this.draftKey(), this.whole()); } catch { /* Not everyone allows storage. */ } }
  forget(key) { try { sessionStorage.removeItem(key); } catch { /* The same. */ } }

  /** The field's text on arrival: the draft, and what was typed before this script ran. */
  written() {
    const [{ value, defaultValue }, draft] = [this.area, this.draft() ?? ""];
    if (value === defaultValue) return value || draft;
    return value.startsWith(draft) ? value : draft + value;
  }

  /** The message being sent, if there is one, and the text typed since. */
  whole() { return [this.unsent, this.area.value].filter(Boolean).join("\n"); }

  async submit() {
    const text = this.area.value;
    if (performance.now() < this.readableAt) return;
    const empty = !text.trim() && !this.attached?.files.size;
    if (this.answering && !this.handlers.queues && !empty) this.hint = t("Still answering. Wait for the answer or stop it to send this.");
    else if (!this.sending && !empty && text.length <= this.max) {
      if (this.attached?.failed) this.hint = tn("Remove the file marked in red, then send.", "Remove the files marked in red, then send.", this.attached.failed);
      else if (this.attached?.busy) this.wait(true);
      else await this.deliver(text, true);
    }
    this.update();
  }

  /** Wait for the files and then send, or stop waiting. */
  wait(waiting) {
    this.waiting = waiting;
    this.hint = waiting ? t("Sends when your files are read.") : "";
    this.update();
  }

  filesChanged(removed) {
    if (removed) this.wait(false);
    else if (this.waiting && !this.attached.busy) {
      this.wait(false);
      this.submit();
    } else this.update();
  }

  /** Send `text`; if it is the field's, the field is free for the next message meanwhile. */
  async deliver(text, own) {
    if (this.sending || !this.form.reportValidity()) return; // inputs of the GPT that must be filled in first
    const key = this.draftKey(); // sending the first message changes the form's action
    const chips = [...(this.attached?.files.keys() ?? [])];
    this.sending = true;
    if (own) [this.unsent, this.area.value] = [text, ""];
    this.fail(null);
    this.update();
    try {
      const files = (this.attached?.ids ?? []).map((id) => ["attachments", id]);
      await this.handlers.send(text, [...files, ...this.inputs(), ...(this.mention?.fields ?? [])]);
      this.attached?.clear(chips);
      if (own) {
        this.unsent = "";
        this.forget(key);
        this.keep();
      }
      // The button or starter that was pressed is hidden now. On phones the keyboard would cover the answer.
      const lost = own || document.activeElement === document.body;
      if (lost && matchMedia("(hover: hover)").matches) this.area.focus({ preventScroll: true });
    } catch (refusal) {
      [this.area.value, this.unsent] = [this.whole(), ""];
      this.fail(refusal, own && text.trim() ? t(" Your message is still here.") : "");
    } finally {
      this.sending = false;
      this.update();
    }
  }

  /** What the person filled in for the GPT's inputs; nothing once the chat has begun. */
  inputs() {
    const part = this.form.querySelector("[data-inputs]");
    return part && !part.hidden ? [...new FormData(this.form)].filter(([name]) => name.startsWith("answer-")) : [];
  }

  /** Show the GPT's inputs, before a chat begins, or no more. */
  showInputs(shown) {
    const part = this.form.querySelector("[data-inputs]");
    if (!part) return;
    part.hidden = !shown;
    for (const field of part.querySelectorAll("input, select, textarea")) field.disabled = !shown;
  }

  /** Return the text of a withdrawn message to the field. */
  takeBack(text) {
    this.area.value = [text, this.area.value].filter(Boolean).join("\n");
    this.keep();
    this.update();
    this.area.focus();
  }

  /** Show why something failed, followed by `more`; null hides the message. */
  fail(refusal, more = "") {
    this.error.hidden = !refusal;
    this.error.textContent = refusal ? refusal.message + more : "";
    if (refusal?.signIn) {
      const link = document.createElement("a");
      link.href = refusal.signIn;
      link.target = "_blank";
      link.className = "link";
      link.textContent = t("Sign in");
      this.error.append(" ", link);
    }
  }

  /** Show whether an answer is in progress, which blocks sending. */
  setAnswering(answering) {
    const hadFocus = document.activeElement === this.stopButton;
    if (this.answering && !answering) this.fail(null); // "still answering" in another tab
    this.answering = answering;
    this.hint = "";
    this.update();
    if (hadFocus && !answering) this.area.focus();
  }

  update() {
    const over = this.area.value.length - this.max;
    this.stopButton.hidden = !this.answering;
    this.stopButton.disabled = false;
    const empty = !this.area.value.trim() && !this.attached?.files.size;
    this.sendButton.hidden = this.answering && (empty || !this.handlers.queues);
    this.sendButton.disabled = this.sending || empty || over > 0;
    this.sendButton.textContent = this.sending ? t("Sending") : this.waiting ? t("Don’t send yet") : t("Send");
    this.note.classList.toggle("over", over > 0);
    this.note.textContent = this.hint || this.count(over) || (empty && this.mention ? t("@ asks another GPT") : "");
    this.grow();
  }

  count(over) {
    if (over > 0) return tn("{shown} character too long", "{shown} characters too long", over, { shown: number.format(over) });
    return this.area.value.length < this.max * NEAR_LIMIT ? "" : tn("{shown} character left", "{shown} characters left", -over, { shown: number.format(-over) });
  }

  grow() {
    if (CSS.supports("field-sizing", "content")) return; // the stylesheet does it
    this.area.style.setProperty("height", "auto");
    this.area.style.setProperty("height", `${this.area.scrollHeight}px`);
  }
}
