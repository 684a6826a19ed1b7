// Pages of MCP servers that show the results of their tools (MCP Apps, version 2026-01-26), and what they may ask of
// this page. Each runs in a frame that is no part of the site (chat/frames.py), once the person opens it.
//
// Nothing that the frame says is trusted. It gets the result that it shows, and asks for its height, for a link to be
// opened and for a text to be put into the empty message field: the person opens the one and sends the other. What it
// asks of its own server goes through the site, one thing at a time (runs/app_calls.py), which may ask the person.

import { LOOK_MS } from "../composer.js";
import { token } from "../post.js";
import { dark, isDark } from "./views.js";
import { t } from "../../translate.js";

const VERSION = "2026-01-26";
const HEIGHT = { least: 80, first: 240, most: 800 };
const MAX_MESSAGE = 4000;
const LINK_CHARS = 2000;
const NOT_FOUND = { code: -32601, message: "This host doesn’t support that." };
const INVALID = { code: -32602, message: "Invalid parameters." };
const OFFLINE = { code: -32000, message: "The site can’t be reached." };
const TOO_MANY = { code: -32000, message: "Too many requests at once." };
const MAX_WAITING = 20;
// While a question is open nothing moves, and it can be allowed a moment later only: no app can put it under a click.
let nAsking = 0;
const ENDS = { done: t("done"), declined: t("declined"), waiting: t("not answered"), started: t("interrupted"), new: t("not done") };
const ENDING_MS = 300; // what an app has to save something when it is closed
const CAPABILITIES = {
  openLinks: {}, message: { text: {} }, serverTools: {}, serverResources: {}, sandbox: { csp: {}, permissions: {} },
};

/** Let the person open and close the app of `box`. */
export function show(box) {
  const button = box.querySelector("button");
  button.disabled = false;
  let app = null;
  button.addEventListener("click", async () => {
    if (app) {
      app.close();
      app = null;
    } else app = await opened(box);
    button.setAttribute("aria-expanded", String(Boolean(app)));
    button.textContent = app ? t("Close the app from {host}", { host: box.dataset.host }) : t("Open the app from {host}", { host: box.dataset.host });
  });
}

