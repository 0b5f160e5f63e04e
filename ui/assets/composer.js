// The question box: sending, stopping, editing an earlier question, asking of one paragraph.
import { showPane, isNarrow } from "./look.js";
import { tell, words } from "./words.js";

// Seconds after which a question that nothing answered to is put back into the box.
const UNANSWERED = 12;
// Milliseconds between two words to the server that a question is being written; it then reads nothing ahead.
const EXPECTING = 3000;
const SETTLING = 50; // milliseconds
let expectedAt = 0;
let triggers = {};
let pending = null;
const NOTHING = { replaces: null, standalone: false, scope: null, n: 0 };
let asking = NOTHING;
let unsent = ""; // what stood in the box before an earlier question was put there
let stopping = false;
let changing = 0; // the timer of a change to the conversation that was sent and is not drawn yet
let isNext = false; // what stands in the box is asked once the answer under way is done

const isTouch = () => matchMedia("(hover: none)").matches;
const box = () => document.getElementById("question");
const note = (name) => document.getElementById(name + "-note");
export const isRestored = () => !document.querySelector("#transcript-block [data-waiting]");
const running = () => document.querySelector('#transcript-block [data-state="running"]');

const isAnswering = () => Boolean(pending || running());
export const isBusy = () => Boolean(changing || isAnswering());

export function mountComposer(own) {
  triggers = own;
  document.getElementById("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  box().addEventListener("keydown", (event) => {
    // Enter that chooses a word in an input method is not Enter that sends.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  box().addEventListener("input", () => {
    askNext(false);
    fit();
    expect();
  });
  fit();
}

function expect() {
  if (Date.now() - expectedAt < EXPECTING) return;
  expectedAt = Date.now();
  triggers.expect();
}

function fit() {
  const area = box();
  area.style.height = "auto";
  area.style.height = Math.min(area.scrollHeight, 180) + "px";
  const limit = Number(area.dataset.limit);
  const over = [...area.value.trim()].length > limit;
  note("length").hidden = !over;
  if (over) note("length").textContent = words("too_long", { limit });
  document.getElementById("send").disabled = over;
}

function submit() {
  const question = box().value.trim();
  if (!question || document.getElementById("send").disabled) return;
  if (isBusy()) {
    askNext(true);
    return;
  }
  ask({ question, ...asking });
  unsent = "";
  reset();
  // On a phone the keyboard would stand in front of the answer.
  if (isTouch()) box().blur();
}

/** Keep what stands in the box to be asked next; or no longer. */
export function askNext(on) {
  isNext = on;
  note("next").hidden = !on;
}

/** Ask: {question, replaces?, standalone?, scope?}. Does nothing while another question is under way. */
export function ask(what) {
  if (isBusy()) return;
  const { question, replaces = null, standalone = false, scope = null } = what;
  pending = { asked: { question, replaces, standalone, scope }, isSent: false, timer: setTimeout(giveBack, UNANSWERED * 1000) };
  if (isNarrow()) showPane("talk");
  // What was clicked is about to be drawn away; the focus would be lost with it.
  if (document.activeElement.closest?.("#transcript-block") && !isTouch()) box().focus({ preventScroll: true });
  deliver();
  showState();
}

/** Send what is pending, once the kept conversation is here: it would be drawn over the answer. */
function deliver() {
  if (!isRestored()) return;
  pending.isSent = true;
  triggers.ask(pending.asked);
}

function giveBack() {
  if (!pending) return;
  if (!box().value) box().value = pending.asked.question;
  askNext(false);
  pending = null;
  stopping = false;
  fit();
  showState();
  tell(words("unanswered"));
}

/** Send a change to the conversation. A question asked before it is back would be asked of the one without it. */
export function change(event, data) {
  changing = setTimeout(arrived, UNANSWERED * 1000);
  triggers[event](data);
}

/** The transcript was drawn anew: what was sent has arrived. */
export function arrived() {
  clearTimeout(changing);
  changing = 0;
  if (pending && !pending.isSent) {
    deliver();
    return;
  }
  if (pending) clearTimeout(pending.timer);
  pending = null;
  if (stopping) stop();
  stopping = false;
  showState();
  markLeaving();
  // Not at once: the conversation that goes with the question is kept in the same breath as this was drawn.
  if (isNext && !isBusy()) setTimeout(submitNext, SETTLING);
}

function submitNext() {
  if (!isNext || isBusy()) return;
  askNext(false);
  submit();
}

/** Stop the question that is under way, also one of which nothing has been heard yet. */
export function stop() {
  stopping = Boolean(pending);
  if (running()) triggers.stop({ id: running().dataset.id });
}

function showState() {
  const busy = isAnswering();
  const stop = document.getElementById("stop");
  const go = document.getElementById("send");
  const hadFocus = document.activeElement === stop || document.activeElement === go;
  stop.hidden = !busy;
  go.hidden = busy;
  document.documentElement.dataset.busy = busy ? "yes" : "no";
  if (hadFocus) (busy ? stop : go).focus();
}

/** Put a question into the box: to be changed ({replaces, n}), or asked again in full ({standalone}). */
export function edit(question, { replaces = null, n = 0, standalone = false, scope = null } = {}) {
  askNext(false);
  if (!asking.replaces) unsent = box().value;
  asking = { replaces, standalone, scope, n };
  if (isNarrow()) showPane("talk");
  box().value = question;
  fit();
  showNotes();
  box().focus();
  box().setSelectionRange(question.length, question.length);
}

/** Put a question that was taken back into the box, unless another one is being written there. */
export function putBack(question) {
  if (!box().value.trim()) edit(question);
  else box().focus();
}

export function askAbout(number) {
  asking = { ...asking, scope: number };
  if (isNarrow()) showPane("talk");
  showNotes();
  box().focus();
}

export function dropScope() {
  asking = { ...asking, scope: null };
  showNotes();
  box().focus();
}

/** Leave an edit as it was; true where there was one. */
export function cancelEdit() {
  if (!asking.replaces) return false;
  box().value = unsent;
  unsent = "";
  reset();
  box().focus();
  return true;
}

function reset() {
  asking = NOTHING;
  box().value = pending ? "" : box().value;
  fit();
  showNotes();
}

/** Mark what an edit would replace: the question that is edited, and those after it. */
function markLeaving() {
  let leaving = false;
  for (const exchange of document.querySelectorAll("#transcript-block .exchange")) {
    leaving = leaving || exchange.dataset.id === asking.replaces;
    exchange.classList.toggle("leaving", leaving);
  }
}

export function showNotes() {
  markLeaving();
  note("editing").hidden = !asking.replaces;
  note("scope").hidden = !asking.scope;
  if (asking.replaces) note("editing").querySelector(".words").textContent = words("editing", { n: asking.n });
  if (asking.scope) note("scope").querySelector(".words").textContent = words("only_paragraph", { n: asking.scope });
}

export const focusQuestion = () => box().focus();
