// Citations: the quote on hover or focus, the passage in a panel on the right (a sheet on small screens).

import { load, pressed, turn, zoom } from "./source_view.js";

const BESIDE = "(min-width: 1080px)"; // room for a third column; the same width as in chat.css
const OWN_SOURCES = ":scope > .tools > [data-sources]"; // not those of child runs
const TIP_GAP = 8; // pixels between a citation and its quote

export class SourcePanel {
  /** `panel` shows the sources of the answers in `talk`. */
  constructor(panel, talk) {
    this.panel = panel;
    this.talk = talk;
    this.body = panel.querySelector("[data-panel-body]");
    this.status = panel.querySelector("[data-panel-status]");
    this.tip = document.getElementById("quote-tip");
    this.isColumn = panel.parentElement.classList.contains("chat");
    this.origin = null;
    this.listen();
  }

  listen() {
    this.talk.addEventListener("click", (event) => this.clicked(event));
    this.talk.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.showTip(cite(event)));
    this.talk.addEventListener("pointerout", (event) => cite(event) && this.hideTip());
    this.talk.addEventListener("focusin", (event) => cite(event)?.matches(":focus-visible") && this.showTip(cite(event)));
    this.talk.addEventListener("focusout", (event) => cite(event) && this.hideTip());
    this.talk.querySelector("[data-scroll]").addEventListener("scroll", () => this.hideTip(), { passive: true });
    this.panel.querySelector("[data-close]").addEventListener("click", () => this.close());
    this.panel.addEventListener("close", () => this.closed());
    this.body.addEventListener("toggle", (event) => event.target.matches("[data-source][open]") && load(event.target), { capture: true });
    this.body.addEventListener("click", (event) => this.pressed(event.target.closest("button")));
    this.body.addEventListener("keydown", (event) => pressed(event, this.status));
    this.panel.addEventListener("click", (event) => event.target === this.panel && this.panel.matches(":modal") && this.close());
    document.addEventListener("keydown", (event) => this.escape(event), { capture: true });
  }

  escape(event) {
    if (event.key !== "Escape") return;
    if (this.tip.matches(":popover-open")) {
      this.hideTip();
      event.preventDefault();
    } else if (this.panel.open && !this.panel.matches(":modal") && !document.querySelector("dialog:modal, [popover]:popover-open")) {
      event.preventDefault();
      this.close();
    }
  }

  clicked(event) {
    const link = cite(event);
    const summary = event.target.closest("[data-sources] > summary");
    if (!link && !summary) return;
    event.preventDefault();
    this.open(link ?? summary, link?.dataset.tag, link?.dataset.citation);
  }

  pressed(button) {
    if (button && "turn" in button.dataset) turn(button, this.status);
    if (button && "zoom" in button.dataset) zoom(button.closest(".page-figure"));
  }

  /** Show all sources of the answer that `origin` belongs to; that of `tag` open, with the quote of `citation` marked. */
  open(origin, tag, citation) {
    this.hideTip();
    this.origin = origin;
    this.fill(origin.closest(".reply"), tag, citation);
    const top = origin.getBoundingClientRect().top;
    if (!this.panel.open) {
      if (this.isColumn && matchMedia(BESIDE).matches) this.panel.show();
      else this.panel.showModal();
    }
    // The panel makes the text narrower: keep the reader's position.
    this.talk.querySelector("[data-scroll]").scrollTop += origin.getBoundingClientRect().top - top;
    this.panel.querySelector("h2").focus({ preventScroll: true });
    this.body.querySelector("mark.current")?.scrollIntoView({ block: "nearest" });
  }

  fill(reply, tag, citation) {
    const list = reply.querySelector(`${OWN_SOURCES} > ol`).cloneNode(true);
    for (const item of list.querySelectorAll("[id]")) item.removeAttribute("id");
    const entries = [...list.querySelectorAll("[data-source]")];
    for (const entry of entries) {
      entry.open = entry.dataset.source === tag || entries.length === 1;
      if (entry.dataset.source === tag && this.origin.dataset.view) entry.dataset.view = this.origin.dataset.view; // this quote, not the first one
    }
    if (!tag) entries[0].open = true;
    for (const mark of list.querySelectorAll("mark")) {
      mark.classList.toggle("current", citation === undefined || mark.dataset.marks.split(" ").includes(citation));
    }
    this.body.replaceChildren(list);
    for (const link of document.querySelectorAll("[data-citation][aria-current]")) link.removeAttribute("aria-current");
    if (citation !== undefined) this.origin.setAttribute("aria-current", "true");
  }

  close() {
    this.panel.close();
  }

  closed() {
    for (const link of document.querySelectorAll("[data-citation][aria-current]")) link.removeAttribute("aria-current");
    // Return the focus to the citation, unless it is elsewhere already.
    const lost = document.activeElement === document.body || this.panel.contains(document.activeElement);
    if (lost && this.origin?.isConnected) this.origin.focus({ preventScroll: true });
    this.hideTip();
  }

  // The quote

  showTip(link) {
    if (!link) return;
    const source = link.closest(".reply").querySelector(`${OWN_SOURCES} [data-source="${link.dataset.tag}"]`);
    const marks = [...source.querySelectorAll("mark")].filter((mark) => mark.dataset.marks.split(" ").includes(link.dataset.citation));
    const place = source.querySelector("[data-place]")?.textContent;
    this.tip.querySelector("[data-quote]").textContent = marks.map((mark) => mark.textContent).join("");
    this.tip.querySelector("[data-partly]").hidden = !link.classList.contains("partly");
    this.tip.querySelector("[data-where]").textContent = [source.querySelector("bdi").textContent, place].filter(Boolean).join(", ");
    this.tip.showPopover();
    this.placeTip(link.getBoundingClientRect());
    link.setAttribute("aria-describedby", this.tip.id);
  }

  placeTip(at) {
    const { width, height } = this.tip.getBoundingClientRect();
    const left = Math.max(TIP_GAP, Math.min(at.left + at.width / 2 - width / 2, innerWidth - width - TIP_GAP));
    const above = at.top - height - TIP_GAP;
    this.tip.style.setProperty("left", `${left}px`);
    this.tip.style.setProperty("top", `${above > TIP_GAP ? above : at.bottom + TIP_GAP}px`);
  }

  hideTip() {
    if (!this.tip.matches(":popover-open")) return;
    this.tip.hidePopover();
    this.talk.querySelector("[aria-describedby=quote-tip]")?.removeAttribute("aria-describedby");
  }
}

function cite(event) {
  return event.target.closest?.("a[data-citation]");
}
