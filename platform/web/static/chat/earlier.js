// The turns before those that a long chat opens with: loaded when the reader scrolls near the top or follows the link.

import { t } from "../translate.js";

const NEAR = "4000px 0px 0px"; // above what is on the screen: about half a second of fast scrolling

export class EarlierTurns {
  /** `enhance(turns)` activates what the server rendered. */
  constructor(conversation, enhance) {
    this.conversation = conversation;
    this.enhance = enhance;
    this.turns = conversation.turns;
    this.scroller = conversation.scroller;
    this.link = conversation.talk.querySelector("[data-earlier]");
    this.loading = false;
    this.near = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && this.load(), {
      root: this.scroller,
      rootMargin: NEAR,
    });
    this.near.observe(this.link);
    this.link.addEventListener("click", (event) => {
      event.preventDefault();
      this.load();
    });
  }

  /** The run of the first turn on the page. */
  get first() {
    return this.turns.firstElementChild?.id.slice("run-".length);
  }

  /** The page with exactly the turns since the run `from`, up to the run `before` or the end. */
  url(from, before = "") {
    return `${location.pathname}?from=${from}&before=${before}`;
  }

  /** Go to the turn that the URL names, if it names one. */
  toTarget() {
    const run = /^#run-([0-9a-f-]{36})$/.exec(location.hash)?.[1];
    const turn = run && document.getElementById(`run-${run}`);
    if (turn) {
      turn.scrollIntoView();
      this.conversation.scrolled();
    } else if (run && !this.link.hidden && !location.search) location.replace(`?from=${run}${location.hash}`);
  }

  async load() {
    if (this.loading || this.link.hidden) return;
    this.loading = true;
    const { first } = this;
    try {
      const response = await fetch(this.url(new URL(this.link.href).searchParams.get("from"), first));
      if (!response.ok || response.redirected) throw new Error(response.status);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (first === this.first) this.add(document.adoptNode(page.querySelector("[data-turns]")), page.querySelector("[data-earlier]"));
      this.near.unobserve(this.link); // and observe it anew, as it may still be near
      this.near.observe(this.link);
    } catch {
      this.conversation.announce(t("Couldn’t load earlier messages. Try again."));
    }
    this.loading = false;
  }

  /** Put `turns` at the top, so that what is on the screen stays where it is. */
  add(turns, link) {
    const [first, n] = [this.turns.firstElementChild, turns.children.length];
    const { top } = first.getBoundingClientRect();
    this.enhance(turns);
    this.turns.prepend(...turns.children);
    if (link.hidden && document.activeElement === this.link) {
      first.tabIndex = -1;
      first.focus({ preventScroll: true });
    }
    this.show(link);
    this.scroller.scrollTop += first.getBoundingClientRect().top - top;
    this.conversation.announce(t("{n} earlier messages loaded.", { n: 2 * n }) + (link.hidden ? t(" This is the start of the chat.") : ""));
  }

  /** Make the link what `link` is on a newer page. */
  show(link) {
    this.link.href = link.href;
    this.link.hidden = link.hidden;
  }
}
