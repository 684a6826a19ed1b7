// Guildhall: a chat on this page. It loads nothing else, and works under a policy that allows this script and its frame.
(() => {
  const own = WIDGET_SETTINGS;
  const { origin } = new URL(own.page);
  const token = document.currentScript?.dataset.visitor;
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // the page's policy may refuse styles in elements
  sheet.replaceSync(`
    :host { all: initial; }
    button, iframe { position: fixed; ${own.side}: 20px; border: 0; z-index: 2147483000; }
    button { bottom: 20px; min-height: 48px; padding: 0 20px; border-radius: 999px; cursor: pointer;
      background: ${own.colour}; color: ${own.ink}; font: 600 16px/1.2 system-ui, sans-serif;
      box-shadow: 0 2px 6px rgb(0 0 0 / .16), 0 8px 24px rgb(0 0 0 / .16); }
    button:focus-visible { outline: 3px solid ${own.colour}; outline-offset: 3px; }
    iframe { bottom: 80px; width: min(400px, calc(100vw - 40px)); height: min(640px, calc(100dvh - 100px));
      border-radius: 16px; box-shadow: 0 2px 6px rgb(0 0 0 / .12), 0 16px 48px rgb(0 0 0 / .24); background: #fff;
      color-scheme: ${own.theme === "auto" ? "light dark" : own.theme}; }
    iframe[hidden] { display: none; }
    @media (max-width: 480px) { iframe { inset: 0; width: 100%; height: 100%; border-radius: 0; } }
    @media print { :host { display: none; } }
  `);
  root.adoptedStyleSheets = [sheet];
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = own.label;
  button.ariaExpanded = "false";
  let frame = null;

  function load() {
    frame = document.createElement("iframe");
    frame.title = own.title;
    frame.src = own.page + (token ? "?signed" : "");
    frame.allow = "clipboard-write";
    root.append(frame);
  }

  function show(isOpen) {
    if (isOpen && !frame) load();
    frame.hidden = !isOpen;
    button.ariaExpanded = String(isOpen);
    if (isOpen) frame.focus();
    else button.focus();
  }

  button.addEventListener("click", () => show(!frame || frame.hidden));
  addEventListener("message", ({ source, origin: from, data }) => {
    if (from !== origin || !frame || source !== frame.contentWindow) return;
    if (data?.guildhall === "close") show(false);
    if (data?.guildhall === "ready" && token) source.postMessage({ visitor: token }, origin);
  });
  root.append(button);
  const begin = () => document.body.append(host);
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
})();
