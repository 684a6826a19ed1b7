// The builder's preview: an unsaved chat with the draft. Restarting it uses the newest draft.

import { Conversation } from "./conversation.js";

const talk = document.querySelector(".preview-talk");
const reset = talk.querySelector("[data-reset]");
const form = talk.querySelector("[data-composer]");
const start = form.action;
const welcome = talk.querySelector("[data-welcome]");

const conversation = new Conversation(talk, {
  began(data) {
    form.action = data.send;
    reset.disabled = false;
    conversation.composer.showInputs(false);
    return false;
  },
});

reset.addEventListener("click", async () => {
  await conversation.stop();
  conversation.clear();
  form.action = start;
  conversation.composer.showInputs(true);
  talk.querySelector("[data-scroll]").append(welcome);
  reset.disabled = true;
  conversation.composer.area.focus();
});
