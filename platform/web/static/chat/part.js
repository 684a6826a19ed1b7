// The page of a child run: updates while it is in progress, and opens its citations and delegations.

import { foldOut, keepUp } from "./delegations.js";
import { copied, enhance } from "./conversation.js";
import { SourcePanel } from "./sources.js";

const page = document.querySelector("[data-part-page]");
const talk = page.closest("[data-talk]");

new SourcePanel(document.querySelector("[data-source-panel]"), talk);
foldOut(talk, enhance);
talk.addEventListener("click", (event) => copied(event.target.closest("button")));
enhance(page);
if (page.querySelector("[data-part-live]")) keepUp(page, page.dataset.partPage, enhance);
