// A conversation: its turns, the answer in progress, and scrolling. Used by the chat page and by the builder's preview.

import { copy } from "../site.js";
import { foldOut } from "./delegations.js";
import { Composer } from "./composer.js";
import { EarlierTurns } from "./earlier.js";
import { post, Refusal } from "./post.js";
import { enrich } from "./rich/enrich.js";
import { SourcePanel } from "./sources.js";
import { AnswerStream } from "./stream.js";
import { showTitle } from "./titles.js";
import { t } from "../translate.js";

const END_PX = 40; // this close to the end, the page scrolls with the stream
const COPIED_MS = 2000;

export class Conversation {
  /** `began(data)` gets the response to the first message; by default its turn is shown here. */
  constructor(talk, { began = null } = {}) {
    this.talk = talk;
    this.began = began;
    this.turns = talk.querySelector("[data-turns]");
    this.scroller = talk.querySelector("[data-scroll]");
    this.jump = talk.querySelector("[data-jump]");
    this.announcer = talk.querySelector("[data-announce]");
    const form = talk.querySelector("[data-composer]");
    this.composer = form && new Composer(form, {
      queues: "page" in talk.dataset,
      send: (text, more) => this.send(text, more),
      stop: () => this.stop(),
    });
    this.sources = new SourcePanel(document.querySelector("[data-source-panel]"), talk);
    this.stream = null;
    this.following = true;
    this.lastTurn = null; // the id of the last one when a message was sent that waited
    this.earlier = new EarlierTurns(this, enhance);
    this.listen();
    enhance(this.turns);
    this.followLive();
    this.toEnd();
    this.earlier.toTarget();
  }

