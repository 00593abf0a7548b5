// The runs as small charts of one subject each, all over the same time.

const DAY = 86_400;

const CHARTS = [
  { title: "Promotions", unit: "promote-image actions", lines: [["promotions", "development"]] },
  { title: "Changes", unit: "promotions", bars: [["added", "good"], ["changed", "staging"], ["removed", "bad"], ["returned", "test"]] },
  { title: "Failing", unit: "promotions", lines: [["failing", "bad"]], zero: true },
  { title: "Problems and gaps", unit: "problems, things not seen", lines: [["problems", "staging"], ["not_seen", "bad"]], zero: true },
  { title: "Requests", unit: "requests to Buddy", lines: [["requests", "test"]] },
];

/** Columns by name, ordered by time, with an empty run where more than a day and a half lies between two. */
function runColumns() {
  const columns = Object.fromEntries(data.runs.columns.map((name) => [name, []]));
  let before = null;
  const startedAt = data.runs.columns.indexOf("started_at");
  const byTime = [...data.runs.rows].sort((one, other) => Date.parse(one[startedAt]) - Date.parse(other[startedAt]));
  byTime.forEach((row) => {
    const run = Object.fromEntries(data.runs.columns.map((name, at) => [name, row[at]]));
    const at = Date.parse(run.started_at) / 1000;
    if (before !== null && at - before > 1.5 * DAY) {
      for (const name of data.runs.columns) columns[name].push(null);
      columns.started_at.splice(-1, 1, before + DAY);
    }
    before = at;
    // In the first run everything is new, which would flatten all later runs.
    if (row === data.runs.rows[0]) run.added = null;
    for (const name of data.runs.columns) columns[name].push(name === "started_at" ? at : run[name]);
  });
  return columns;
}

const label = (name) => name.replace("_", " ");
const integers = (_, values) => values.map((value) => (Number.isInteger(value) ? value.toLocaleString("en") : ""));

/** The series of a chart and their values; bars are stacked, the first at the bottom. */
function createSeries(chart, columns, colour, runs) {
  if (chart.lines) {
    return chart.lines.map(([name, hue]) => ({ values: columns[name], series: {
      label: label(name), stroke: colour(hue), width: 2, points: { show: runs < 60, size: 5, fill: colour(hue) },
      fill: chart.lines.length === 1 ? `${colour(hue)}1f` : undefined, value: (_, value) => (value === null ? "–" : value.toLocaleString("en")) } }));
  }
  let below = columns.started_at.map(() => 0);
  const stacked = chart.bars.map(([name, hue]) => {
    const own = columns[name];
    const values = own.map((value, at) => (value === null ? (name === "added" && columns.status[at] ? below[at] : null) : below[at] + value));
    below = values.map((value) => value || 0);
    return { values, series: { label: label(name), fill: colour(hue), stroke: colour(hue), width: 0, points: { show: false },
      paths: uPlot.paths.bars({ size: [0.7, 28] }), value: (_, __, ___, at) => (at === null || own[at] === null ? "–" : own[at].toLocaleString("en")) } };
  });
  return stacked.reverse(); // the tallest is drawn first, the others over it
}

/** Shade the partial runs, below everything else. */
function shadePartial(columns, colour) {
  return (plot) => {
    const { left, top, width, height } = plot.bbox;
    plot.ctx.save();
    plot.ctx.fillStyle = colour("warn-tint");
    columns.status.forEach((status, at) => {
      if (status !== "partial") return;
      const from = Math.max(left, plot.valToPos(columns.started_at[at] - DAY / 2, "x", true));
      const to = Math.min(left + width, plot.valToPos(columns.started_at[at] + DAY / 2, "x", true));
      plot.ctx.fillRect(from, top, Math.max(0, to - from), height);
    });
    plot.ctx.restore();
  };
}

/** What a chart shows, as text for screen readers. */
function describeChart(chart, columns) {
  const parts = (chart.lines || chart.bars).map(([name]) => {
    const values = columns[name].filter((value) => value !== null);
    if (!values.length) return `${label(name)}: no number`;
    const extremes = [Math.min(...values), Math.max(...values)].map((value) => value.toLocaleString("en"));
    return `${label(name)}: between ${extremes.join(" and ")}, last ${values[values.length - 1].toLocaleString("en")}`;
  });
  return `${chart.title}. ${parts.join("; ")}.`;
}

function showLast(plot) {
  plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function createPlot(chart, holder, columns, width) {
  const colour = colours();
  const axis = { stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const drawn = createSeries(chart, columns, colour, columns.started_at.length);
  const tallest = Math.max(1, ...drawn.flatMap((each) => each.values.map((value) => value || 0)));
  const plot = new uPlot({
    width, height: 190, padding: [10, 8, 0, 0], tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
    cursor: { drag: { x: false, y: false }, y: false, points: { show: Boolean(chart.lines) } },
    scales: { x: { range: (_, from, to) => [from - DAY / 2, to + DAY / 2] }, y: { range: [0, tallest * 1.12] } },
    axes: [{ ...axis, space: 70, size: 32, values: dates }, { ...axis, size: 52, values: integers }],
    series: [{ label: "run", value: (_, at) => (at === null ? "–" : new Date(at * 1000).toISOString().slice(0, 10)) }, ...drawn.map((each) => each.series)],
    // Without a pointer the legend shows the last run.
    hooks: { drawClear: [shadePartial(columns, colour)], ready: [showLast],
      setCursor: [(drawing) => { if (drawing.cursor.idx === null) showLast(drawing); }] },
  }, [columns.started_at, ...drawn.map((each) => each.values)], holder);
  plot.root.querySelector("canvas").setAttribute("aria-hidden", "true");
  return plot;
}

/** Labels of the time axis: days, with the year where it begins. */
function dates(_, times) {
  const spans = times.length > 1 ? times[1] - times[0] : DAY;
  return times.map((time, at) => {
    const date = new Date(time * 1000).toISOString().slice(0, 10);
    if (spans < DAY && new Date(time * 1000).getUTCHours() !== 0) return "";
    return at && date.slice(0, 4) === new Date(times[at - 1] * 1000).toISOString().slice(0, 4) ? date.slice(5) : date;
  });
}

/** All charts; they are drawn again when the colours or the width change. */
function showTrends() {
  const holder = document.getElementById("charts");
  if (!holder) return;
  const columns = runColumns();
  const frames = CHARTS.map((chart) => {
    const body = make("div", { class: "plot" });
    holder.append(make("figure", { "aria-label": describeChart(chart, columns) },
      make("figcaption", {}, make("b", {}, chart.title), make("span", { class: "path" }, chart.unit)), body));
    return { chart, body, plot: null };
  });
  const draw = () => frames.forEach((frame) => {
    if (frame.plot) frame.plot.destroy();
    frame.plot = createPlot(frame.chart, frame.body, columns, Math.max(240, frame.body.clientWidth));
  });
  draw();
  onAppearanceChange(holder, draw);
}
