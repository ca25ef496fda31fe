// Choices go into the address at once; a series is drawn; new results are said, not pushed under the reader's hands.
"use strict";
for (const form of document.querySelectorAll("form.choice")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });
  // What says nothing does not belong into the address.
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}

// Whoever comes back finds checked what the page shows, not what was checked when it was left.
addEventListener("pageshow", () => document.querySelectorAll("form.choice").forEach((form) => form.reset()));

// A page that follows the history says when there is a newer one than it was made of. It listens only while somebody looks at it: a
// browser has few connections to a server, for all its tabs together.
const news = document.getElementById("news");
const made = document.querySelector("footer[data-version]");
if (window.EventSource && made && document.querySelector("[data-follows]")) {
  let source = null;
  const tell = (event) => {
    if (String(JSON.parse(event.data).version) === made.dataset.version || news.firstChild) return;
    news.append("The history has changed. ");
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "Show it";
    news.append(link);
  };
  const listen = () => {
    source?.close();
    source = document.hidden ? null : new EventSource("/api/v1/events");
    if (source) source.onmessage = tell;
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pageshow", listen);
  addEventListener("pagehide", () => source?.close());
}

const log = document.querySelector("[data-run]");
if (log) {
  const source = new EventSource(log.dataset.run);
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.event === "line") log.append(event.text + "\n");
    else { log.append(`ended with ${event.code}\n`); source.close(); refresh(); }
  };
}

// What has come in of a run is shown at once: nobody is in the middle of reading it.
const live = document.querySelector("[data-live]");
if (live) {
  const source = new EventSource("/api/v1/events");
  source.onmessage = refresh;
  addEventListener("pagehide", () => source.close());
}

async function refresh() {
  const response = live && (await fetch(location.href));
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  live.replaceChildren(...page.querySelector("[data-live]").childNodes);
}

// uPlot comes after this script.
const chart = document.querySelector("[data-series]");
if (chart) addEventListener("DOMContentLoaded", () => draw(chart));

async function draw(chart) {
  const response = await fetch(chart.dataset.series);
  const answer = await response.json();
  if (!response.ok) { chart.textContent = answer.detail; return; }
  const rows = answer.rows.filter((row) => row.provenance === (chart.dataset.provenance || row.provenance));
  if (!rows.length) { chart.textContent = "no points"; return; }
  const unit = { ns: ["ms", 1e6], bytes: ["MiB", 1048576] }[rows[0].unit] || [rows[0].unit, 1];
  // In git's order places count, not times.
  const byTime = rows[0].ordered_by === "time";
  const x = rows.map((row, place) => (byTime ? Date.parse(row.started_at + "Z") / 1000 : place));
  const scaled = (value) => (value === null ? null : value / unit[1]);
  const values = rows.map((row) => (row.is_spike ? null : scaled(row.value)));
  const spikes = rows.map((row) => (row.is_spike ? scaled(row.value) : null));
  const levels = rows.map((row) => scaled(row.level));
  const style = () => {
    const css = getComputedStyle(document.documentElement);
    const of = (name) => css.getPropertyValue(name).trim();
    return { ink: of("--ink"), soft: of("--ink-soft"), grid: of("--grid"), link: of("--link"), bad: of("--bad"), paper: of("--paper") };
  };
  let plot;
  const make = () => {
    const color = style();
    const axis = { stroke: color.soft, grid: { stroke: color.grid, width: 1 }, ticks: { stroke: color.grid } };
    const marks = (u) => {
      rows.forEach((row, place) => {
        if (!/\b(step|drift|level accepted|version|kernel|processor)\b/.test(row.note)) return;
        const at = Math.round(u.valToPos(x[place], "x", true));
        u.ctx.save();
        u.ctx.strokeStyle = /\b(step|drift)\b/.test(row.note) ? color.bad : color.soft;
        u.ctx.setLineDash([4, 4]);
        u.ctx.beginPath();
        u.ctx.moveTo(at, u.bbox.top);
        u.ctx.lineTo(at, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
        u.ctx.restore();
      });
    };
    const options = {
      width: chart.clientWidth, height: 340, scales: { x: { time: byTime } },
      axes: [axis, { ...axis, size: 70, label: unit[0] }],
      series: [
        byTime ? { label: "time (UTC)" } : { label: "result" },
        { label: chart.dataset.metric, stroke: color.link, width: 1, points: { show: true, size: 6, fill: color.paper }, value: (u, v) => (v == null ? "" : v.toFixed(3) + " " + unit[0]) },
        { label: "level", stroke: color.ink, width: 2, points: { show: false }, value: (u, v) => (v == null ? "" : v.toFixed(3)) },
        { label: "spike", stroke: color.bad, width: 0, points: { show: true, size: 8 }, value: (u, v) => (v == null ? "" : v.toFixed(3)) },
      ],
      tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), "UTC"),
      hooks: { draw: [marks] },
    };
    if (plot) plot.destroy();
    chart.replaceChildren();
    plot = new uPlot(options, [x, values, levels, spikes], chart);
  };
  make();
  addEventListener("resize", () => plot.setSize({ width: chart.clientWidth, height: 340 }));
  for (const other of ["(prefers-color-scheme: dark)", "print"]) matchMedia(other).addEventListener("change", make);
  // A click leads to where the figure comes from. Pages that are files have the results that their table links.
  chart.addEventListener("click", () => {
    const place = plot.cursor.idx;
    if (place == null || plot.cursor.left < 0) return;
    const record = rows[place].record;
    const link = [...document.querySelectorAll("main a")].find((link) => link.textContent === record);
    if (link) location.href = link.href;
    else if (!document.querySelector("[data-files]")) location.href = "/result?record=" + encodeURIComponent(record);
  });
}
