// The page's scripts, put together. Text from people, articles and models is only ever set as text.
import * as article from "./article.js";
import { hideCard, isCardShown, watchChips } from "./card.js";
import * as composer from "./composer.js";
import { copy, download } from "./keep.js";
import * as look from "./look.js";
import { drawSuggestions, fetchSuggestions } from "./suggest.js";
import { askedHere, watchTabs } from "./tabs.js";
import { holdLanguage, keep, label, language, say, switchLanguage, tell, words } from "./words.js";

const PARTS = ["masthead", "transcript", "desk", "article", "parcel"];
const parts = {};
let desk = {};
let last = { id: null, state: null, found: false };
const opened = new Set(); // what the reader has unfolded: the quotes of an exchange, a long question

function mount(name, element, triggers, watch, props) {
  parts[name] = { element, triggers, watch, props };
  if (PARTS.every((own) => own in parts)) start();
}

function start() {
  desk = parts.desk.triggers;
  holdLanguage();
  label(document);
  look.applyTheme();
  look.namePanes();
  look.showPane(document.documentElement.dataset.pane || "talk");
  look.watchModels();
  look.watchNotices();
  watchTabs();
  composer.mountComposer(desk);
  watchChips();
  article.restoreShown();
  fetchSuggestions();
  parts.transcript.watch("value", drawn);
  parts.parcel.watch("value", () => received(parts.parcel.props.value));
  drawn();
  article.arriveFromAddress();
}

/** The conversation was drawn anew. */
function drawn() {
  const block = parts.transcript.element;
  label(block);
  for (const own of block.querySelectorAll("details.sources")) own.open = opened.has(own.dataset.key);
  block.querySelectorAll("[data-act=unfold]").forEach(fold);
  hideCard();
  article.remark();
  composer.arrived();
  if (composer.isRestored()) document.documentElement.dataset.ready = "yes";
  article.drawMap();
  drawSuggestions();
  const exchange = block.querySelector(".exchange:last-of-type");
  const now = {
    id: exchange ? exchange.dataset.id : null,
    state: exchange ? exchange.dataset.state : null,
    found: Boolean(exchange && exchange.querySelector(".statement, .nearest")),
  };
  if (now.state === "running" && now.id !== last.id) {
    document.documentElement.dataset.back = "no";
    askedHere();
  }
  // A new question goes to the top, with room for its answer under it; so does the last one of a kept conversation.
  if (exchange && now.id !== last.id && (now.state === "running" || last.id === null)) exchange.scrollIntoView({ block: "start" });
  if (exchange) delete document.documentElement.dataset.restoring;
  keep("asked", exchange ? "yes" : "no");
  if (now.state === "running" && now.found && !last.found) say(words("quotes_ready"));
  if (now.state !== "running" && last.state === "running" && now.id === last.id) {
    say(outcome(exchange, now.state));
  }
  last = now;
}

/** A long question as the reader has it: folded, or whole. */
function fold(own) {
  const isOpen = opened.has("question-" + own.dataset.id);
  own.setAttribute("aria-expanded", String(isOpen));
  own.parentElement.querySelector(".question").classList.toggle("unfolded", isOpen);
}

/** What became of a question, for screen readers: an answer, or why there is none. */
function outcome(exchange, state) {
  const isDone = state === "done";
  const told = [...exchange.querySelectorAll(isDone ? ".notice, .answer, .refused" : ".notice, .stage")].map(spoken);
  return [...(isDone ? [words("answer_ready")] : []), ...told].join(" ").slice(0, 600);
}

/** The text of an element, of two wordings the reader's alone. */
function spoken(element) {
  const own = element.cloneNode(true);
  for (const other of own.querySelectorAll(`.w:not([lang^="${language()}"])`)) other.remove();
  return own.textContent.trim().replace(/\s+/g, " ");
}

function received(value) {
  if (!value) return;
  const { parcel, notice } = JSON.parse(value);
  if (notice) {
    composer.arrived(); // nothing is drawn
    tell(words(notice));
  } else if (parcel) download(parcel);
  else tell(words("nothing_to_export"));
}

/** Of what, and whether on its own, a question was asked. */
const what = (own) => ({ standalone: Boolean(own.dataset.standalone), scope: own.dataset.scope || null });

