// Applies the chosen theme before the first paint. Loaded blocking, in <head>.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* Storage may be forbidden: the system's choice stays. */ }