  listen() {
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.jump.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => (this.following ? this.toEnd() : this.scrolled())).observe(this.turns);
    new ResizeObserver(() => this.following && this.toEnd()).observe(this.scroller);
    this.talk.addEventListener("submit", (event) => this.submitted(event));
    this.turns.addEventListener("click", (event) => this.clicked(event));
    foldOut(this.turns, enhance);
    this.turns.addEventListener("keydown", editKey);
    this.turns.addEventListener("toggle", ({ target }) => "edit" in target.dataset && target.open && openEdit(target), true);
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || !this.stream) return;
      if (document.querySelector("dialog:modal, [popover]:popover-open:not([role=tooltip]), details.menu[open]")) return;
      this.stop();
    });
    addEventListener("pagehide", () => this.stream?.close());
  }

  // Scrolling

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight <= END_PX;
    // Pictures and requests move the end too; only scrolling up means that the reader left it.
    const left = scrollTop < this.top && scrollHeight >= this.height;
    this.following = atEnd || (this.following && !left);
    [this.top, this.height] = [scrollTop, scrollHeight];
    this.jump.hidden = this.following;
  }

  toEnd() {
    this.scroller.scrollTop = this.turns.children.length ? this.scroller.scrollHeight : 0; // a welcome is read from its top
    [this.top, this.height] = [this.scroller.scrollTop, this.scroller.scrollHeight];
    this.following = true;
    this.jump.hidden = true;
  }

  // Sending

  async send(text, more) {
    const fields = [["text", text], ...more];
    if (this.stream) fields.push(["queue", "true"]);
    if (this.composer.form.elements.temporary) fields.push(["temporary", "true"]);
    const first = !this.turns.children.length;
    try {
      const data = await post(this.composer.form.action, fields);
      if (first && this.began?.(data)) return;
      if ("queue" in data) {
        this.showQueue(data.queue);
        return;
      }
      this.composer.mention?.sent(data.guest);
      this.show(data);
    } catch (refusal) {
      if (refusal.status === 409) await this.refresh(); // another tab has newer messages
      throw refusal;
    }
  }

  async regenerate(reply) {
    try {
      this.show(await post(reply.dataset.regenerate, [["run", reply.dataset.run]]), reply.closest("[data-turn]"));
      this.composer.area.focus({ preventScroll: true });
    } catch (refusal) {
      this.composer.fail(refusal);
    }
  }

  /** Send an edited message, or show another version: the page then has another branch. */
  async branch(form, button) {
    const [turn, kind] = [form.closest("[data-turn]"), form.dataset.branch];
    const at = [...this.turns.children].indexOf(turn);
    const error = turn.querySelector("[data-edit-error]");
    try {
      await post(form.getAttribute("action"), [...new FormData(form, button)]);
      this.composer?.fail(null);
      await this.refresh();
      if (kind === "edit") this.composer.area.focus({ preventScroll: true });
      else this.turns.children[at]?.querySelector(`[data-branch=${kind}] button:enabled`)?.focus({ preventScroll: true });
    } catch (refusal) {
      if (kind === "edit") error.textContent = refusal.message;
      else this.composer?.fail(refusal);
    }
  }

  /** Add a new turn at the end, or in place of `old` and what follows it. */
  show(data, old = null) {
    const turn = parsed(data.turn, "[data-turn]");
    this.talk.querySelector("[data-welcome]")?.remove();
    while (old?.nextElementSibling) old.nextElementSibling.remove();
    if (old) old.replaceWith(turn);
    else this.turns.append(turn);
    this.composer.fail(null);
    showTitle(data.conversation, data.title); // a chat that began with a greeting is named by what follows
    enhance(turn);
    this.followLive();
    this.toEnd();
  }

  submitted(event) {
    const form = event.target;
    if ("again" in form.dataset) {
      event.preventDefault();
      this.regenerate(form.closest(".reply"));
    }
    if ("branch" in form.dataset) {
      event.preventDefault();
      this.branch(form, event.submitter);
    }
    if ("sends" in form.dataset) {
      event.preventDefault();
      if (!this.composer.sending) this.composer.deliver(event.submitter.value, false);
    }
    if ("queueForm" in form.dataset) {
      event.preventDefault();
      this.changeQueue(form);
    }
    if ("feedback" in form.dataset) {
      event.preventDefault();
      this.giveFeedback(form, event.submitter);
    }
    if ("askCreator" in form.dataset) {
      event.preventDefault();
      this.askCreator(form);
    }
    if ("approve" in form.dataset && this.stream) {
      event.preventDefault();
      this.approve(form, event.submitter);
    }
  }

  /** Withdraw a message that waits, whose text returns to the composer, or send it now. */
  async changeQueue(form) {
    try {
      const { queue, text } = await post(form.getAttribute("action"));
      this.showQueue(queue);
      if (form.dataset.queueForm === "withdraw") {
        this.composer.takeBack(text);
        return;
      }
      this.lastTurn = this.turns.lastElementChild?.id ?? null;
      if (!this.stream) await this.followQueue();
    } catch (refusal) {
      this.composer.fail(refusal);
      await this.refresh();
    }
  }

  showQueue(html) {
    this.talk.querySelector("[data-queue]")?.replaceChildren(...parsed(`<div>${html}</div>`, "div").children);
  }

  /** Look for the answer to a message that waited: a worker sends it, or the site did already. */
  async followQueue() {
    const waits = () => this.talk.querySelector("[data-queue] li:first-child:not([data-held])");
    for (let tries = 0; tries < 20 && (waits() || this.lastTurn === this.turns.lastElementChild?.id); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 150 * (1 + tries)));
      if (!this.stream) await this.refresh();
      if (this.stream) break;
    }
    this.lastTurn = null;
  }

  async giveFeedback(form, button) {
    const part = form.closest("[data-feedback-part]");
    try {
      const { html } = await post(form.getAttribute("action"), [...new FormData(form, button)]);
      const changed = parsed(html, "[data-feedback-part]");
      part.replaceWith(changed);
      if (button.name) {
        changed.querySelector(`[aria-label="${button.ariaLabel}"]`).focus();
        return;
      }
      changed.querySelector("summary").focus();
      this.announce(t("Thanks for your feedback."));
    } catch (refusal) {
      const error = part.querySelector("[data-feedback-error]");
      if (error && !button.name) error.textContent = refusal.message;
      else this.composer?.fail(refusal);
    }
  }

  /** Send a declined question to the GPT's creator. The form is replaced by what was sent, or shows an error. */
  async askCreator(form) {
    const button = form.querySelector("button");
    const error = form.querySelector("[data-question-error]");
    button.disabled = true;
    error.textContent = "";
    try {
      const { html } = await post(form.getAttribute("action"), [...new FormData(form)]);
      form.closest("[data-creator-question]").replaceWith(parsed(html, "[data-creator-question]"));
      this.announce(t("Question sent."));
    } catch (refusal) {
      error.textContent = refusal.message;
      button.disabled = false;
    }
  }

  // The answer in progress

  followLive() {
    const reply = this.turns.querySelector(".reply[data-live]");
    if (!reply || !this.composer) return;
    this.stream?.close();
    this.stream = new AnswerStream(reply, (element) => this.ended(element), (card) => this.asked(card));
    this.composer.setAnswering(true);
    this.announce(t("{name} is answering.", { name: reply.dataset.name }));
  }

  ended(reply) {
    this.stream = null;
    enhance(reply, { now: true });
    this.composer.setAnswering(false);
    if (this.following) this.toEnd();
    this.followQueue();
    const stopped = reply.dataset.status === "cancelled";
    if (reply.dataset.status !== "failed") this.announce(stopped ? t("Stopped.") : t("{name} has answered.", { name: reply.dataset.name }));
    // A message may have been sent before the end of this answer was known.
    const next = this.turns.querySelector(".reply[data-live]");
    if (next && next !== reply) this.followLive();
  }

  /** Point to a request that waits for the person, without interrupting their typing. */
  asked(card) {
    this.announce(card.dataset.says);
    if (this.following) this.toEnd();
    if (card.offsetHeight > this.scroller.clientHeight) card.scrollIntoView(); // a long form is read from its beginning
    if (!this.composer.area.value) card.focus({ preventScroll: true });
  }

  /** Send the answer to a request. Its card is removed once it was received, or shows an error. */
  async approve(form, button) {
    const card = form.closest("[data-approval]");
    const buttons = [...card.querySelectorAll("button")];
    const fields = [...new FormData(form, button)]; // before the button is disabled, or it would be missing
    for (const each of buttons) each.disabled = true;
    try {
      await post(form.getAttribute("action"), fields);
      this.composer.fail(null);
      this.composer.area.focus({ preventScroll: true });
    } catch (refusal) {
      if (refusal.status === 409) this.composer.fail(refusal); // answered in another tab: the card will be removed
      else card.querySelector("[data-approval-error]").textContent = refusal.message;
      for (const each of buttons) each.disabled = false;
    }
    this.stream?.look();
  }

  async stop() {
    if (!this.stream) return;
    this.composer.stopButton.disabled = true;
    try {
      await post(this.stream.reply.dataset.cancel);
    } catch (refusal) {
      this.composer.fail(new Refusal(refusal.status ? refusal.message : t("Couldn’t stop the answer. Can’t reach the site. Try again.")));
      this.composer.update();
    }
  }

  announce(words) {
    this.announcer.textContent = words;
  }

  // Finished answers

  async clicked(event) {
    if (event.target.closest("[data-edit-cancel]")) closeEdit(event.target);
    if (await copied(event.target.closest("button"))) this.announce(t("Copied."));
  }

  // Other tabs

  /** Show what is new: messages sent in another tab, answers that ended while this page was suspended. */
  async refresh() {
    if (!("page" in this.talk.dataset)) return;
    const first = this.earlier.first;
    let response;
    try {
      response = await fetch(first ? this.earlier.url(first) : location.href, { headers: { Accept: "text/html" } });
    } catch {
      return; // offline: keep what is shown
    }
    if (response.redirected || response.status === 404) {
      location.reload(); // signed out, or deleted
      return;
    }
    if (!response.ok) return;
    const html = await response.text();
    if (first !== this.earlier.first) return this.refresh(); // earlier turns came in the meantime
    const turns = parsed(html, "[data-turns]");
    this.composer?.mention?.showGuest(parsed(html, "[data-guest]"));
    const queue = parsed(html, "[data-queue]");
    if (queue) this.showQueue(queue.innerHTML);
    this.earlier.show(parsed(html, "[data-earlier]"));
    if (turns && state(turns) !== state(this.turns)) this.replaceTurns(turns);
    else if (!this.stream || this.stream.closed) this.followLive();
  }

  /** Remove the turns after the first `nKept`, and stop following the answer in progress. */
  clear(nKept = 0) {
    this.stream?.close();
    this.stream = null;
    this.composer?.setAnswering(false);
    this.composer?.fail(null);
    for (const turn of [...this.turns.children].slice(nKept)) turn.remove();
  }

  /** Show `turns`. Those at the start that are the same stay, with their place on the screen, folds and focus. */
  replaceTurns(turns) {
    const shown = [...this.turns.children];
    let nSame = 0;
    while (turns.firstElementChild && shown[nSame] && state(turns.firstElementChild) === state(shown[nSame])) {
      turns.firstElementChild.remove();
      nSame += 1;
    }
    this.clear(nSame);
    enhance(turns);
    this.turns.append(...turns.children);
    this.followLive();
    if (this.following) this.toEnd();
  }
}

