"use strict";

const REFRESH_MILLISECONDS = 2000;
const SVG = "http://www.w3.org/2000/svg";
const NAMES = { learning_rate: "Learning rate", tokens_per_second: "Supervised tokens/s", peak_memory_gb: "Peak memory (GB)" };
const NOT_DRAWN = new Set(["iteration", "loss", "tokens", "seconds"]);
const at = (id) => document.getElementById(id);
let shown = null;
let pointer = null;

function element(name, attributes, parent, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function number(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return value.toExponential(2);
  return value.toLocaleString("en", size >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: digits });
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`;
}

/* Round values that divide low to high into three to six steps. */
function ticks(low, high) {
  const raw = (high - low || 1) / 4;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find((k) => k * unit >= raw);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

/* Centred moving mean over about a tenth of the points, as in loss_curve.png. */
function smoothed(points) {
  const half = Math.max(1, Math.floor(points.length / 20));
  return points.map(([x], i) => {
    const reach = Math.min(half, i, points.length - 1 - i);
    const near = points.slice(i - reach, i + reach + 1);
    return [x, near.reduce((sum, p) => sum + p[1], 0) / near.length];
  });
}

/* Axes for these points; returns the functions from data to pixels. */
function axes(svg, points, lastIteration, left) {
  svg.replaceChildren();
  const width = svg.clientWidth || 600, height = svg.clientHeight || 110;
  const values = points.map((p) => p[1]);
  let low = Math.min(...values), high = Math.max(...values);
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  low -= room; high += room;
  const end = Math.max(lastIteration || 0, ...points.map((p) => p[0]), 1);
  const x = (i) => left + (i / end) * (width - left - 14);
  const y = (v) => height - 22 - ((v - low) / (high - low)) * (height - 34);
  for (const v of ticks(low, high)) {
    element("line", { class: "grid", x1: left, x2: width - 14, y1: y(v), y2: y(v) }, svg);
    element("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, svg, number(v, 3));
  }
  for (const i of ticks(0, end).filter(Number.isInteger)) element("text", { x: x(i), y: height - 5, "text-anchor": "middle" }, svg, number(i));
  return { x, y, end, width, left, height };
}

function curve(svg, scale, points, names) {
  if (points.length) element("polyline", { class: `curve ${names}`, points: points.map(([i, v]) => `${scale.x(i).toFixed(1)},${scale.y(v).toFixed(1)}`).join(" ") }, svg);
}

const pointsOf = (rows, kind, key) => rows.filter((r) => r.kind === kind && Number.isFinite(r[key])).map((r) => [r.iteration, r[key]]);

function drawLoss(view) {
  const svg = at("loss");
  const train = pointsOf(view.rows, "train", "loss"), valid = pointsOf(view.rows, "valid", "loss");
  if (!train.length && !valid.length) return svg.replaceChildren();
  const scale = axes(svg, [...train, ...valid], view.iterations, 52);
  curve(svg, scale, train, "train raw");
  curve(svg, scale, smoothed(train), "train");
  curve(svg, scale, valid, "valid");
  for (const [i, v] of valid) element("circle", { class: "dot", cx: scale.x(i), cy: scale.y(v), r: 3 }, svg);
  if (view.best) {
    const { iteration, loss } = view.best, right = iteration > scale.end / 2;
    element("circle", { class: "best valid", cx: scale.x(iteration), cy: scale.y(loss), r: 7 }, svg);
    element("text", { x: scale.x(iteration) + (right ? -12 : 12), y: scale.y(loss) - 12, "text-anchor": right ? "end" : "start" }, svg, `best ${loss.toFixed(3)} at ${number(iteration)}`);
  }
  drawCursor(svg, scale, train, valid);
}

function drawCursor(svg, scale, train, valid) {
  at("readout").textContent = "";
  if (pointer === null) return;
  const near = (points) => points.reduce((a, b) => (a && Math.abs(scale.x(a[0]) - pointer) <= Math.abs(scale.x(b[0]) - pointer) ? a : b), null);
  const [t, v] = [near(train), near(valid)];
  const place = t || v;
  element("line", { class: "cursor", x1: scale.x(place[0]), x2: scale.x(place[0]), y1: 6, y2: scale.height - 22 }, svg);
  at("readout").textContent = [t && `iteration ${number(t[0])}: training ${t[1].toFixed(4)}`, v && `validation ${v[1].toFixed(4)} (at ${number(v[0])})`].filter(Boolean).join(", ");
}

/* One small chart for every other number that the rows hold. */
function drawSmall(view) {
  const keys = [...new Set(view.rows.flatMap((row) => Object.keys(row)))].filter((key) => !NOT_DRAWN.has(key));
  const holder = at("small");
  for (const key of keys) {
    const train = pointsOf(view.rows, "train", key), valid = key in NAMES ? [] : pointsOf(view.rows, "valid", key);
    let figure = [...holder.children].find((child) => child.dataset.key === key);
    if (!train.length && !valid.length) continue;
    if (!figure) {
      figure = document.createElement("figure");
      figure.dataset.key = key;
      const caption = document.createElement("figcaption");
      caption.append(Object.assign(document.createElement("b"), { textContent: NAMES[key] || key.replaceAll("_", " ") }));
      figure.append(caption);
      holder.append(figure);
      element("svg", { role: "img", "aria-label": `${NAMES[key] || key} over iterations` }, figure);
    }
    const svg = figure.querySelector("svg");
    const scale = axes(svg, [...train, ...valid], view.iterations, 62);
    curve(svg, scale, train, "train");
    curve(svg, scale, valid, "valid");
  }
}

function figures(view) {
  const last = (kind, key) => view.rows.findLast((r) => r.kind === kind && Number.isFinite(r[key]))?.[key];
  const list = [
    ["Iteration", `${number(view.iteration)} of ${number(view.iterations)}`],
    ["Time left", view.state === "training" ? duration(view.seconds_left) : "–"],
    ["Best validation loss", view.best ? `${view.best.loss.toFixed(3)} at ${number(view.best.iteration)}` : "–"],
    ["Training loss", last("train", "loss")?.toFixed(3) ?? "–"],
    ["Learning rate", number(last("train", "learning_rate"), 3)],
    ["Supervised tokens/s", number(last("train", "tokens_per_second"))],
    ["Peak memory", last("train", "peak_memory_gb") === undefined ? "–" : `${number(last("train", "peak_memory_gb"), 3)} GB`],
  ];
  at("figures").replaceChildren(...list.map(([name, value]) => {
    const group = document.createElement("div");
    group.append(Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: value }));
    return group;
  }));
}

function state(text, kind) {
  at("state").className = kind;
  if (at("state").textContent !== text) at("state").textContent = text;
}

function draw(view) {
  shown = view;
  document.title = `${view.run} ${number(view.iteration)}/${number(view.iterations)}`;
  at("run").textContent = view.run;
  state(view.rows.length ? view.state : `${view.state}, waiting for the first report`, view.state === "training" ? "training" : "");
  at("fill").style.width = `${view.iterations ? (100 * view.iteration) / view.iterations : 0}%`;
  at("bar").setAttribute("aria-valuemax", view.iterations || 0);
  at("bar").setAttribute("aria-valuenow", view.iteration);
  figures(view);
  drawLoss(view);
  drawSmall(view);
}

async function refresh() {
  try {
    const answer = await fetch("/metrics.json");
    const view = await answer.json();
    if (answer.ok) draw(view);
    else state(view.error, "lost");
  } catch {
    state("the page's server has ended; what is shown is the last it said", "lost");
  }
  setTimeout(refresh, REFRESH_MILLISECONDS);
}

at("loss").addEventListener("pointermove", (event) => { pointer = event.offsetX; if (shown) drawLoss(shown); });
at("loss").addEventListener("pointerleave", () => { pointer = null; if (shown) drawLoss(shown); });
addEventListener("resize", () => { if (shown) draw(shown); });
refresh();
