// In the frame that draws diagrams: draws what the page sends, and answers on the port that comes with it.

const OPTIONS = {
  startOnLoad: false,
  securityLevel: "strict",
  htmlLabels: false,
  suppressErrorRendering: true,
  fontFamily: "system-ui, sans-serif", // a picture has the fonts of the system only
};
let nDrawn = 0;

addEventListener("message", async ({ source, data, ports }) => {
  if (parent === window || source !== parent) return;
  let drawing = null;
  try {
    mermaid.initialize({ ...OPTIONS, theme: data.isDark ? "dark" : "neutral", darkMode: data.isDark });
    drawing = described((await mermaid.render(`diagram-${++nDrawn}`, data.source)).svg);
  } catch { /* The page shows the code. */ }
  ports[0].postMessage(drawing);
});

/** The drawing as XML, which a picture must be, and what the page tells of it. */
function described(html) {
  const root = new DOMParser().parseFromString(html, "text/html").querySelector("svg");
  const svg = new XMLSerializer().serializeToString(root);
  const [, , width, height] = root.getAttribute("viewBox").split(/[\s,]+/).map(Number);
  return { svg, width: Math.ceil(width), height: Math.ceil(height), title: root.querySelector(":scope > title")?.textContent };
}
