// Before the first paint: the reader's language and appearance, and a queue for parts that are drawn before
// the scripts are here.
(() => {
  const root = document.documentElement;
  const kept = (name) => { try { return localStorage.getItem("duizhao:" + name); } catch { return null; } };
  const preferred = (navigator.languages || [navigator.language || "en"])
    .map((tag) => tag.toLowerCase().slice(0, 2)).find((tag) => tag === "zh" || tag === "en");
  root.dataset.lang = kept("language") || preferred || "en";
  root.lang = root.dataset.lang === "zh" ? "zh-Hans" : "en";
  root.dataset.theme = kept("theme") || "auto";
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.tone = root.dataset.theme === "auto" ? (dark ? "dark" : "light") : root.dataset.theme;
  // This tab's own conversation, where another tab was the last to write (tabs.js).
  try {
    const { key, own, foreign } = JSON.parse(sessionStorage.getItem("duizhao:aside")) || {};
    if (own && localStorage.getItem(key) === foreign) localStorage.setItem(key, own);
    sessionStorage.removeItem("duizhao:aside");
  } catch { /* a private window keeps nothing */ }
  // A kept conversation is on its way: the first page is not shown for the moment until it is here.
  if (kept("asked") === "yes") {
    root.dataset.restoring = "yes";
    setTimeout(() => delete root.dataset.restoring, 2500);
  }
  window.duizhaoWaiting = [];
  window.duizhaoMount = (...part) => window.duizhaoWaiting.push(part);
})();
