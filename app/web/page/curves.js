// Charts of the state's points: SVG lines over the seconds of the run.
const SVG = "http://www.w3.org/2000/svg";
const NAME_SHARE = .22;  // of the width, that a corruption's name may take
const duration = ms => ms < 1000 ? `${ms.toFixed(0)} ms` : `${+(ms / 1000).toPrecision(3)} s`;
const CHARTS = [
  { name: "accuracy, last 200", lines: [["frozen", "frozen"], ["adapted", "adapted"]], top: 1, show: v => (100 * v).toFixed(1) + " %", tick: v => 100 * v + " %" },
  { name: "entropy, nats", lines: [["frozen_entropy", "frozen"], ["entropy", "adapted"]], show: v => v.toFixed(2) },
  { name: "frames a second", lines: [["fps", "adapted"]], show: v => v.toFixed(1) },
  { name: "age of the frame", lines: [["age_ms", "adapted"]], show: duration, tick: v => v ? duration(v) : "0" },
];

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "line", "polyline"].includes(name);
  const made = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const clock = seconds => {
  const s = Math.round(seconds), two = n => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
};

function niceTop(most) {  // a round number that is not below
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1e-6)));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map(n => n * power).find(n => n >= most);
}

function drawCharts(place, state) {
  const at = name => state.columns.indexOf(name), seconds = state.points.map(p => p[at("seconds")]);
  const end = Math.max(seconds.at(-1) || 0, 1), x = s => 1000 * s / end;
  const changes = seconds.map((s, i) => [s, state.corruptions[i]]).filter(([, name], i) => name !== state.corruptions[i - 1]);
  place.replaceChildren(...CHARTS.flatMap((chart, number) => {
    const lines = chart.lines.map(([column, name]) => [name, state.points.map(p => p[at(column)])])
      .filter(([, values]) => values.some(v => v !== null));
    if (!lines.length) return [];
    const top = chart.top || niceTop(Math.max(...lines.flatMap(([, values]) => values).filter(v => v !== null)));
    const y = v => 100 - 100 * Math.min(v / top, 1), tick = chart.tick || (v => +v.toPrecision(3));
    const svg = element("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const level of [0, .5, 1]) svg.append(element("line", { x1: 0, x2: 1000, y1: 100 * level, y2: 100 * level }));
    for (const [s] of changes.slice(1)) svg.append(element("line", { class: "mark", x1: x(s), x2: x(s), y1: 0, y2: 100 }));
    const caption = element("figcaption", {}, element("b", {}, chart.name));
    for (const [name, values] of lines) {
      let piece = [];
      const pieces = [piece];
      values.forEach((v, i) => v === null ? pieces.push(piece = []) : piece.push(`${x(seconds[i]).toFixed(1)},${y(v).toFixed(1)}`));
      for (const points of pieces) if (points.length) svg.append(element("polyline", { class: name, points: points.join(" ") }));
      const now = values.findLast(v => v !== null), label = lines.length > 1 || chart.lines.length > 1 ? name + " " : "";
      caption.append(element("span", { class: label ? "legend " + name : "" }, element("span", {}, label + chart.show(now))));
    }
    const scale = element("div", { class: "scale", "aria-hidden": "true" }, ...[1, .5, 0].map(s => element("span", {}, String(tick(s * top)))));
    const axis = element("div", { class: "axis", "aria-hidden": "true" }, element("span", {}, "0:00"), element("span", {}, clock(end)));
    const plot = element("div", { class: "plot" }, ...(number ? [] : [names(changes, s => x(s) / 1000)]), scale, svg, axis);
    return [element("figure", { class: "chart" }, caption, plot)];
  }));
}

function names(changes, share) {  // of the corruptions, where each began and there is room
  const row = element("div", { class: "names", "aria-hidden": "true" });
  changes.forEach(([s, name], i) => {
    const next = i + 1 < changes.length ? share(changes[i + 1][0]) : 1;
    if (next - share(s) < NAME_SHARE || changes.length === 1) return;
    row.append(element("span", {}, name));
    row.lastChild.style.left = `${100 * share(s)}%`;
  });
  return row.childElementCount ? row : "";
}
