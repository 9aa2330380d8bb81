// Draws the charts of a page in place of the bars that the server drew, which stay without it.

const tones = () => {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
};
const spell = (seconds, long) => new Date(seconds * 1000).toLocaleString(undefined, long
  ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" });
const number = (value) => value === null || value === undefined ? "–" : value.toLocaleString();

function axis(colour, more) {
  return { stroke: colour("soft"), font: "12px system-ui", grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, ...more };
}

function line(one, colour) {
  const bars = one.line ? {} : { paths: uPlot.paths.bars({ size: [0.75, 40], align: 1 }), fill: colour(one.tone), width: 0 };
  return { label: one.label, stroke: colour(one.tone), width: 1.5, spanGaps: false, points: { show: one.line, size: 4 }, ...bars };
}

function draw(figure) {
  const told = JSON.parse(figure.dataset.chart), colour = tones();
  const place = figure.querySelector(".drawn"), said = figure.querySelector("[data-said]"), usual = said.textContent;
  const days = told.at.length * told.each > 172800;
  figure.plot?.destroy();
  figure.classList.add("alive");
  const under = (plot) => {
    const at = plot.cursor.idx;
    if (at === null || at === undefined) { said.textContent = usual; return; }
    const values = told.series.map((one) => `${one.label} ${number(one.values[at])}${told.unit && ` ${told.unit}`}`);
    said.textContent = `${days ? `${spell(told.at[at], true)} ` : ""}${told.each < 86400 ? spell(told.at[at], false) : ""}: ${values.join(", ")}`;
  };
  figure.plot = new uPlot({
    width: place.clientWidth, height: place.clientHeight, legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    padding: [8, 32, 0, 0],
    scales: { x: { range: (_, first, last) => [first, last + told.each] }, y: { range: (_, least, most) => told.exact ? [Math.min(least * 1.1, 0), most > 0 ? most * 1.1 : least < 0 ? 0 : 1] : [0, Math.max(most * 1.1, 1)] } },
    axes: [
      axis(colour, { size: 24, space: 64, values: (_, splits) => splits.map((at) => spell(at, days)), grid: { show: false } }),
      axis(colour, { size: 46, space: 28, values: (_, splits) => splits.map((value) => told.exact || Number.isInteger(value) ? value.toLocaleString(undefined, { notation: "compact" }) : "") }),
    ],
    series: [{}, ...told.series.map((one) => line(one, colour))],
    hooks: { setCursor: [under] },
  }, [told.at, ...told.series.map((one) => one.values)], place);
  figure.plot.root.setAttribute("aria-hidden", "true");
  sizes.observe(place);
}

const sizes = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    const { plot } = target.closest("figure") ?? {};
    if (plot && target.clientWidth) plot.setSize({ width: target.clientWidth, height: target.clientHeight });
  }
});

const all = (within = document) => within.querySelectorAll("figure[data-chart]").forEach(draw);
document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) all(event.target); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all());
// What the server drew was painted first; the charts take its place, of the same size.
all();
