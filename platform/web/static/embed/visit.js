// The chat on another site, in a frame of its page or alone in a window.

import { Conversation } from "../chat/conversation.js";
import { post, Refusal } from "../chat/post.js";
import { t } from "../translate.js";

const talk = document.querySelector("[data-talk]");
const isFramed = parent !== window;
const words = talk.querySelector("[data-sign-words]");

if (!("mustSign" in talk.dataset)) {
  const form = talk.querySelector("[data-composer]");
  const conversation = new Conversation(talk, {
    began(data) {
      form.action = data.send;
      checkKept(conversation, data);
      return false;
    },
  });
}

if (isFramed) {
  const close = talk.querySelector("[data-close-widget]");
  close.hidden = false;
  const tell = (event) => parent.postMessage({ guildhall: event }, "*"); // nothing that others may not know
  close.addEventListener("click", () => tell("close"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog:modal")) tell("close");
  });
  addEventListener("message", ({ source, data }) => {
    if (source === parent && typeof data?.visitor === "string") identify(data.visitor);
  });
  tell("ready");
}

/** Offer a window of its own if the browser keeps no cookie in the frame: nothing of the chat could be shown here. */
async function checkKept(conversation, { send, run }) {
  const response = await fetch(send.replace(/c\/[^/]+\/send$/, `c/turn/${run}`)).catch(() => null);
  if (response?.status !== 404) return;
  const text = conversation.turns.querySelector(".question p")?.textContent ?? "";
  conversation.clear();
  conversation.composer.fail(new Refusal(t("Your browser doesn’t let this chat remember you inside another site.")));
  const link = document.createElement("a");
  Object.assign(link, { href: `${talk.dataset.visit}?text=${encodeURIComponent(text)}`, target: "_blank", className: "link" });
  link.textContent = t("Open the chat in a window");
  conversation.composer.error.append(" ", link);
}

/** Become the visitor of the site's token. A browser that was somebody else shows that one's chat then. */
async function identify(token) {
  try {
    const { is_new: isNew } = await post(talk.dataset.identify, { token });
    if (isNew) location.replace(`${talk.dataset.visit}?signed`);
  } catch (refusal) {
    if (words) words.textContent = refusal.message;
    console.warn(`Guildhall: ${refusal.message}`);
  }
}
