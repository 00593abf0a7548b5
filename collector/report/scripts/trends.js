// The nights as charts: small, one thing each, all with the same time below them.

const DAY = 86_400;

const CHARTS = [
  { title: "Promotions", unit: "promote-image actions", lines: [["promotions", "development"]] },
  { title: "Changes", unit: "promotions", bars: [["added", "good"], ["changed", "staging"], ["removed", "bad"], ["returned", "test"]] },
  { title: "Failing", unit: "promotions", lines: [["failing", "bad"]], zero: true },
  { title: "Problems and gaps", unit: "problems, things not seen", lines: [["problems", "staging"], ["not_seen", "bad"]], zero: true },
  { title: "Requests", unit: "requests to Buddy", lines: [["requests", "test"]] },
];

/** Columns by name, with an empty night where more than a day and a half lies between two; by time, as the axis is. */
function nightColumns() {
  const columns = Object.fromEntries(data.nights.columns.map((name) => [name, []]));
  let before = null;
  const startedAt = data.nights.columns.indexOf("started_at");
  const byTime = [...data.nights.rows].sort((one, other) => Date.parse(one[startedAt]) - Date.parse(other[startedAt]));
  byTime.forEach((row) => {
    const night = Object.fromEntries(data.nights.columns.map((name, at) => [name, row[at]]));
    const at = Date.parse(night.started_at) / 1000;
    if (before !== null && at - before > 1.5 * DAY) {
      for (const name of data.nights.columns) columns[name].push(null);
      columns.started_at.splice(-1, 1, before + DAY);
    }
    before = at;
    // On the first night everything is new, which would flatten every later night.
    if (row === data.nights.rows[0]) night.added = null;
    for (const name of data.nights.columns) columns[name].push(name === "started_at" ? at : night[name]);
  });
  return columns;
}

const words = (name) => name.replace("_", " ");
const whole = (_, values) => values.map((value) => (Number.isInteger(value) ? value.toLocaleString("en") : ""));

/** The series of a chart and their values; bars stand upon one another, the first at the bottom. */
function seriesOf(chart, columns, colour, nights) {
  if (chart.lines) {
    return chart.lines.map(([name, hue]) => ({ values: columns[name], series: {
      label: words(name), stroke: colour(hue), width: 2, points: { show: nights < 60, size: 5, fill: colour(hue) },
      fill: chart.lines.length === 1 ? `${colour(hue)}1f` : undefined, value: (_, value) => (value === null ? "–" : value.toLocaleString("en")) } }));
  }
  let below = columns.started_at.map(() => 0);
  const stacked = chart.bars.map(([name, hue]) => {
    const own = columns[name];
    const values = own.map((value, at) => (value === null ? (name === "added" && columns.status[at] ? below[at] : null) : below[at] + value));
    below = values.map((value) => value || 0);
    return { values, series: { label: words(name), fill: colour(hue), stroke: colour(hue), width: 0, points: { show: false },
      paths: uPlot.paths.bars({ size: [0.7, 28] }), value: (_, __, ___, at) => (at === null || own[at] === null ? "–" : own[at].toLocaleString("en")) } };
  });
  return stacked.reverse(); // the tallest is drawn first, and the others over it
}

/** Shades the partial nights, under everything else. */
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

/** What a chart shows, for those who cannot see it. */
function inWords(chart, columns) {
  const said = (chart.lines || chart.bars).map(([name]) => {
    const values = columns[name].filter((value) => value !== null);
    if (!values.length) return `${words(name)}: no number`;
    const extremes = [Math.min(...values), Math.max(...values)].map((value) => value.toLocaleString("en"));
    return `${words(name)}: between ${extremes.join(" and ")}, last ${values[values.length - 1].toLocaleString("en")}`;
  });
  return `${chart.title}. ${said.join("; ")}.`;
}

function showLast(plot) {
  plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function plotOf(chart, holder, columns, width) {
  const colour = colours();
  const axis = { stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const drawn = seriesOf(chart, columns, colour, columns.started_at.length);
  const tallest = Math.max(1, ...drawn.flatMap((each) => each.values.map((value) => value || 0)));
  const plot = new uPlot({
    width, height: 190, padding: [10, 8, 0, 0], tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), "Etc/UTC"),
    cursor: { drag: { x: false, y: false }, y: false, points: { show: Boolean(chart.lines) } },
    scales: { x: { range: (_, from, to) => [from - DAY / 2, to + DAY / 2] }, y: { range: [0, tallest * 1.12] } },
    axes: [{ ...axis, space: 70, size: 32, values: dates }, { ...axis, size: 52, values: whole }],
    series: [{ label: "night", value: (_, at) => (at === null ? "–" : new Date(at * 1000).toISOString().slice(0, 10)) }, ...drawn.map((each) => each.series)],
    // Without a pointer the legend shows the last night.
    hooks: { drawClear: [shadePartial(columns, colour)], ready: [showLast],
      setCursor: [(drawing) => { if (drawing.cursor.idx === null) showLast(drawing); }] },
  }, [columns.started_at, ...drawn.map((each) => each.values)], holder);
  plot.root.querySelector("canvas").setAttribute("aria-hidden", "true");
  return plot;
}

/** Dates below an axis: days, and the year where it begins. */
function dates(_, stamps) {
  const spans = stamps.length > 1 ? stamps[1] - stamps[0] : DAY;
  return stamps.map((stamp, at) => {
    const date = new Date(stamp * 1000).toISOString().slice(0, 10);
    if (spans < DAY && new Date(stamp * 1000).getUTCHours() !== 0) return "";
    return at && date.slice(0, 4) === new Date(stamps[at - 1] * 1000).toISOString().slice(0, 4) ? date.slice(5) : date;
  });
}

/** All charts; drawn anew when the colours or the width change. */
function showTrends() {
  const holder = document.getElementById("charts");
  if (!holder) return;
  const columns = nightColumns();
  const frames = CHARTS.map((chart) => {
    const body = make("div", { class: "plot" });
    holder.append(make("figure", { role: "group", "aria-label": inWords(chart, columns) },
      make("figcaption", {}, make("b", {}, chart.title), make("span", { class: "way" }, chart.unit)), body));
    return { chart, body, plot: null };
  });
  const draw = () => frames.forEach((frame) => {
    if (frame.plot) frame.plot.destroy();
    frame.plot = plotOf(frame.chart, frame.body, columns, Math.max(240, frame.body.clientWidth));
  });
  draw();
  whenLooksChange(holder, draw);
}
