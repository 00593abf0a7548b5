// The timeline: a lane for each image, a mark for each release, and a caption for the mark under the pointer.

const LANES = 20; // the images released last; more at the press of a button
const MARK_NAMES = { release: "released", rollback: "rolled back", failure: "failed" };

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const minute = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** The marks by image, each lane with its newest mark first, the lane that was released last on top. */
function timelineLanes(marks) {
  const lanes = new Map();
  for (const [at, kind, ...indexes] of marks) {
    const [image, environment, destination, revision, by, approved, message, address] = indexes.slice(0, 8).map(text);
    const mark = { at, kind: text(kind), environment, destination, revision, by, approved, message, address, known: indexes[8] };
    if (!lanes.has(image)) lanes.set(image, []);
    lanes.get(image).push(mark);
  }
  for (const lane of lanes.values()) lane.sort((one, other) => other.at - one.at);
  return [...lanes].sort(([, one], [, other]) => other[0].at - one[0].at);
}

/** What a mark says, as a sentence. */
function markText(mark) {
  const people = [mark.by ? ` by ${mark.by}` : "", mark.approved ? `, approved by ${mark.approved}` : ""].join("");
  const revision = mark.revision ? `revision ${mark.revision}` : "revision not known";
  const message = mark.message ? `: ${mark.message}` : "";
  return `${minute(mark.at)}, ${mark.environment}: ${mark.destination} ${MARK_NAMES[mark.kind]}, ${revision}${people}${message}`;
}

/** One mark; its place in percent stays right at every width. */
function drawMark(mark, place) {
  const colour = mark.kind === "failure" ? "failed" : mark.environment || "none";
  const x = place(mark.at);
  const title = svg("title", {}, markText(mark));
  if (mark.kind === "release") {
    return svg("circle", { cx: x, cy: 14, r: mark.environment === "production" ? 5.5 : 4, class: `mark ${colour}` }, title);
  }
  return svg("text", { x, y: 19, class: `mark ${colour}`, "text-anchor": "middle" }, title, mark.kind === "failure" ? "×" : "↩");
}

/** One lane: the image, its marks over time, and what was released to production last. */
function drawLane(image, marks, days, place, show) {
  const strip = svg("svg", { class: "strip", role: "img", "aria-label": `${image}: ${counted(marks.length, "promotion")}, the last one ${markText(marks[0])}` });
  const unknown = Math.max(...marks.map((mark) => mark.known || 0));
  const width = Number.parseFloat(place(unknown));
  if (width > 0) strip.append(svg("rect", { x: 0, y: 0, width: `${Math.min(width, 100)}%`, height: "100%", class: "unknown" }));
  for (const day of days) strip.append(svg("line", { x1: place(day), x2: place(day), y1: 0, y2: "100%", class: "day" }));
  // What matters most is drawn last, over the others; of equals the newest.
  const weight = (mark) => (mark.kind === "failure" ? 3 : mark.kind === "rollback" ? 2 : Number(mark.environment === "production"));
  const order = [...marks].reverse().sort((one, other) => weight(one) - weight(other));
  for (const mark of order) {
    const drawn = drawMark(mark, place);
    drawn.addEventListener("pointerenter", () => show(mark, drawn));
    drawn.addEventListener("click", () => show(mark, drawn));
    strip.append(drawn);
  }
  const newest = marks.find((mark) => mark.environment === "production" && mark.kind !== "failure") || marks[0];
  const now = [newest.revision || "revision not known", newest.by].filter(Boolean).join(" · ");
  return make("li", {},
    make("span", { class: "lane reference" }, ...breakable(image)),
    strip,
    make("span", { class: "newest" }, link(now, newest.address), make("span", { class: "path" }, `${MARK_NAMES[newest.kind]}, ${newest.environment}, ${minute(newest.at).slice(5, 10)}`)));
}

function timeAxis(days, place) {
  const axis = svg("svg", { class: "strip axis", "aria-hidden": "true" });
  // On a narrow page every second label is left out.
  days.filter((_, at) => at % (innerWidth < 640 ? 2 : 1) === 0).forEach((day) => axis.append(
    svg("text", { x: place(day), y: 16, "text-anchor": "middle" }, new Date(day * 1000).toISOString().slice(5, 10))));
  return make("li", { class: "axis" }, make("span", { class: "lane" }), axis, make("span", { class: "newest path" }, "last release"));
}

/** All lanes; marks outside the time of the page are not drawn. */
function showTimeline() {
  const holder = document.getElementById("timeline");
  if (!holder || !data.releases.marks.length) return;
  const { end } = data.releases;
  // Time without any mark and not known is not drawn: the first lake is a few days old.
  const first = Math.min(...data.releases.marks.map((mark) => mark[0]));
  const begin = Math.max(data.releases.begin, Math.min(first - DAY / 4, end - 7 * DAY));
  const place = (at) => `${Math.max(0, Math.min(100, 100 * (at - begin) / (end - begin) * 0.98)).toFixed(2)}%`;
  const step = Math.max(1, Math.ceil((end - begin) / DAY / 8)) * DAY;
  const days = [];
  for (let day = Math.floor(end / DAY) * DAY; day > begin + step / 3; day -= step) days.unshift(day);
  const caption = make("p", { class: "caption", role: "status" }, "Point at a mark, or tap it, to read who released what.");
  let chosen = null;
  const show = (mark, drawn) => {
    if (chosen) chosen.classList.remove("chosen");
    chosen = drawn;
    chosen.classList.add("chosen");
    caption.replaceChildren(markText(mark), " ", ...(mark.address ? [link("Open in Buddy", mark.address)] : []));
  };
  const lanes = timelineLanes(data.releases.marks.filter((mark) => mark[0] >= begin));
  const list = make("ol", { class: "lanes" }, timeAxis(days, place));
  const more = make("button", { type: "button" });
  const add = () => {
    const from = list.childElementCount - 1;
    for (const [image, marks] of lanes.slice(from, from + LANES)) list.append(drawLane(image, marks, days, place, show));
    const left = lanes.length - (list.childElementCount - 1);
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, LANES)} more of ${left.toLocaleString("en")} images`;
  };
  more.addEventListener("click", () => {
    const last = list.lastElementChild;
    add();
    last.nextElementSibling.tabIndex = -1;
    last.nextElementSibling.focus({ preventScroll: true });
  });
  add();
  const cut = data.releases.total > data.releases.marks.length ? `The newest ${counted(data.releases.marks.length, "mark")} of ${data.releases.total.toLocaleString("en")} are drawn. ` : "";
  holder.replaceChildren(caption, list, more);
  if (cut) holder.append(make("p", { class: "note" }, cut));
}
