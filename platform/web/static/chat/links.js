// Links of an answer: where each leads, what data it would send, and whether it comes from external content. The same
// rules as in chat/links.py; a test runs the same cases against both.

import { t } from "../translate.js";

const HOST = /(?:[\p{L}\p{N}_-]{1,63}\.){1,12}\p{L}[\p{L}\p{N}_-]{1,62}/gu;
const DATA_CHARS = 16;
const SHOWN_CHARS = 48;
const FROM_OUTSIDE = t("from a page it read");

/** The host of a URL, or the address of a mailto link; empty if there is none. */
export function host(url) {
  if (!URL.canParse(url)) return "";
  const parts = new URL(url);
  return (parts.protocol === "mailto:" ? parts.pathname : parts.hostname).toLowerCase();
}

function plain(name) {
  return name.toLowerCase().replace(/^www\./, "");
}

/** Whether the text of a link names its host and no other. */
export function showsHost(words, url) {
  const target = plain(host(url));
  if (target.includes("@")) return words.toLowerCase().includes(target);
  const named = words.match(HOST) ?? [];
  return named.length > 0 && named.every((name) => plain(name) === target);
}

/** The data that the link would send to its host. */
export function dataSent(url) {
  if (!URL.canParse(url)) return "";
  const { search, hash } = new URL(url);
  return [search.slice(1), hash.slice(1)].flatMap(told).filter((text) => text.length >= DATA_CHARS || text.includes(" ")).join("&");
}

function told(text) {
  const pairs = [...new URLSearchParams(text)].filter(([, value]) => value).map(([name, value]) => `${name}=${value}`);
  return pairs.length ? pairs : [text];
}

function shortened(text) {
  const line = text.trim().split(/\s+/).join(" ");
  const letters = [...line];
  return letters.length <= SHOWN_CHARS ? line : `${letters.slice(0, SHOWN_CHARS).join("")}…`;
}

/** Show where the link leads; `outside` is the set of hosts that are only in external content. */
export function explain(link, outside) {
  const url = link.getAttribute("href");
  if (!url) {
    link.replaceWith(...link.childNodes);
    return;
  }
  const notes = [];
  if (!showsHost(link.textContent, url)) notes.push(note("link-host", host(url)));
  const data = dataSent(url);
  if (data) notes.push(note("link-note", t("sends “{data}”", { data: shortened(data) })));
  if (outside.has(host(url))) notes.push(note("link-note", FROM_OUTSIDE));
  link.title = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow ugc";
  link.after(...notes.flatMap((each) => [" ", each]));
}

function note(name, words) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = words;
  return element;
}
