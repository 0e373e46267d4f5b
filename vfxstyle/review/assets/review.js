const $ = id => document.getElementById(id);
const stage = $("stage"), sheet = $("sheet");
const view = { at: 0, wipe: 50, wiping: true, before: false, layer: 0, zoom: 1, x: 0, y: 0, full: false };
const LAYERS = ["no overlay", "superpixel borders", "groups that the look treats alike"];
let state = null, tool = "pick", selection = null, count = 0, cross = null, outline = null, playing = null;

const tell = text => { $("told").textContent = text; };

async function ask(path, sent) {
  const options = sent === undefined ? {} : { method: "POST", body: JSON.stringify(sent) };
  const answer = await fetch(path, options);
  if (!answer.ok) {
    const why = (await answer.json().catch(() => ({}))).error || answer.statusText;
    tell(why);
    throw new Error(why);
  }
  return answer;
}

let settling = null;
const frame = () => state.frames[view.at];
const wanted = () => new URLSearchParams({
  preset: $("preset").value, strength: $("strength").value / 100, full: view.full ? 1 : 0, r: state.revision,
});

// One picture of a kind is fetched at a time; of all that are asked for meanwhile only the last one counts.
function latest(image) {
  let busy = false, next = null, shown = "";
  return async function show(path) {
    if (busy) { next = path; return; }
    if (path === shown && image.src) return;
    busy = true;
    try {
      const data = await (await ask(path)).blob();
      const address = URL.createObjectURL(data);
      image.src = address;
      await image.decode().catch(() => {});
      if (image.dataset.old) URL.revokeObjectURL(image.dataset.old);
      image.dataset.old = address;
      image.dataset.path = shown = path;
    } catch (error) { shown = ""; } finally {
      busy = false;
      if (next !== null) { const path = next; next = null; show(path); }
    }
  };
}
const showGraded = latest($("graded")), showPlate = latest($("plate")), showLayer = latest($("overlay"));

function draw() {
  const full = view.full ? 1 : 0;
  $("graded").dataset.wanted = `graded/${frame()}.png?${wanted()}`;
  showGraded(`graded/${frame()}.png?${wanted()}&quick=1`);
  clearTimeout(settling);
  settling = setTimeout(settle, 250);
  showPlate(`plate/${frame()}.png?full=${full}`);
  $("overlay").hidden = view.layer === 0;
  if (view.layer === 1) showLayer(`borders/${frame()}.png`);
  if (view.layer === 2) showLayer(`groups/${frame()}.png?preset=${encodeURIComponent($("preset").value)}`);
  $("number").textContent = frame();
  $("frame").value = view.at;
  drawMask();
  keep();
}

// The exact picture, once nothing moves any more.
function settle() {
  if (playing || $("graded").dataset.path !== `graded/${frame()}.png?${wanted()}&quick=1`) {
    clearTimeout(settling);
    settling = setTimeout(settle, 250);
    return;
  }
  showGraded(`graded/${frame()}.png?${wanted()}`);
}

async function drawMask() {
  const mask = $("mask");
  mask.hidden = selection === null;
  if (mask.hidden) return;
  const now = `${frame()} ${selection}`;
  if (mask.dataset.now === now) return;
  mask.dataset.now = now;
  const data = await (await ask("mask", { frame: frame(), selection })).blob();
  if (mask.dataset.now !== now) return;
  if (mask.src) URL.revokeObjectURL(mask.src);
  mask.src = URL.createObjectURL(data);
}

function lay() {
  sheet.style.setProperty("--at", view.wipe + "%");
  sheet.style.setProperty("--zoom", view.zoom);
  sheet.classList.toggle("flat", !view.wiping);
  sheet.classList.toggle("before", view.before);
  const [width, height] = state.full;
  sheet.style.aspectRatio = `${width} / ${height}`;
  const room = $("time").clientWidth;
  stage.style.width = Math.min(room, Math.max(200, innerHeight - 130) * width / height) + "px";
  sheet.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
  sheet.classList.toggle("near", stage.clientWidth * view.zoom > width);
  $("wipe").setAttribute("aria-pressed", view.wiping);
  $("flip").setAttribute("aria-pressed", view.before);
  $("layertold").textContent = LAYERS[view.layer];
  $("pixels").setAttribute("aria-pressed", view.full);
}

