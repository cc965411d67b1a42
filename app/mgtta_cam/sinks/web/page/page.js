// The page: long-polls the latest picture and the state, and sends keys.
const $ = id => document.getElementById(id);
const token = document.querySelector("meta[name=token]").content;
const viewer = Array.from(crypto.getRandomValues(new Uint8Array(12)), b => (b % 36).toString(36)).join("");
const buttons = [...document.querySelectorAll("button[data-key]")];
const TOGGLES = { pause: "paused", adapt: "adapting", compare: "compare", help: "help" };
const pause = ms => new Promise(done => setTimeout(done, ms));
const shown = () => new Promise(done => {
  if (document.hidden) document.addEventListener("visibilitychange", done, { once: true });
  else done();
});
const OTHER_RUN = "This run has ended. The next one has a new token: open the address that it prints.";
const NO_ANSWER = "The program is not responding.";
const HEADERS = { "Content-Type": "application/json", "X-Token": token };
let over = false, run = null, trouble = "";  // why a request of this page was denied
history.replaceState(null, "", location.pathname);  // hides the token from the address bar; the cookie has it

function say(mood, words, note = trouble) {
  $("status").dataset.mood = mood;
  if ($("status").textContent !== words) $("status").textContent = words;  // screen readers announce each change
  if ($("note").textContent !== note) $("note").textContent = note;
  $("note").hidden = !note;
}

function facts(state) {
  const of = answer => answer ? `${answer[0]} ${(100 * answer[1]).toFixed(1)} %` : null;
  const drops = Object.entries(state.dropped).map(([cause, n]) => `${n.toLocaleString("en")} ${cause}`).join(", ");
  const rows = {
    method: state.method, updates: state.updates.toLocaleString("en"), adaptation: adaptation(state),
    corruption: state.corruption, prediction: of(state.answer), "frozen prediction": of(state.frozen_answer),
    truth: state.truth, frame: state.frame.toLocaleString("en"),
    latency: state.latency_ms == null ? null : `${state.latency_ms.toFixed(1)} ms`, dropped: drops || "none",
  };
  $("facts").replaceChildren(...Object.entries(rows).filter(([, v]) => v != null)
    .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function adaptation(state) {
  if (state.method === "none") return "none: this method does not adapt";
  return state.adapting ? state.not_adapting || "on" : "off";
}

function show(state) {
  over = state.ended;
  for (const button of buttons) {
    button.disabled = over;
    const toggle = TOGGLES[button.dataset.action];
    if (toggle) button.setAttribute("aria-pressed", state[toggle]);
  }
  if (over) say("bad", "ended", "The run has ended.");
  else if (state.paused) say("idle", "paused");
  else if (state.frame === undefined) say("idle", "waiting for the first frame");
  else say("live", "live");
  if (state.frame !== undefined) {
    facts(state);
    drawCharts($("charts"), state);
    $("picture").alt = `Frame ${state.frame}: ${state.answer ? state.answer[0] : "no prediction"}, ${state.corruption}`;
  }
}

async function followState() {
  for (;;) {
    await shown();
    try {
      const answer = await fetch("state");
      if (answer.status === 403) say("bad", "ended", OTHER_RUN);
      if (!answer.ok) throw new Error();
      const state = await answer.json();
      if (run !== null && run !== state.run) return location.reload();  // the program was restarted
      run = state.run;
      show(state);
      if (over) await pause(2000);
    } catch {
      if (!over && $("status").textContent !== "ended") say("bad", "no connection", NO_ANSWER);
      await pause(2000);
    }
  }
}

async function followPicture() {
  for (let after = 0; ;) {
    await shown();
    try {
      const answer = await fetch(`picture?viewer=${viewer}&after=${after}`);
      if (answer.status === 503) trouble = await answer.text();
      if (answer.status === 200) {
        trouble = "";
        after = Number(answer.headers.get("X-Picture"));
        await paint(await answer.blob());
        continue;
      }
      await pause(answer.status === 204 && !over ? 0 : 2000);
    } catch {
      await pause(2000);
    }
  }
}

async function paint(blob) {
  const next = URL.createObjectURL(blob), before = $("picture").src;
  $("picture").src = next;
  await $("picture").decode().catch(() => {});
  $("picture").width = $("picture").naturalWidth || 1280;
  $("picture").height = $("picture").naturalHeight || 720;
  if (before) URL.revokeObjectURL(before);
}

async function press(key) {
  if (over || (key === "q" && !await sure())) return;
  const body = JSON.stringify({ key });
  try {
    const answer = await fetch("key", { method: "POST", body, headers: HEADERS });
    trouble = answer.ok ? "" : await answer.text();
  } catch {
    say("bad", "no connection", NO_ANSWER);
  }
}

function sure() {
  const ask = $("ask");
  if (ask.open) return false;
  ask.returnValue = "no";
  ask.showModal();
  return new Promise(done => ask.addEventListener("close", () => done(ask.returnValue === "yes"), { once: true }));
}

for (const button of buttons) button.addEventListener("click", () => press(button.dataset.key));
addEventListener("keydown", event => {
  const onButton = event.target instanceof HTMLButtonElement && event.key === " ";
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || $("ask").open || onButton) return;
  if (!buttons.some(button => button.dataset.key === event.key)) return;
  event.preventDefault();
  press(event.key);
});
followState();
followPicture();
