// What the page does once it is loaded.

const STALE_HOURS = 36; // with a run a day, one is missing after this time

/** Show how old the run is now, which is not how old it was when the report was made. */
function showAge() {
  const age = document.getElementById("age");
  if (!age) return;
  const hours = (Date.now() - Date.parse(data.started_at)) / 3_600_000;
  if (hours >= 0) {
    const since = hours < 1 ? "less than an hour ago" : hours < 48 ? `${counted(Math.round(hours), "hour")} ago` : `${counted(Math.round(hours / 24), "day")} ago`;
    age.after(` (${since})`);
  } else {
    age.after(" (in the future: check the clock)");
  }
  const made = (Date.now() - Date.parse(data.made_at)) / 3_600_000;
  if (hours > STALE_HOURS && data.newest) {
    const banner = document.getElementById("stale");
    banner.hidden = false;
    banner.textContent = made > 24
      ? `This report was made ${counted(Math.round(made / 24), "day")} ago and says nothing about the time since. Make it again to see the newest run.`
      : `The newest run of the lake began ${counted(Math.round(hours / 24), "day")} ago: the runs since are missing.`;
  }
}

/** The map and its controls. */
function showMap() {
  if (!document.getElementById("drawing") || !data.promotions.length) return;
  const graph = createGraph(data.promotions);
  const frame = document.getElementById("map-frame");
  const status = document.getElementById("map-status");
  const input = document.getElementById("find");
  const enabledOnly = document.getElementById("enabled-only");
  const reset = document.getElementById("map-reset");
  let starts = [];
  let title = "";
  let focusStep = () => {};

  const choose = (node) => show([node], node.name);
  for (const id of ["map-controls", "map-frame", "legend", "zoom"]) document.getElementById(id).hidden = false;
  const { draw, zoom } = createDrawing(frame, document.getElementById("drawing"), { onNode: choose, onEdge: (edge) => focusStep(edge) });
  const showSteps = createStepList(document.getElementById("steps"), choose);
  let drawn = [];

  function update() {
    const wanted = (edge) => !enabledOnly.checked || edge.enabled;
    const all = graph.edges.filter(wanted).length;
    if (starts.length) {
      const direction = document.querySelector("input[name=direction]:checked").value;
      const path = walk(starts, direction, wanted);
      drawn = path.edges;
      const sides = [];
      const others = starts.length > 1 ? "other reference" : "reference";
      if (direction !== "down") sides.push(`comes from ${counted(path.counts.up, others)}`);
      if (direction !== "up") sides.push(`goes to ${counted(path.counts.down, others)}`);
      const count = starts.length > 1 ? ` (${counted(starts.length, "reference")})` : "";
      status.textContent = `${title}${count}: ${counted(path.edges.length, "step")}; ${sides.join(", ")}.`;
    } else {
      drawn = overview(graph, wanted, frame.clientWidth < NARROW ? 8 : 20);
      status.textContent = drawn.length < all
        ? `${counted(drawn.length, "step")} of ${all.toLocaleString("en")}: the paths to the production references that most steps lead to. Find an image to see its own.`
        : `All ${counted(all, "step")}.`;
    }
    if (drawn.length > MAX_DRAWN) status.textContent += ` The nearest ${MAX_DRAWN} are drawn; all are listed.`;
    reset.hidden = !starts.length;
    redraw();
    focusStep = showSteps(drawn);
  }

  function show(nodes, name) {
    starts = nodes;
    title = name;
    input.value = name;
    address.write("map", { image: name });
    update();
  }

  function redraw() {
    draw(drawn.slice(0, MAX_DRAWN), starts.slice(0, MAX_DRAWN));
  }

  const search = createSearch(graph);
  createSearchBox(input, document.getElementById("find-results"), search, (choice) => show(choice.nodes, choice.name));
  const directions = [...document.querySelectorAll("input[name=direction]")];
  for (const control of [...directions, enabledOnly]) {
    control.addEventListener("change", () => {
      const direction = directions.find((each) => each.checked).value;
      address.write("map", { direction: direction === "both" ? "" : direction, enabled: enabledOnly.checked ? "only" : "" });
      update();
    });
  }
  reset.addEventListener("click", () => { show([], ""); input.focus(); });
  connectZoom(frame, zoom);
  address.follow((wanted) => {
    const name = wanted.get("image") || "";
    const choice = name && search(name).find((each) => each.name === name);
    [starts, title, input.value] = choice ? [choice.nodes, name, name] : [[], "", ""];
    for (const each of directions) each.checked = each.value === (wanted.get("direction") || "both");
    if (!directions.some((each) => each.checked)) directions[0].checked = true;
    enabledOnly.checked = wanted.get("enabled") === "only";
    update();
  });
  onAppearanceChange(frame, redraw);
}

/** Zoom with the buttons, with + - 0 on the frame, and with the wheel and Ctrl, which a pinch on a touchpad is too. */
function connectZoom(frame, zoom) {
  const step = 1.3;
  for (const [id, factor] of [["zoom-in", step], ["zoom-out", 1 / step], ["zoom-fit", null]]) {
    document.getElementById(id).addEventListener("click", () => zoom(factor));
  }
  frame.addEventListener("keydown", (event) => {
    const factor = { "+": step, "-": 1 / step, 0: null }[event.key];
    if (factor !== undefined && !event.ctrlKey && !event.metaKey) zoom(factor);
  });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, { passive: false });
}

showAge();
showTables();
showTimeline();
showMap();
showTrends();
address.start();
document.documentElement.dataset.ready = "yes";
