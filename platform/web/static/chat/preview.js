// The builder's preview: an unsaved chat with the draft. Restarting it uses the newest draft.

import { Conversation } from "./conversation.js";

const talk = document.querySelector("[data-talk]");
const reset = talk.querySelector("[data-reset]");
const form = talk.querySelector("[data-composer]");
const start = form.action;
const welcome = talk.querySelector("[data-welcome]");

const conversation = new Conversation(talk, {
  began(data) {
    form.action = data.send;
    reset.disabled = false;
    return false;
  },
});

reset.addEventListener("click", async () => {
  await conversation.stop();
  conversation.clear();
  form.action = start;
  talk.querySelector("[data-scroll]").append(welcome);
  reset.disabled = true;
  conversation.composer.area.focus();
});
