// What the page does when it is there.

const STALE_HOURS = 36; // a night and a half: longer, and a night is missing

/** How old the night is now, which is not how old it was when the report was made. */
function tellAge() {
  const age = document.getElementById("age");
  if (!age) return;
  const hours = (Date.now() - Date.parse(data.started_at)) / 3_600_000;
  if (hours >= 0) {
    const words = hours < 1 ? "less than an hour ago" : hours < 48 ? `${counted(Math.round(hours), "hour")} ago` : `${counted(Math.round(hours / 24), "day")} ago`;
    age.after(` (${words})`);
  } else {
    age.after(" (in the future: check the clock)");
  }
  const made = (Date.now() - Date.parse(data.made_at)) / 3_600_000;
  if (hours > STALE_HOURS && data.newest) {
    const banner = document.getElementById("stale");
    banner.hidden = false;
    banner.textContent = made > 24
      ? `This report was made ${counted(Math.round(made / 24), "day")} ago and says nothing about the time since. Make it again to see the newest night.`
      : `The newest night of the lake began ${counted(Math.round(hours / 24), "day")} ago: the nights since are missing.`;
  }
}

/** The map and everything that steers it. */
function showMap() {
  if (!document.getElementById("drawing") || !data.steps.length) return;
  const graph = graphOf(data.steps);
  const frame = document.getElementById("map-frame");
  const said = document.getElementById("map-said");
  const input = document.getElementById("find");
  const enabledOnly = document.getElementById("enabled-only");
  const reset = document.getElementById("map-reset");
  let starts = [];
  let title = "";
  let look = () => {};

  const choose = (node) => { starts = [node]; title = node.name; input.value = node.name; update(); };
  for (const id of ["map-controls", "map-frame", "legend"]) document.getElementById(id).hidden = false;
  const draw = drawer(frame, document.getElementById("drawing"), { chosen: choose, looked: (edge) => look(edge) });
  const list = stepList(document.getElementById("steps"), choose);
  let drawn = [];

  function update() {
    const wanted = (edge) => !enabledOnly.checked || edge.enabled;
    const all = graph.edges.filter(wanted).length;
    if (starts.length) {
      const way = document.querySelector("input[name=way]:checked").value;
      const path = walk(starts, way, wanted);
      drawn = path.edges;
      const sides = [];
      const others = starts.length > 1 ? "other reference" : "reference";
      if (way !== "down") sides.push(`comes from ${counted(path.counts.up, others)}`);
      if (way !== "up") sides.push(`goes to ${counted(path.counts.down, others)}`);
      const whole = starts.length > 1 ? ` (${counted(starts.length, "reference")})` : "";
      said.textContent = `${title}${whole}: ${counted(path.edges.length, "step")}; ${sides.join(", ")}.`;
    } else {
      drawn = beginning(graph, wanted, frame.clientWidth < NARROW ? 8 : 20);
      said.textContent = drawn.length < all
        ? `${counted(drawn.length, "step")} of ${all.toLocaleString("en")}: the ways to the production references that most steps lead to. Find an image to see its own.`
        : `All ${counted(all, "step")}.`;
    }
    if (drawn.length > MOST_DRAWN) said.textContent += ` The nearest ${MOST_DRAWN} are drawn; all are listed.`;
    reset.hidden = !starts.length;
    redraw();
    look = list(drawn);
  }

  function redraw() {
    draw(drawn.slice(0, MOST_DRAWN), starts.slice(0, MOST_DRAWN));
  }

  finder(input, document.getElementById("found"), choicesOf(graph), (choice) => {
    starts = choice.nodes;
    title = choice.name;
    update();
  });
  for (const control of document.querySelectorAll("input[name=way], #enabled-only")) control.addEventListener("change", update);
  reset.addEventListener("click", () => { starts = []; input.value = ""; update(); input.focus(); });
  update();
  whenLooksChange(frame, redraw);
}

tellAge();
showTables();
openWhatIsLinked();
showMap();
showTrends();
document.documentElement.dataset.ready = "yes";
