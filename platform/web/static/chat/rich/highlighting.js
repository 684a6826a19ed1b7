// Colours and the name of its language for a block of code, by highlight.js. Code in no language that it knows stays plain.

import DOMPurify from "../../vendor/dompurify/purify.es.mjs";
import highlighter from "../../vendor/highlight/highlight.min.js";
import { languageOf } from "./enrich.js";

const MAX_CHARS = 60_000;
const ALLOWED = { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"], RETURN_DOM_FRAGMENT: true };
highlighter.registerAliases("svg", { languageName: "xml" });

/** Colour `code`, and name its language in its header. */
export function show(code) {
  const name = languageOf(code);
  const language = highlighter.getLanguage(name);
  if (!language || code.textContent.length > MAX_CHARS) return;
  const { value } = highlighter.highlight(code.textContent, { language: name, ignoreIllegals: true });
  code.replaceChildren(DOMPurify.sanitize(value, ALLOWED));
  // Names such as "HTML, XML" are of several languages.
  code.closest(".code").querySelector(".code-head > span").textContent = language.name.includes(",") ? name.toUpperCase() : language.name;
}