function closeEdit(element) {
  const edit = element.closest("[data-edit]");
  edit.open = false;
  edit.querySelector("form").reset();
  edit.querySelector("summary").focus();
}

/** Put the form into the page, if this is the first time, and the cursor at its end. */
function openEdit(edit) {
  const held = edit.querySelector("noscript");
  if (held) held.replaceWith(held.querySelector("form") ?? parsed(held.textContent, "form"));
  for (const element of edit.querySelectorAll("[data-needs-js]")) element.hidden = false;
  const area = edit.querySelector("textarea");
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
}

function editKey(event) {
  if (!event.target.closest("[data-edit] form")) return;
  if (event.key === "Escape") {
    event.preventDefault();
    closeEdit(event.target);
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.target.form.requestSubmit();
  }
}

/** Activate the elements that the server rendered in `part`: what is in its answers once it is near the screen, or `now`. */
export function enhance(part, { now = false } = {}) {
  enrich(part, { now });
  for (const element of part.querySelectorAll("[data-needs-js]")) element.hidden = false;
  for (const head of part.querySelectorAll(":is(.answer, .question) .code-head")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.dataset.copyCode = "";
    button.textContent = t("Copy");
    head.append(button);
  }
}

/** Copy if `button` is a copy button of an answer. Whether it was. */
export async function copied(button) {
  if (!button) return false;
  if ("copyAnswer" in button.dataset) await copy(button.parentElement.querySelector("[data-raw]").content.textContent);
  else if ("copyCode" in button.dataset) await copy(button.closest(".code").querySelector("pre").textContent);
  else if (button.copyText) await copy(button.copyText());
  else return false;
  button.textContent = t("Copied");
  setTimeout(() => { button.textContent = t("Copy"); }, COPIED_MS);
  return true;
}

function parsed(html, selector) {
  const found = new DOMParser().parseFromString(html, "text/html").querySelector(selector);
  return found && document.importNode(found, true);
}

function state(turns) {
  return [...turns.querySelectorAll(".turn > .reply")].map((reply) => {
    const question = reply.querySelector("[data-creator-question]")?.dataset.creatorQuestion;
    const versions = [...reply.parentElement.querySelectorAll(".versions")].map((form) => form.textContent);
    return `${reply.dataset.run} ${"live" in reply.dataset} ${question} ${versions}`;
  }).join();
}
