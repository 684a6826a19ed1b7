// The Create tab: the conversation that fills in the form beside it.

import { Conversation } from "../chat/conversation.js";
import { post } from "../chat/post.js";
import { t } from "../translate.js";

const builder = document.querySelector(".builder");
const talk = builder.querySelector(".build-talk");
const MOST_WAIT_MS = 5000;
let taken = null; // resolves once the form shows the newest change
const restart = builder.querySelector("[data-restart-item]");
const wizard = talk.matches(".wizard");
const conversation = wizard ? null : new Conversation(talk, {
  began() {
    restart.hidden = false;
    conversation.composer.area.placeholder = t("Answer, or say what to change");
    return false;
  },
});
restart.hidden = !talk.querySelector("[data-turn]");

// Tabs --------------------------------------------------------------------------------------------------------------

/** Show the tab called `name`, and the field with the id `field` if one is given, once the form is up to date. */
async function show(name, field = "") {
  const done = name === "create" ? tell("save-draft") : taken;
  await Promise.race([done, new Promise((resolve) => { setTimeout(resolve, MOST_WAIT_MS); })]);
  // Another model was chosen, which can hold the conversation, or can't.
  if (name === "create" && builder.dataset.guided !== String(wizard)) return location.assign("?tab=create");
  builder.dataset.tab = name;
  for (const link of builder.querySelectorAll("[data-tab-link]")) {
    if (link.dataset.tabLink === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  history.replaceState(null, "", name === "create" ? "?tab=create" : location.pathname);
  if (name === "create") conversation?.toEnd();
  if (!field) return;
  const place = document.getElementById(field) ?? builder.querySelector(`[name="${field}"]`);
  place?.scrollIntoView({ block: "center" });
  (place?.matches("input, textarea, select") ? place : place?.querySelector("input, textarea, button"))?.focus({ preventScroll: true });
  return undefined;
}

/** Tell the form's script of an event; resolves once it has done what follows from it. */
function tell(name) {
  const detail = {};
  document.dispatchEvent(new CustomEvent(`guildhall:${name}`, { detail }));
  return detail.done;
}

builder.addEventListener("click", (event) => {
  const link = event.target.closest("[data-tab-link], [data-show-field]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link.dataset.tabLink ?? "configure", link.dataset.showField);
});

// A page that the browser kept holds the answers of then.
if (wizard) addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });

// The wizard's examples go into its field, to be changed or sent.
talk.addEventListener("click", ({ target }) => {
  if (!("example" in target.dataset)) return;
  const field = document.getElementById("wizard-value");
  field.value = target.textContent;
  field.focus();
});

// Changes -----------------------------------------------------------------------------------------------------------

/** Have the form take over what the draft holds now. */
function refresh() {
  taken = tell("draft-changed");
}

// A change is in the conversation once its answer has come, or as soon as one of its steps is shown.
let known = "";
if (conversation) new MutationObserver(() => {
  const now = [...talk.querySelectorAll("[data-change], .line-done[data-call]")].map((each) => each.dataset.change ?? each.dataset.call).join();
  if (now !== known) refresh();
  known = now;
}).observe(talk.querySelector("[data-turns]"), { childList: true, subtree: true });

talk.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("revert" in form.dataset) && !("restart" in form.dataset)) return;
  event.preventDefault();
  event.stopPropagation();
  if ("restart" in form.dataset && !confirm(t("Start over? This deletes the conversation and its Undo buttons. The form stays as it is."))) return;
  const change = form.closest("[data-change]");
  try {
    const { html } = await post(form.getAttribute("action"), [...new FormData(form)]);
    if (!change) return location.reload();
    const made = new DOMParser().parseFromString(html, "text/html").querySelector("[data-change]");
    change.replaceWith(document.importNode(made, true));
    talk.querySelector(`[data-change="${made.dataset.change}"] button`)?.focus();
    refresh();
  } catch (error) {
    if (change) change.querySelector("[data-revert-error]").textContent = error.message;
    else conversation.composer.fail(error);
  }
});

// The draft may have been filled in while the page was made: its form before, its conversation after.
if (talk.querySelector("[data-change]")) refresh();

// The builder reads the draft when a message is sent: what is typed into the form must be saved by then.
talk.addEventListener("focusin", () => tell("save-draft"));