const actions = {
  cite: (own) => { hideCard(); article.follow(own); },
  near: (own) => article.follow(own),
  back: () => history.back(),
  about: (own) => composer.askAbout(own.dataset.p),
  edit: (own) => composer.edit(own.dataset.question, { ...what(own), replaces: own.dataset.id, n: own.dataset.n }),
  "as-typed": (own) => composer.ask({ ...what(own), question: own.dataset.question, replaces: own.dataset.id }),
  retry: (own) => composer.ask({ ...what(own), question: own.dataset.question, replaces: own.dataset.id }),
  whole: (own) => composer.ask({ ...what(own), question: own.dataset.question }),
  undo: (own) => {
    composer.change("undo", { id: own.dataset.id });
    composer.putBack(own.dataset.question, what(own));
  },
  suggested: (own) => composer.ask({ question: own.textContent, standalone: true }),
  rate: (own) => {
    // The thumb that is given already, its note still open, changes nothing; nothing would be drawn.
    if (own.getAttribute("aria-pressed") === "true" && own.closest(".exchange").querySelector("form.note")) return;
    composer.change("rate", { id: own.dataset.id, rating: own.dataset.rating });
  },
  unfold: (own) => {
    const key = "question-" + own.dataset.id;
    opened[opened.has(key) ? "delete" : "add"](key);
    fold(own);
  },
  copy: (own) => copy(own.dataset.text),
  export: (own) => { closeMenu(true); desk.export({ format: own.dataset.format }); },
  new: () => {
    closeMenu(true);
    if (document.querySelector(".exchange") && confirm(words("confirm_new"))) composer.change("renew", {});
  },
  stop: () => composer.stop(),
  "cancel-edit": () => composer.cancelEdit(),
  "not-next": () => composer.askNext(false),
  "drop-scope": () => composer.dropScope(),
  language: () => switchLanguage(),
  theme: (own) => look.nextTheme(own),
  tab: (own) => look.showPane(own.dataset.pane),
  map: () => article.toggleMap(),
  skip: (own) => {
    if (own.hash === "#question") { look.showPane("talk"); composer.focusQuestion(); return; }
    look.showPane("read");
    document.getElementById("read").focus();
  },
};
// While an answer is under way, only these may be done to the conversation.
const ALWAYS = new Set(["cite", "near", "back", "unfold", "about", "copy", "stop", "language", "theme", "tab", "map", "skip",
  "drop-scope", "cancel-edit", "not-next", "export"]);

document.addEventListener("click", (event) => {
  const sources = event.target.closest("details.sources > summary")?.parentElement;
  if (sources) opened[sources.open ? "delete" : "add"](sources.dataset.key);
  const number = event.target.closest(".pair .number");
  const place = event.target.closest(".map [data-p]");
  const own = event.target.closest("[data-act]");
  const menu = document.getElementById("menu");
  if (menu && menu.open && !menu.contains(event.target)) closeMenu();
  if (article.isMapOpen() && !event.target.closest(".article-head")) article.toggleMap(false);
  // Who is back among the answers needs no way back to them.
  if (event.target.closest("#talk")) document.documentElement.dataset.back = "no";
  if ((number || place) && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    if (place) article.goTo(place.dataset.p);
    else article.linkTo(number.hash.slice(2));
    return;
  }
  if (!own || own.tagName === "FORM" || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (composer.isBusy() && !ALWAYS.has(own.dataset.act)) return;
  actions[own.dataset.act]?.(own);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form.note");
  if (!form) return;
  event.preventDefault();
  if (composer.isBusy()) return;
  composer.change("note", { id: form.dataset.id, note: form.querySelector("input").value });
  // The form is about to be drawn away; the focus would be lost with it.
  form.closest(".exchange").querySelector("[aria-pressed=true]").focus();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("#show-language input")) article.showLanguage(event.target.value);
});

document.addEventListener("keydown", (event) => {
  if (event.target.matches?.("[role=tab]")) look.onTabKey(event);
  const typing = event.target.matches?.("textarea, input[type=text]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    look.showPane("talk");
    composer.focusQuestion();
  }
  // Esc that leaves a word of an input method is not Esc that stops.
  if (event.key === "Escape" && !event.isComposing && event.keyCode !== 229) escape();
});

function escape() {
  if (isCardShown()) hideCard();
  else if (document.getElementById("menu").open) closeMenu(true);
  else if (article.isMapOpen()) article.toggleMap(false, { focus: true });
  else if (composer.cancelEdit()) return;
  else if (composer.isBusy()) actions.stop();
}

function closeMenu(focus = false) {
  const menu = document.getElementById("menu");
  menu.open = false;
  if (focus) menu.querySelector("summary").focus();
}

document.addEventListener("duizhao:language", () => {
  article.drawMap();
  drawSuggestions();
  composer.showNotes();
});

document.addEventListener("duizhao:back", composer.settleUnlessDrawn);

window.duizhaoMount = mount;
for (const part of window.duizhaoWaiting) mount(...part);
