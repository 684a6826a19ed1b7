// Two previews side by side. What is sent on one side goes to the other as well, if the person wants it.

import { Conversation } from "./conversation.js";

const both = document.querySelector("[data-both]");
const sides = [...document.querySelectorAll("[data-talk]")].map((talk) => {
  const form = talk.querySelector("[data-composer]");
  const conversation = new Conversation(talk, {
    began(data) {
      form.action = data.send;
      conversation.composer.showInputs(false);
      return false;
    },
  });
  return conversation;
});

for (const side of sides) {
  const send = side.composer.handlers.send;
  const other = sides.find((each) => each !== side);
  let isEcho = false;
  side.echo = async (text) => {
    isEcho = true;
    await side.composer.deliver(text, false);
    isEcho = false;
  };
  side.composer.handlers.send = (text, more) => {
    if (both.checked && !isEcho && !other.composer.sending) other.echo(text);
    return send(text, more);
  };
}

for (const select of document.querySelectorAll("select[form=try-sides]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
for (const button of document.querySelectorAll("button[form=try-sides]")) button.hidden = true;
