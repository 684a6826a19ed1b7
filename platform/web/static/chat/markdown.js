// The Markdown of an answer while it is being written. The finished answer comes from the server (chat/rendering.py),
// with the same rules: no raw HTML, pictures only as links, links that show where they lead.

import DOMPurify from "../vendor/dompurify/purify.es.mjs";
import MarkdownIt from "../vendor/markdown-it/markdown-it.esm.min.mjs";
import { addFormulas } from "./formula_rules.js";
import { explain, host } from "./links.js";
import { t } from "../translate.js";

const ALLOWED = {
  ALLOWED_TAGS: "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s strong table tbody td th thead tr ul".split(" "),
  ALLOWED_ATTR: ["href", "class", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const OVERRIDES = /[\u202d\u202e]/g; // these would reverse the text that follows

const parser = new MarkdownIt({ html: false, linkify: false, typographer: false });
addFormulas(parser);
parser.core.ruler.push("boxes_and_columns", ({ tokens }) => tokens.forEach((token, index) => {
  const side = /^text-align:(\w+)$/.exec(token.attrGet("style") ?? "")?.[1];
  if (side) token.attrs = [["class", `to-${side}`]];
  const isItem = tokens[index - 1]?.type === "paragraph_open" && tokens[index - 2]?.type === "list_item_open";
  const first = isItem && token.children?.[0];
  if (first?.type === "text") first.content = first.content.replace(/^\[( |x|X)\] /, (_, mark) => (mark === " " ? "☐ " : "☑ "));
}));
parser.renderer.rules.image = (tokens, index) => {
  const source = tokens[index].attrGet("src");
  const words = parser.utils.escapeHtml(pictureWords(tokens[index].content, source));
  const depth = tokens.slice(0, index).reduce((sum, { type, nesting }) => sum + (type.startsWith("link_") ? nesting : 0), 0);
  return depth ? words : `<a href="${parser.utils.escapeHtml(source)}">${words}</a>`;
};

function pictureWords(words, source) {
  const on = { host: host(source) };
  if (!words.trim()) return on.host ? t("Picture on {host}", on) : t("Picture");
  return on.host ? t("{words} (picture on {host})", { words, ...on }) : t("{words} (picture)", { words });
}

/** `text` as a document fragment that is safe to insert. `outside`: the hosts that are only in external content. */
export function rendered(text, outside = new Set()) {
  const fragment = DOMPurify.sanitize(parser.render(text.replace(OVERRIDES, "")), ALLOWED);
  for (const link of fragment.querySelectorAll("a")) explain(link, outside);
  for (const pre of fragment.querySelectorAll("pre")) frameCode(pre);
  for (const table of fragment.querySelectorAll("table")) wrap(wrap(table, "wide"), "table");
  return fragment;
}

function wrap(element, name) {
  const box = document.createElement("div");
  box.className = name;
  element.replaceWith(box);
  box.append(element);
  return box;
}

function frameCode(pre) {
  const language = /^language-([\w+#.-]{1,30})$/.exec(pre.firstElementChild?.className ?? "");
  const head = document.createElement("div");
  head.className = "code-head";
  const label = document.createElement("span");
  label.textContent = language?.[1] ?? "code";
  head.append(label);
  wrap(pre, "code").prepend(head);
}

const written = new WeakMap(); // the elements as they were before anything was done to them

/** Replace the children of `element` by those of `fragment`, but keep equal ones, so that selections survive. */
export function patch(element, fragment) {
  const wanted = [...fragment.childNodes].filter((node) => node.nodeType === Node.ELEMENT_NODE);
  wanted.forEach((node, index) => {
    const present = element.children[index];
    if (present && written.get(present)?.isEqualNode(node)) return;
    written.set(node, node.cloneNode(true));
    if (present) present.replaceWith(node);
    else element.append(node);
  });
  while (element.children.length > wanted.length) element.lastElementChild.remove();
}
