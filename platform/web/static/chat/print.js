// The page of a chat to print: the browser's own dialog saves it as PDF.

document.querySelector("[data-print]").addEventListener("click", () => print());
