// Charts of the data_visualization block: lines, areas, bars and pies, with their numbers as a table beneath.
// https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block

import { h, svg } from "../dom.js";
import { plainTable } from "./table.js";

const WIDTH = 560;
const HEIGHT = 220;
const LEFT = 44;
const BOTTOM = 26;
const TOP = 10;
const TICKS = 4;

/** Return the node of a chart. */
export function chart(block) {
  const { type, segments, series = [] } = block.chart ?? {};
  const drawn = type === "pie" ? pie(segments ?? []) : plot(type, series, categories(block.chart));
  const names = type === "pie" ? (segments ?? []).map((one) => one.label) : series.map((one) => one.name);
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", block.title ?? "Chart");
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", null, block.title),
    drawn,
    names.length > 1 && h("ul", { class: "legend" }, names.map((name, at) => h("li", { "data-series": at }, name))),
    h("details", null, h("summary", null, "Numbers"), plainTable(rows(block.chart), block.title ?? "Chart")),
  );
}

function categories(shown) {
  return shown?.axis_config?.categories ?? shown?.series?.[0]?.data?.map((point) => point.label) ?? [];
}

function rows(shown) {
  if (shown.type === "pie") return [["", "value"], ...shown.segments.map((one) => [one.label, String(one.value)])];
  const value = (series, label) => series.data.find((point) => point.label === label)?.value ?? "";
  return [
    ["", ...shown.series.map((series) => series.name)],
    ...categories(shown).map((label) => [label, ...shown.series.map((series) => String(value(series, label)))]),
  ];
}

function plot(type, series, labels) {
  const values = series.flatMap((one) => one.data.map((point) => point.value));
  const scale = scaleOf(Math.min(0, ...values), Math.max(0, ...values));
  const step = (WIDTH - LEFT) / Math.max(labels.length, 1);
  const x = (at) => LEFT + step * (at + 0.5);
  const draw = type === "bar" ? bars : type === "area" ? areas : lines;
  const frame = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot" });
  frame.append(...grid(scale), ...names(labels, x), ...draw(series, labels, x, scale, step));
  return frame;
}

function scaleOf(low, high) {
  const size = 10 ** Math.floor(Math.log10((high - low || 1) / TICKS));
  const unit = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((one) => (high - low) / one <= TICKS + 0.001) ?? size * 10;
  const first = Math.floor(low / unit) * unit;
  const last = Math.max(Math.ceil(high / unit) * unit, first + unit);
  const y = (value) => HEIGHT - BOTTOM - ((value - first) / (last - first)) * (HEIGHT - BOTTOM - TOP);
  return { y, ticks: Array.from({ length: Math.round((last - first) / unit) + 1 }, (_, at) => first + at * unit) };
}

function grid({ y, ticks }) {
  const shown = new Intl.NumberFormat("en", { maximumFractionDigits: 3, notation: "compact" });
  return ticks.flatMap((tick) => [
    svg("line", { x1: LEFT, x2: WIDTH, y1: y(tick), y2: y(tick), class: "rule" }),
    svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, shown.format(tick)),
  ]);
}

function names(labels, x) {
  const every = Math.ceil(labels.length / 8);
  return labels.map((label, at) => at % every === 0 && svg("text", { x: x(at), y: HEIGHT - 8, "text-anchor": "middle" }, label)).filter(Boolean);
}

function points(one, labels, x, { y }) {
  return labels
    .map((label, at) => [x(at), one.data.find((point) => point.label === label)?.value])
    .filter(([, value]) => value !== undefined)
    .map(([left, value]) => `${left.toFixed(1)},${y(value).toFixed(1)}`);
}

function lines(series, labels, x, scale) {
  return series.map((one, at) => svg("polyline", { points: points(one, labels, x, scale).join(" "), class: "line", "data-series": at }));
}

function areas(series, labels, x, scale) {
  return series.flatMap((one, at) => {
    const along = points(one, labels, x, scale);
    const ends = along.length ? [`${along.at(-1).split(",")[0]},${scale.y(0)}`, `${along[0].split(",")[0]},${scale.y(0)}`] : [];
    return [svg("polygon", { points: [...along, ...ends].join(" "), class: "area", "data-series": at }), ...lines([one], labels, x, scale).map((node) => (node.setAttribute("data-series", at), node))];
  });
}

function bars(series, labels, x, { y }, step) {
  const width = (step * 0.72) / series.length;
  return series.flatMap((one, at) =>
    labels.map((label, row) => {
      const value = one.data.find((point) => point.label === label)?.value ?? 0;
      const left = x(row) - step * 0.36 + width * at;
      return svg("rect", { x: left, y: Math.min(y(value), y(0)), width: Math.max(width - 2, 1), height: Math.abs(y(value) - y(0)), class: "bar", "data-series": at });
    }),
  );
}

function pie(segments) {
  const total = segments.reduce((sum, one) => sum + one.value, 0) || 1;
  const frame = svg("svg", { viewBox: "-100 -100 200 200", class: "pie" });
  let from = -Math.PI / 2;
  for (const [at, one] of segments.entries()) {
    // A full circle has no two ends to draw an arc between.
    const to = from + Math.min(one.value / total, 0.9999) * 2 * Math.PI;
    const spot = (angle) => `${(90 * Math.cos(angle)).toFixed(2)} ${(90 * Math.sin(angle)).toFixed(2)}`;
    frame.append(svg("path", { d: `M0 0L${spot(from)}A90 90 0 ${to - from > Math.PI ? 1 : 0} 1 ${spot(to)}Z`, class: "bar", "data-series": at }));
    from = to;
  }
  return frame;
}