function note() {
  $("title").textContent = state.shot.split("/").pop();
  $("title").title = state.shot;
  $("screen").textContent = `Shown by ${state.screen}.`;
  $("frame").max = state.frames.length - 1;
  for (const id of ["preset", "other"]) {
    const list = $(id), now = list.value;
    if (list.options.length !== state.presets.length) {
      list.replaceChildren(...state.presets.map(name => new Option(name, name)));
      list.value = state.presets.includes(now) ? now : state.preset;
    }
  }
  $("corrections").replaceChildren(...state.corrections.map((own, index) => {
    const item = document.createElement("li"), away = document.createElement("button");
    const what = own.preset ? `${own.preset} at ${Math.round(own.strength * 100)} %`
      : own.strength === 0 ? "protected" : `${Math.round(own.strength * 100)} %`;
    item.textContent = `${own.name || "correction"}: ${what}`;
    away.textContent = "Remove";
    away.setAttribute("aria-label", `remove correction ${index + 1}`);
    away.addEventListener("click", () => change("remove", { index }));
    item.append(away);
    return item;
  }));
  $("undo").disabled = !state.can_undo;
  $("redo").disabled = !state.can_redo;
  $("save").disabled = state.saved;
  $("saved").title = state.file;
  $("saved").textContent = state.saved ? (state.corrections.length ? "saved beside the analysis" : "") : "not saved yet";
  const own = state.regrading, back = own.arrived.length;
  $("train").disabled = back === 0 || own.training;
  $("regrading").textContent = own.training ? `learning ${own.name} from ${back} frame${back === 1 ? "" : "s"} …`
    : own.trouble ? own.trouble
    : back ? `graded frames there: ${own.arrived.join(", ")}` + (own.learnt ? `; ${own.name} is among the presets` : "")
    : `put graded frames into ${own.graded.split("/").pop()}, beside the shot`;
  $("regrading").title = own.graded;
  if (state.mending) tell("The analysis is being made anew …");
  else if (state.trouble) tell(state.trouble);
  $("strengthtold").textContent = $("strength").value + " %";
  $("selected").textContent = count ? `${count} superpixel${count === 1 ? "" : "s"} selected on ${frame()}` : "nothing selected";
  for (const id of ["apply", "protect", "whole", "take"]) $(id).disabled = !count;
}

// What the page shows outlives a reload.
function keep() {
  const { at, wipe, wiping, layer } = view;
  const own = { at, wipe, wiping, layer, preset: $("preset").value, strength: $("strength").value };
  sessionStorage.setItem(location.pathname, JSON.stringify(own));
}

async function tellCommand() {
  const answer = await ask(`command?${wanted()}`);
  $("command").textContent = (await answer.json()).command;
}

async function change(path, sent = {}) {
  state = await (await ask(path, sent)).json();
  tell("");
  note();
  draw();
  tellCommand();
}

function select(found) {
  selection = found.count ? found.selection : null;
  count = found.count;
  note();
  drawMask();
}

const joined = event => !event || selection === null || !(event.shiftKey || event.altKey) ? {}
  : { selection, without: event.altKey };

async function pick(x, y, event) {
  tell("following it through the shot …");
  const sent = { frame: frame(), x, y, preset: $("preset").value, group: tool === "group", ...joined(event) };
  select(await (await ask("pick", sent)).json());
  tell("");
}

async function correct(strength, preset = null) {
  if (!count) return;
  const how = { pick: "picked", group: "group", lasso: "lasso" }[tool];
  await change("correct", { selection, strength, preset, name: `${how} on ${frame()}` });
  select({ count: 0 });
}

function go(by) {
  view.at = Math.min(Math.max(view.at + by, 0), state.frames.length - 1);
  draw();
}

function play() {
  if (playing) { clearInterval(playing); playing = null; }
  else playing = setInterval(() => {
    if ($("graded").dataset.path && !$("graded").dataset.path.startsWith(`graded/${frame()}.`)) return;
    view.at = (view.at + 1) % state.frames.length;
    draw();
  }, 1000 / 24);
  $("play").textContent = playing ? "Pause" : "Play";
}

function use(name) {
  tool = name;
  for (const id of ["pick", "group", "lasso"]) $("tool-" + id).setAttribute("aria-pressed", id === name);
}

function place(event) {
  const box = sheet.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
    .map(part => Math.min(Math.max(part, 0), 1));
}

function zoom(by, event) {
  const box = stage.getBoundingClientRect();
  const x = event ? event.clientX - box.left : box.width / 2, y = event ? event.clientY - box.top : box.height / 2;
  const next = Math.min(Math.max(view.zoom * by, 1), 32), ratio = next / view.zoom;
  view.x = next === 1 ? 0 : x - (x - view.x) * ratio;
  view.y = next === 1 ? 0 : y - (y - view.y) * ratio;
  view.zoom = next;
  const needs = stage.clientWidth * next > state.size[0] * 1.5 && state.full[0] > state.size[0];
  if (needs !== view.full) { view.full = needs; draw(); }
  lay();
}

function toPixels() {
  const wantedZoom = state.full[0] / stage.clientWidth * 2;
  zoom(view.zoom === 1 ? Math.max(2, wantedZoom) : 1 / view.zoom);
}

