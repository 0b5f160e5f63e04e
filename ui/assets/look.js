// Appearance (system, light, dark), the two tabs of a narrow screen, and the banner about the models.
import { keep, setLabel, tell, words } from "./words.js";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const THEMES = ["auto", "light", "dark"];

export function applyTheme() {
  const theme = root.dataset.theme;
  root.dataset.tone = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
  document.body.classList.toggle("dark", root.dataset.tone === "dark");
}

export function nextTheme(button) {
  root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
  keep("theme", root.dataset.theme);
  applyTheme();
  setLabel(button, "aria-label title", "theme_" + root.dataset.theme);
  tell(words("theme_" + root.dataset.theme));
}

dark.addEventListener("change", applyTheme);

// --- tabs

const narrow = matchMedia("(max-width: 900px)");
export const isNarrow = () => narrow.matches;

export function showPane(name) {
  root.dataset.pane = name;
  // Who has gone back to the conversation is not sent to a paragraph when the page is loaded again.
  if (name === "talk" && isNarrow() && root.dataset.ready && location.hash) {
    history.replaceState({ duizhao: "talk" }, "", location.pathname + location.search);
  }
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const own = tab.dataset.pane === name;
    tab.setAttribute("aria-selected", String(own));
    tab.tabIndex = own ? 0 : -1;
  }
}

/** On a narrow screen the panes are tab panels, on a wide one regions. */
export function namePanes() {
  for (const [pane, tab] of [["talk", "tab-talk"], ["read", "tab-read"]]) {
    const element = document.getElementById(pane);
    element.setAttribute("role", isNarrow() ? "tabpanel" : "region");
    element.setAttribute("aria-labelledby", tab);
    // A pane that scrolls can be reached, and scrolled, from the keyboard.
    if (pane === "read") element.tabIndex = 0;
  }
}

narrow.addEventListener("change", namePanes);

export function onTabKey(event) {
  if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  const other = document.querySelector("[role=tab][aria-selected=false]");
  showPane(other.dataset.pane);
  other.focus();
  event.preventDefault();
}

// --- the banner

let timer = 0;
let isBroken = false; // a connection was, and the server has not been heard of since

/** gradio says in a corner, in English, that the connection is lost; the banner says it in the reader's language. */
export function watchNotices() {
  new MutationObserver((changes) => {
    const isNotice = ({ target, addedNodes }) => addedNodes.length > 0 && target.closest?.(".toast-wrap");
    if (!changes.some(isNotice)) return;
    isBroken = true;
    watchModels();
  }).observe(document.body, { childList: true, subtree: true });
}

export async function watchModels() {
  clearTimeout(timer);
  let status = "lost";
  try {
    const reply = await fetch("healthz", { cache: "no-store" });
    status = (await reply.json()).models;
  } catch { /* lost */ }
  const banner = document.getElementById("banner");
  let shown = false;
  for (const line of banner.querySelectorAll("[data-status]")) {
    line.hidden = line.dataset.status !== status;
    shown = shown || !line.hidden;
  }
  banner.hidden = !shown;
  root.dataset.models = status;
  // Who waits for an answer hears at once that none will come: of a server that is gone gradio says nothing then.
  const settled = root.dataset.busy === "yes" ? 3000 : 30000;
  timer = setTimeout(watchModels, status === "ready" || status === "failed" ? settled : 1500);
  isBroken = isBroken || status === "lost";
  if (!isBroken || status === "lost") return;
  isBroken = false;
  document.dispatchEvent(new CustomEvent("duizhao:back"));
}
