// Applies the theme that the reader chose before the page is first painted. Loaded blocking, in <head>.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* Storage may be forbidden: the system's choice stays. */ }
