// Pages of MCP servers that show the results of their tools (MCP Apps, version 2026-01-26), and what they may ask of
// this page. Each runs in a frame that is no part of the site (chat/frames.py), once the person opens it.
//
// Nothing that the frame says is trusted. It gets the result that it shows, and asks for its height, for a link to be
// opened and for a text to be put into the empty message field: the person opens the one and sends the other. It calls
// no tools and reads nothing.

import { isDark } from "./views.js";

const VERSION = "2026-01-26";
const HEIGHT = { least: 80, first: 240, most: 800 };
const MAX_MESSAGE = 4000;
const LINK_CHARS = 2000;
const NOT_FOUND = { code: -32601, message: "This host doesn’t support that." };
const INVALID = { code: -32602, message: "Invalid parameters." };
const CAPABILITIES = { openLinks: {}, message: { text: {} }, sandbox: { csp: {}, permissions: {} } };

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
    button.textContent = `${app ? "Close" : "Open"} the app from ${box.dataset.host}`;
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
    error.textContent = "The app couldn’t be loaded. It may have been deleted.";
    return null;
  }
}

class App {
  constructor(box, given) {
    this.box = box;
    this.given = given;
    this.frame = document.createElement("iframe");
    this.frame.className = "artifact";
    this.frame.title = `App from ${box.dataset.host}`;
    this.frame.sandbox = "allow-scripts";
    this.frame.src = document.querySelector("[data-artifact-frame]").dataset.artifactFrame;
    this.frame.style.height = `${HEIGHT.first}px`;
    // Its origin is none that could be named here. `once`: what the frame loads later gets nothing.
    this.frame.addEventListener("load", () => this.frame.contentWindow.postMessage(given.html, "*"), { once: true });
    this.heard = (event) => event.source === this.frame.contentWindow && this.take(event.data);
    addEventListener("message", this.heard);
    box.append(this.frame);
  }

  close() {
    removeEventListener("message", this.heard);
    this.frame.remove();
    this.question?.remove();
  }

  send(message) {
    this.frame.contentWindow?.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  async take(message) {
    if (message?.jsonrpc !== "2.0" || typeof message.method !== "string") return;
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
    } else if (method === "ui/notifications/size-changed" && Number.isFinite(params.height)) {
      this.frame.style.height = `${Math.min(Math.max(params.height, HEIGHT.least), HEIGHT.most)}px`;
    }
  }

  asked(method, params) {
    switch (method) {
      case "ui/initialize": return this.introduction();
      case "ui/open-link": return this.offerLink(params.url);
      case "ui/message": return this.suggest(params);
      case "ui/request-display-mode": return { mode: "inline" };
      case "ping": return {};
      default: return NOT_FOUND; // tools/call and resources/read too
    }
  }

  introduction() {
    return {
      protocolVersion: VERSION,
      hostInfo: { name: "Guildhall", version: "1" },
      hostCapabilities: CAPABILITIES,
      hostContext: {
        toolInfo: { tool: this.given.tool },
        theme: isDark() ? "dark" : "light",
        displayMode: "inline",
        availableDisplayModes: ["inline"],
        containerDimensions: { width: this.frame.clientWidth, maxHeight: HEIGHT.most },
        locale: navigator.language,
        platform: "web",
      },
    };
  }

  /** Ask whether to open `url`, below the app. One question at a time. */
  offerLink(url) {
    if (typeof url !== "string" || url.length > LINK_CHARS || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return INVALID;
    if (this.question) return { isError: true };
    return new Promise((resolve) => {
      const [question, link, no] = ["p", "a", "button"].map((name) => document.createElement(name));
      question.className = "app-question";
      question.setAttribute("role", "alert");
      Object.assign(link, { className: "button small", href: url, target: "_blank", rel: "noopener noreferrer nofollow ugc", textContent: "Open" });
      Object.assign(no, { type: "button", className: "button small quiet", textContent: "Don’t open" });
      question.append(`The app wants to open ${new URL(url).href} `, link, " ", no);
      const end = (isError) => {
        question.remove();
        this.question = null;
        resolve(isError ? { isError } : {});
      };
      link.addEventListener("click", () => setTimeout(() => end(false)));
      no.addEventListener("click", () => end(true));
      this.box.append(question);
      this.question = question;
    });
  }

  /** Put a text into the message field if it is empty, for the person to read and send. */
  suggest({ role, content }) {
    const blocks = Array.isArray(content) ? content : [content];
    const texts = blocks.map((block) => block?.type === "text" && typeof block.text === "string" ? block.text : null);
    const text = texts.join("\n");
    if (role !== "user" || texts.includes(null) || !text.trim() || text.length > MAX_MESSAGE) return INVALID;
    const area = document.querySelector("[data-composer] textarea");
    if (!area || area.value) return { isError: true };
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
    this.box.querySelector(".error").textContent = `${this.box.dataset.host} suggests a message. Check it before you send it.`;
    return {};
  }
}