stage.addEventListener("wheel", event => { event.preventDefault(); zoom(event.deltaY < 0 ? 1.25 : 0.8, event); }, { passive: false });
stage.addEventListener("pointerdown", event => {
  if (event.button > 1) return;
  event.preventDefault();
  stage.focus();
  stage.setPointerCapture(event.pointerId);
  const start = place(event);
  if (event.button === 1 || event.ctrlKey) outline = { pan: [event.clientX - view.x, event.clientY - view.y] };
  else if (tool === "lasso") outline = { points: [start] };
  else outline = { start };
});
stage.addEventListener("pointermove", event => {
  if (!outline) return;
  if (outline.pan) {
    view.x = event.clientX - outline.pan[0];
    view.y = event.clientY - outline.pan[1];
    lay();
  } else if (outline.points) {
    outline.points.push(place(event));
    $("lasso").setAttribute("points", outline.points.map(point => point.join(",")).join(" "));
  } else if (view.wiping && (outline.wipe || Math.abs(place(event)[0] - outline.start[0]) > 0.01)) {
    outline = { wipe: true };
    view.wipe = place(event)[0] * 100;
    lay();
  }
});
stage.addEventListener("pointerup", async event => {
  const done = outline;
  outline = null;
  if (!done) return;
  if (done.points) {
    $("lasso").setAttribute("points", "");
    if (done.points.length < 3) return;
    tell("following it through the shot …");
    select(await (await ask("lasso", { frame: frame(), outline: done.points, ...joined(event) })).json());
    tell("");
  } else if (done.start) pick(...place(event), event);
});

function moveCross(dx, dy) {
  cross = cross || [0.5, 0.5];
  cross = [Math.min(Math.max(cross[0] + dx, 0), 1), Math.min(Math.max(cross[1] + dy, 0), 1)];
  Object.assign($("cross").style, { left: cross[0] * 100 + "%", top: cross[1] * 100 + "%" });
  $("cross").hidden = false;
}

const keys = {
  " ": () => { view.before = !view.before; lay(); },
  ArrowLeft: () => go(-1), ArrowRight: () => go(1),
  ArrowUp: () => go(10), ArrowDown: () => go(-10),
  Home: () => go(-1e9), End: () => go(1e9),
  w: () => { view.wiping = !view.wiping; lay(); },
  "[": () => { view.wipe = Math.max(0, view.wipe - 5); lay(); }, "]": () => { view.wipe = Math.min(100, view.wipe + 5); lay(); },
  o: () => { view.layer = (view.layer + 1) % LAYERS.length; lay(); draw(); },
  z: () => change("undo"), y: () => change("redo"), Z: () => change("redo"),
  s: () => change("save"), p: play, 1: toPixels, "+": () => zoom(1.25), "-": () => zoom(0.8),
  c: () => use("pick"), g: () => use("group"), a: () => use("lasso"),
  x: () => correct(0),
  i: () => moveCross(0, -0.02), k: () => moveCross(0, 0.02), j: () => moveCross(-0.02, 0), l: () => moveCross(0.02, 0),
  Enter: () => { if (cross) pick(...cross); },
  Escape: () => select({ count: 0 }),
};
document.addEventListener("keydown", event => {
  const at = event.target, typed = at.tagName === "SELECT" || (at.tagName === "INPUT" && event.key.startsWith("Arrow"));
  const pressed = at.tagName === "BUTTON" && (event.key === " " || event.key === "Enter");
  if (event.ctrlKey || event.metaKey || event.altKey || typed || pressed || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

$("frame").addEventListener("input", event => { view.at = +event.target.value; draw(); });
$("preset").addEventListener("change", event => { event.target.blur(); draw(); tellCommand(); });
$("other").addEventListener("change", event => event.target.blur());
$("strength").addEventListener("input", () => { $("strengthtold").textContent = $("strength").value + " %"; draw(); });
$("strength").addEventListener("change", tellCommand);
$("here").addEventListener("input", () => { $("heretold").textContent = $("here").value + " %"; });
const clicks = {
  play, wipe: keys.w, flip: keys[" "], layer: keys.o, pixels: toPixels, undo: keys.z, redo: keys.y, save: keys.s,
  "tool-pick": keys.c, "tool-group": keys.g, "tool-lasso": keys.a,
  apply: () => correct($("here").value / 100), protect: () => correct(0), whole: () => correct(1),
  take: () => correct(1, $("other").value),
  send: async () => { tell(`sent out: ${(await (await ask("send", { frame: frame() })).json()).file}`); refresh(); },
  train: () => change("train"),
};
for (const [id, done] of Object.entries(clicks)) $(id).addEventListener("click", done);
window.addEventListener("resize", () => state && lay());

async function refresh() {
  const mended = state.mending, presets = state.presets.length;
  state = await (await ask("state")).json();
  note();
  if (mended && !state.mending) { tell(""); draw(); }
  if (state.presets.length !== presets) tellCommand();
}

(async () => {
  state = await (await ask("state")).json();
  note();
  $("preset").value = state.preset;
  $("strength").value = Math.round(state.strength * 100);
  view.at = Math.floor(state.frames.length / 2);
  const kept = JSON.parse(sessionStorage.getItem(location.pathname) || "{}");
  for (const own of ["at", "wipe", "wiping", "layer"]) if (own in kept) view[own] = kept[own];
  if (state.presets.includes(kept.preset)) $("preset").value = kept.preset;
  if (kept.strength) $("strength").value = kept.strength;
  note();
  lay();
  draw();
  tellCommand();
  setInterval(() => refresh().catch(() => {}), 2000);
})();
