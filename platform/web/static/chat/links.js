// Links of an answer: where each leads, what it would send along, and whether only a page gave it. The same rules as
// chat/links.py, which a test holds to the same cases.

const HOST = /(?:[\p{L}\p{N}_-]+\.)+\p{L}[\p{L}\p{N}_-]+/gu;
const DATA_CHARS = 16;
const SHOWN_CHARS = 48;
const FROM_OUTSIDE = "from a page it read";

/** The host that a link leads to, or the address that a mail goes to; empty where there is none. */
export function host(url) {
  if (!URL.canParse(url)) return "";
  const parts = new URL(url);
  return (parts.protocol === "mailto:" ? parts.pathname : parts.hostname).toLowerCase();
}

function plain(name) {
  return name.toLowerCase().replace(/^www\./, "");
}

/** Whether the words of a link name its host and no other. */
export function showsHost(words, url) {
  const target = plain(host(url));
  if (target.includes("@")) return words.toLowerCase().includes(target);
  const named = words.match(HOST) ?? [];
  return named.length > 0 && named.every((name) => plain(name) === target);
}

/** What following the link would tell its host besides a page's name. */
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

/** Let the link say where it leads; `outside` is the set of hosts that only text from outside named. */
export function explain(link, outside) {
  const url = link.getAttribute("href");
  if (!url) {
    link.replaceWith(...link.childNodes);
    return;
  }
  const notes = [];
  if (!showsHost(link.textContent, url)) notes.push(note("link-host", host(url)));
  const data = dataSent(url);
  if (data) notes.push(note("link-note", `sends “${shortened(data)}”`));
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
