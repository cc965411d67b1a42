// Charts of the state's points: SVG lines over the run's seconds.
const SVG = "http://www.w3.org/2000/svg";
const NAME_SHARE = .22;  // share of the width that a corruption's name needs
const duration = ms => ms < 1000 ? `${ms.toFixed(0)} ms` : `${+(ms / 1000).toPrecision(3)} s`;
const CHARTS = [
  {
    name: state => `${state.score || "accuracy"}, last 200`, lines: [["frozen", "frozen"], ["adapted", "adapted"]], top: 1,
    show: v => (100 * v).toFixed(1) + " %", tick: v => 100 * v + " %",
  },
  { name: "entropy, nats", lines: [["frozen_entropy", "frozen"], ["entropy", "adapted"]], show: v => v.toFixed(2) },
  { name: "frames per second", lines: [["fps", "adapted"]], show: v => v.toFixed(1) },
  { name: "frame age", lines: [["age_ms", "adapted"]], show: duration, tick: v => v ? duration(v) : "0" },
];

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "line", "polyline"].includes(name);
  const made = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const clock = seconds => {
  const s = Math.round(seconds), two = n => String(n).padStart(2, "0"), hours = Math.floor(s / 3600);
  const minutes = Math.floor(s / 60) % 60;
  return (hours ? `${hours}:${two(minutes)}` : minutes) + ":" + two(s % 60);
};

function niceTop(most) {  // the next round number at or above
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1e-6)));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map(n => n * power).find(n => n >= most);
}

function drawCharts(place, state) {
  const at = name => state.columns.indexOf(name), seconds = state.points.map(p => p[at("seconds")]);
  const end = Math.max(seconds.at(-1) || 0, 1), x = s => 1000 * s / end;
  const changes = seconds.map((s, i) => [s, state.corruptions[i]])
    .filter(([, name], i) => name !== state.corruptions[i - 1]);
  place.replaceChildren(...CHARTS.flatMap((chart, number) => {
    const lines = chart.lines.map(([column, name]) => [name, state.points.map(p => p[at(column)])])
      .filter(([, values]) => values.some(v => v !== null));
    if (!lines.length) return [];
    const top = chart.top || niceTop(Math.max(...lines.flatMap(([, values]) => values).filter(v => v !== null)));
    const y = v => 100 - 100 * Math.min(v / top, 1), tick = chart.tick || (v => +v.toPrecision(3));
    const svg = element("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" });
    const line = (x1, x2, y1, y2, kind) => svg.append(element("line", { class: kind, x1, x2, y1, y2 }));
    for (const level of [0, 50, 100]) line(0, 1000, level, level, "level");
    for (const [s] of changes.slice(1)) line(x(s), x(s), 0, 100, "mark");
    const caption = element("figcaption", {}, element("b", {}, typeof chart.name === "string" ? chart.name : chart.name(state)));
    for (const [name, values] of lines) {
      let piece = [];
      const pieces = [piece];
      values.forEach((v, i) => {
        if (v === null) pieces.push(piece = []);
        else piece.push(`${x(seconds[i]).toFixed(1)},${y(v).toFixed(1)}`);
      });
      for (const points of pieces.filter(p => p.length)) {
        svg.append(element("polyline", { class: name, points: points.join(" ") }));
      }
      const now = values.at(-1) === null ? "–" : chart.show(values.at(-1)), label = chart.lines.length > 1;
      const words = element("span", {}, label ? `${name} ${now}` : now);
      caption.append(element("span", { class: label ? "legend " + name : "" }, words));
    }
    const ticks = (kind, ...words) =>
      element("div", { class: kind, "aria-hidden": "true" }, ...words.map(word => element("span", {}, String(word))));
    const parts = [ticks("scale", tick(top), tick(top / 2), tick(0)), svg, ticks("axis", "0:00", clock(end))];
    if (number === 0) parts.unshift(names(changes, s => x(s) / 1000));
    return [element("figure", { class: "chart" }, caption, element("div", { class: "plot" }, ...parts))];
  }));
}

function names(changes, share) {  // corruption names, each where it began, if there is room
  const row = element("div", { class: "names", "aria-hidden": "true" });
  changes.forEach(([s, name], i) => {
    const next = i + 1 < changes.length ? share(changes[i + 1][0]) : 1;
    if (next - share(s) < NAME_SHARE || changes.length === 1) return;
    row.append(element("span", {}, name));
    row.lastChild.style.left = `${100 * share(s)}%`;
  });
  return row.childElementCount ? row : "";
}
