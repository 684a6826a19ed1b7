// The page that creates a GPT: Enter sends its description, as in the conversation that follows.

document.getElementById("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!event.repeat) event.target.form.requestSubmit();
});
