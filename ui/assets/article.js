// The article's pane: going to a paragraph and back, lighting sentences, the language shown, the reading map.
import { isNarrow, showPane } from "./look.js";
import { keep, say, setLabel, tell, words } from "./words.js";

const root = document.documentElement;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const paper = () => document.getElementById("paper");
const pair = (number) => document.getElementById("p" + number);
let came = null; // the element that was left for the article

// --- going there

/** Where a citation points: {p, l, s, e} and its match in the other language {ms, me}; strings from data-*. */
export function target(element) {
  const { p, l, s, e, ms, me } = element.dataset;
  return { p, l, s, e, ms, me };
}

/** Go to a paragraph of the article and light what is cited; the browser's Back returns. */
export function follow(element) {
  mark(element);
  const talk = document.getElementById("transcript-block");
  history.replaceState({ ...history.state, duizhao: "talk", top: talk.scrollTop }, "");
  const place = target(element);
  history.pushState({ duizhao: "read", place, back: true }, "", "#p" + place.p);
  arrive(place, { back: true });
}

/** Show a paragraph, lit, without touching the browser's history. */
export function arrive(place, { back = false, quick = false } = {}) {
  const there = pair(place.p);
  if (!there) return;
  toggleMap(false);
  if (isNarrow()) showPane("read");
  unlight();
  const lit = light(there, place);
  const first = lit.find((sentence) => sentence.offsetParent !== null) || there;
  there.classList.add("here");
  // Near by the page glides; over many screens a glide only hides where one is.
  const far = Math.abs(first.getBoundingClientRect().top) > 2 * innerHeight;
  first.scrollIntoView({ block: place.s === undefined ? "start" : "center", behavior: quick || far || calm.matches ? "auto" : "smooth" });
  there.focus({ preventScroll: true });
  root.dataset.back = back ? "yes" : "no";
  say(words("went_to", { n: place.p }));
}

function light(there, place) {
  if (place.s === undefined) return [];
  const own = overlapping(there, place.l, place.s, place.e);
  const other = place.l === "zh" ? "en" : "zh";
  const matching = place.ms === undefined ? [] : overlapping(there, other, place.ms, place.me);
  own.forEach((sentence) => sentence.classList.add("lit"));
  matching.forEach((sentence) => sentence.classList.add("lit", "twin"));
  // A quote in the language that is not shown is still shown, with its pair.
  if (paper().dataset.show !== "both" && paper().dataset.show !== place.l) there.classList.add("whole");
  return own.concat(matching);
}

function overlapping(there, language, start, end) {
  return [...there.querySelectorAll(`.s[data-l="${language}"]`)].filter(
    (sentence) => Number(sentence.dataset.s) < Number(end) && Number(sentence.dataset.e) > Number(start),
  );
}

export function unlight() {
  for (const element of document.querySelectorAll(".s.lit")) element.classList.remove("lit", "twin");
  for (const element of document.querySelectorAll(".pair.here, .pair.whole")) element.classList.remove("here", "whole");
}

/** The ¶ that was followed stays marked, so that eyes find their way back. */
function mark(element) {
  came?.removeAttribute("aria-current");
  came = element;
  came?.setAttribute("aria-current", "location");
}

/** The conversation was drawn anew: the mark is put back where it was. */
export function remark() {
  const there = came && whereItWas();
  if (there && there !== came) mark(there);
  else if (there) there.setAttribute("aria-current", "location");
}

const whereItWas = () => (came.isConnected ? came
  : came.dataset.quote && document.querySelector(`#transcript-block [data-quote="${CSS.escape(came.dataset.quote)}"]`));

// --- and back

function returnTo(state) {
  root.dataset.back = "no";
  if (isNarrow()) showPane("talk");
  const talk = document.getElementById("transcript-block");
  if (state && state.top !== undefined) talk.scrollTop = state.top;
  const there = came && whereItWas();
  if (there) there.focus({ preventScroll: true });
}

addEventListener("popstate", (event) => {
  const state = event.state;
  if (state && state.duizhao === "read") arrive(state.place, { back: state.back });
  else if (state && state.duizhao === "talk") returnTo(state);
  else if (/^#p\d+$/.test(location.hash)) arrive({ p: location.hash.slice(2) });
});

/** The paragraph the address names, if it names one: `#p18`. */
export function arriveFromAddress() {
  const named = /^#p(\d+)$/.exec(location.hash);
  if (named) arrive({ p: named[1] }, { quick: true });
}

/** Go to a paragraph by its number; the browser's Back goes back. */
export function goTo(number) {
  history.pushState({ duizhao: "read", place: { p: number }, back: false }, "", "#p" + number);
  arrive({ p: number });
}

/** The link to a paragraph: in the address bar, and on the clipboard where that is allowed. */
export function linkTo(number) {
  goTo(number);
  if (navigator.clipboard) {
    navigator.clipboard.writeText(location.href).then(() => tell(words("link_copied", { n: number })), () => {});
  }
}

// --- which language is shown

export function showLanguage(choice, remember = true) {
  paper().dataset.show = choice;
  for (const input of document.querySelectorAll("#show-language input")) input.checked = input.value === choice;
  if (remember) keep("show", choice);
}

export function restoreShown() {
  let choice = null;
  try { choice = localStorage.getItem("duizhao:show"); } catch { /* a private window keeps nothing */ }
  if (["both", "zh", "en"].includes(choice)) showLanguage(choice, false);
}

// --- the reading map

export function touched() {
  const numbers = new Set();
  // While an answer is written, the quotes it is written from: the map does not empty and fill again.
  const chips = "#transcript-block .statement .chip, #transcript-block [data-state=running] .quote .chip";
  for (const chip of document.querySelectorAll(chips)) numbers.add(chip.dataset.p);
  return numbers;
}

export function drawMap() {
  const seen = touched();
  for (const mark of document.querySelectorAll(".map-bar i")) mark.classList.toggle("touched", seen.has(mark.dataset.p));
  for (const cell of document.querySelectorAll(".map .cell")) {
    const own = seen.has(cell.dataset.p);
    if (cell.classList.toggle("touched", own) || cell.dataset.zh) {
      setLabel(cell, "aria-label", own ? "map_touched" : "map_untouched", { n: cell.dataset.p });
    }
  }
  for (const there of document.querySelectorAll(".pair")) there.classList.toggle("touched", seen.has(there.dataset.p));
  const count = document.querySelector(".map-count");
  count.textContent = words("map_count", { n: seen.size, total: count.dataset.total });
}

const map = () => document.getElementById("map");
export const isMapOpen = () => Boolean(map()) && !map().hidden;

export function toggleMap(open = !isMapOpen(), { focus = false } = {}) {
  const button = document.querySelector(".map-button");
  button.setAttribute("aria-expanded", String(open));
  map().hidden = !open;
  if (focus) button.focus();
}