async function opened(box) {
  const error = box.querySelector(".error");
  error.textContent = "";
  try {
    const response = await fetch(box.dataset.app, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    return new App(box, await response.json());
  } catch {
    error.textContent = t("The app couldn’t be loaded. It may have been deleted.");
    return null;
  }
}

class App {
  constructor(box, given) {
    this.box = box;
    this.given = given;
    this.frame = document.createElement("iframe");
    this.frame.className = "artifact";
    this.frame.title = t("App from {host}", { host: box.dataset.host });
    this.frame.sandbox = "allow-scripts";
    this.frame.src = document.querySelector("[data-artifact-frame]").dataset.artifactFrame;
    this.frame.style.height = `${HEIGHT.first}px`;
    // Its origin is none that could be named here. `once`: what the frame loads later gets nothing.
    this.frame.addEventListener("load", () => this.frame.contentWindow.postMessage(given.html, "*"), { once: true });
    this.heard = (event) => event.source === this.frame.contentWindow && this.take(event.data);
    addEventListener("message", this.heard);
    this.themed = () => this.send({ method: "ui/notifications/host-context-changed", params: { theme: theme() } });
    dark.addEventListener("change", this.themed);
    this.nWaiting = 0;
    this.last = this.showEarlier(); // what goes to the server goes one after the other
    box.append(this.frame);
  }

  close() {
    const end = () => {
      removeEventListener("message", this.heard);
      this.frame.remove();
    };
    dark.removeEventListener("change", this.themed);
    this.isClosed = true;
    this.settle?.(false);
    this.frame.hidden = true;
    this.send({ id: "teardown", method: "ui/resource-teardown", params: {} });
    setTimeout(end, ENDING_MS);
  }

  send(message) {
    this.frame.contentWindow?.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  async take(message) {
    if (this.isClosed || message?.jsonrpc !== "2.0" || typeof message.method !== "string") return;
    const { id, method } = message;
    const params = message.params instanceof Object ? message.params : {};
    if (id === undefined) {
      this.told(method, params);
      return;
    }
    const answer = await this.asked(method, params);
    this.send(answer.code ? { id, error: answer } : { id, result: answer });
  }

  told(method, params) {
    if (method === "ui/notifications/initialized") {
      this.send({ method: "ui/notifications/tool-input", params: { arguments: this.given.arguments } });
      this.send({ method: "ui/notifications/tool-result", params: this.given.result });
    } else if (method === "ui/notifications/size-changed" && nAsking === 0 && Number.isFinite(params.height)) {
      this.frame.style.height = `${Math.min(Math.max(params.height, HEIGHT.least), HEIGHT.most)}px`;
    }
  }

  asked(method, params) {
    switch (method) {
      case "ui/initialize": return this.introduction();
      case "ui/open-link": return this.offerLink(params.url);
      case "ui/message": return this.suggest(params);
      case "ui/request-display-mode": return { mode: "inline" };
      case "tools/call": return this.inTurn("calls", params.name, { tool: params.name, arguments: params.arguments ?? {} });
      case "resources/read": return this.inTurn("resources", params.uri, { address: params.uri });
      case "ping": return {};
      default: return NOT_FOUND;
    }
  }

  introduction() {
    return {
      protocolVersion: VERSION,
      hostInfo: { name: "Guildhall", version: "1" },
      hostCapabilities: CAPABILITIES,
      hostContext: {
        toolInfo: { tool: this.given.tool },
        theme: theme(),
        displayMode: "inline",
        availableDisplayModes: ["inline"],
        containerDimensions: { width: this.frame.clientWidth, maxHeight: HEIGHT.most },
        locale: navigator.language,
        platform: "web",
      },
    };
  }

  /** What the server answers about `what`: to `body`, sent to the address called `name`, after everything before it. */
  async inTurn(name, what, body) {
    if (typeof what !== "string" || !what) return INVALID;
    if (this.nWaiting >= MAX_WAITING) return TOO_MANY;
    this.nWaiting += 1;
    const mine = this.last.then(() => this.isClosed ? OFFLINE : this.ask(this.box.dataset[name], body));
    this.last = mine;
    const answer = await mine;
    this.nWaiting -= 1;
    return answer;
  }

  async ask(url, body) {
    const [call, result] = await sent(url, body);
    if (call.code) return call;
    if (call.status !== "waiting") return this.end(call, result);
    const allowed = await this.permitted(call.request);
    const [answered, after] = await sent(`${this.box.dataset.calls}/${call.id}/answer`, { allowed });
    return answered.code ? answered : this.end(answered, after);
  }

  end(call, result) {
    this.note(call);
    if (result) return result;
    return { code: -32000, message: call.outcome || "The person declined this." };
  }

  /** Ask whether the app may make the call of `request`, as the server wrote it down. */
  permitted({ title, host, reason, plain, raw }) {
    const exact = document.createElement("details");
    exact.className = "approval-raw";
    exact.append(element("summary", t("Exact request")), Object.assign(element("pre", raw), { tabIndex: 0 }));
    const texts = [element("h3", t("{title} on {host}", { title, host })), element("p", reason, "approval-why"), element("p", plain, "approval-plain"), exact];
    const allow = button(t("Allow"), "button primary");
    allow.addEventListener("click", () => this.settle(true));
    return this.questioned("section", "approval", texts, [allow, button(t("Decline"), "button")]);
  }

  /** Ask below the app, one question at a time. False once the last of `choices` is taken, or the app is closed. */
  questioned(kind, className, texts, choices) {
    const question = element(kind, "", className);
    question.setAttribute("role", "alert");
    const actions = element("div", "", "approval-actions");
    actions.append(...choices);
    question.append(...texts, actions);
    choices.at(-1).addEventListener("click", () => this.settle(false));
    choices[0].inert = true;
    setTimeout(() => { choices[0].inert = false; }, LOOK_MS);
    this.settle?.(false);
    nAsking += 1;
    this.box.append(question);
    return new Promise((resolve) => {
      this.settle = (is) => {
        question.remove();
        nAsking -= 1;
        this.settle = null;
        resolve(is);
      };
    });
  }

  /** Ask whether to open `url`, below the app. */
  async offerLink(url) {
    if (typeof url !== "string" || url.length > LINK_CHARS || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return INVALID;
    if (this.settle) return { isError: true };
    const link = element("a", t("Open"), "button small");
    Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer nofollow ugc" });
    link.addEventListener("click", () => setTimeout(() => this.settle?.(true)));
    const text = element("p", t("The app wants to open {url}", { url: new URL(url).href }));
    const opens = await this.questioned("div", "app-question", [text], [link, button(t("Don’t open"), "button small quiet")]);
    return opens ? {} : { isError: true };
  }

  /** List what the app did before, as far as the first page of the list goes. */
  async showEarlier() {
    const response = await fetch(`${this.box.dataset.calls}?limit=100`).catch(() => null);
    if (response?.ok) for (const call of (await response.json()).items) this.note(call);
  }

  note({ id, tool, address, status, request, outcome }) {
    const log = this.box.querySelector(".app-log");
    const item = element("li", [tool ? t("Used {tool}", { tool }) : t("Read {address}", { address }), ENDS[status] ?? outcome, request && status === "done" ? t("allowed by you") : ""].filter(Boolean).join(" · "));
    item.dataset.id = id;
    log.querySelector(`[data-id="${CSS.escape(id)}"]`)?.remove();
    log.querySelector("ol").append(item);
    log.hidden = false;
  }

  /** Put a text into the empty message field, without the cursor: the person reads it before they can send it. */
  suggest({ role, content }) {
    const blocks = Array.isArray(content) ? content : [content];
    const texts = blocks.map((block) => block?.type === "text" && typeof block.text === "string" ? block.text : null);
    const text = texts.join("\n");
    if (role !== "user" || texts.includes(null) || !text.trim() || text.length > MAX_MESSAGE) return INVALID;
    const area = document.querySelector("[data-composer] textarea");
    if (!area || area.value) return { isError: true };
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.dispatchEvent(new Event("suggested"));
    this.box.querySelector(".error").textContent = t("{host} suggests a message. Check it before you send it.", { host: this.box.dataset.host });
    return {};
  }
}

function theme() {
  return isDark() ? "dark" : "light";
}

function element(name, text, className = "") {
  return Object.assign(document.createElement(name), { textContent: text, className });
}

function button(text, className) {
  return Object.assign(element("button", text, className), { type: "button" });
}

/** The call that the site made of `body`, with its result; or an error for the app. */
async function sent(url, body) {
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token() };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (response?.ok && answer) return [answer.call, answer.result];
  return [answer?.detail ? { code: response.status === 422 ? INVALID.code : -32000, message: answer.detail } : OFFLINE];
}
