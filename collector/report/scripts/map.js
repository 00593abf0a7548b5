// The promotion map: the drawing, the search box that controls it, and the same as a list.

const MAX_DRAWN = 80; // more cannot be read, and its layout takes too long
const MAX_RESULTS = 12;
const STEPS_PAGE_SIZE = 20;
const NARROW = 640;
const BOX = { wide: { width: 216, font: 11.5 }, narrow: { width: 150, font: 10.5 } };

/** Cut the middle out of a text until it is no wider than `room` pixels in the font of the boxes. */
function shortener(font) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = font;
  return (name, room) => {
    let shown = name;
    for (let keep = name.length - 1; keep > 4 && pen.measureText(shown).width > room; keep -= 1) {
      shown = `${name.slice(0, Math.floor(keep / 2))}…${name.slice(-Math.ceil(keep / 2))}`;
    }
    return shown;
  };
}

/** The label of a box: the reference, and its registry on a second line. */
function labelOf(node, fit) {
  const slash = node.name.indexOf("/");
  const host = slash > 0 && /[.:]/.test(node.name.slice(0, slash)) ? node.name.slice(0, slash) : "";
  const rest = (host ? node.name.slice(slash + 1) : node.name).replace(/@sha256:(.{8}).*$/, "@$1…");
  return fit(rest) + (host ? `\n${fit(host)}` : "");
}

function styleOf(narrow) {
  const colour = colours();
  const font = getComputedStyle(document.body).fontFamily;
  const box = narrow ? BOX.narrow : BOX.wide;
  const environments = ["production", "staging", "test", "development"];
  return [
    { selector: "node", style: { shape: "round-rectangle", width: box.width, height: 42, label: "data(label)",
      "font-family": font, "font-size": box.font, "text-wrap": "wrap", "text-valign": "center", "line-height": 1.25,
      color: colour("ink"), "background-color": colour("card"), "border-width": 2, "border-color": colour("none") } },
    ...environments.map((name) => ({ selector: `node.${name}`, style: {
      "border-color": colour(name), "background-color": colour(`${name}-tint`) } })),
    { selector: "node.uncertain", style: { "border-style": "dashed" } },
    { selector: "node.start", style: { "border-width": 4 } },
    { selector: "edge", style: { width: 1.8, "curve-style": "straight", "source-endpoint": "90deg", "target-endpoint": "270deg", "target-arrow-shape": "triangle", "arrow-scale": 0.9,
      "line-color": colour("line"), "target-arrow-color": colour("line"), label: "data(label)", "font-size": 10,
      "font-family": font, color: colour("soft"), "text-background-color": colour("card"), "text-background-opacity": 1,
      "text-background-padding": 2 } },
    { selector: "edge.around", style: { "curve-style": "round-segments", "segment-radii": 40, "edge-distances": "endpoints",
      "segment-weights": (edge) => edge.scratch("controlPointWeights"),
      "segment-distances": (edge) => edge.scratch("controlPointDistances") } },
    { selector: "edge.off", style: { "line-style": "dashed", opacity: 0.65 } },
    { selector: "edge.failing", style: { "line-color": colour("bad"), "target-arrow-color": colour("bad"), color: colour("bad") } },
  ];
}

/** Draw edges in a frame that scrolls; calls `onNode(node)` and `onEdge(edge)` when one is tapped. */
function createDrawing(frame, canvas, { onNode, onEdge }) {
  let drawing = null;
  // cytoscape stops the browser from scrolling when a finger touches a box, even where nothing can be dragged. It still
  // has to see the movement, or it would treat a swipe as a tap.
  const leaveScrolling = (event) => { if (event.type === "touchmove" || !event.cancelable) event.preventDefault = () => {}; };
  for (const touch of ["touchmove", "touchend"]) canvas.addEventListener(touch, leaveScrolling, { passive: true });
  return (edges, starts) => {
    const narrow = frame.clientWidth < NARROW;
    const box = narrow ? BOX.narrow : BOX.wide;
    const cut = shortener(`${box.font}px ${getComputedStyle(document.body).fontFamily}`);
    const fit = (name) => cut(name, box.width - 16);
    const nodes = new Set([...starts, ...edges.flatMap((edge) => [edge.source, edge.target])]);
    if (drawing) drawing.destroy();
    drawing = cytoscape({
      container: canvas,
      elements: [
        ...[...nodes].map((node) => ({ data: { id: node.id, label: labelOf(node, fit), node },
          classes: [node.environment || "", node.certain ? "" : "uncertain", starts.includes(node) ? "start" : ""].join(" ") })),
        ...edges.map((edge) => ({ data: { id: edge.id, source: edge.source.id, target: edge.target.id, edge,
          label: edge.promotions.length > 1 ? `${edge.promotions.length}×` : "" },
          classes: [edge.enabled ? "" : "off", edge.failing ? "failing" : ""].join(" ") })),
      ],
      style: styleOf(narrow),
      layout: { name: "dagre", rankDir: "LR", nodeSep: 14, rankSep: narrow ? 44 : 84, fit: false, animate: false,
        useDagreEdgeControlPoints: true, automaticDagreEdgeStyle: false },
      // The page scrolls, the drawing does not, so that neither wheel nor finger gets stuck in it.
      userPanningEnabled: false, userZoomingEnabled: false, boxSelectionEnabled: false, autoungrabify: true, autounselectify: true,
      pixelRatio: Math.min(devicePixelRatio || 1, 2),
    });
    // An edge that skips a column goes around the boxes of that column, on the path that dagre kept free.
    drawing.edges().filter((edge) => (edge.scratch("controlPointWeights") || []).length > 2).addClass("around");
    const bounds = drawing.elements().boundingBox();
    const scale = Math.min(1.15, Math.max(0.85, (frame.clientWidth - 36) / bounds.w));
    canvas.dataset.nodes = String(nodes.size);
    canvas.dataset.edges = String(edges.length);
    // Whole pixels: a frame that can scroll by a fraction of one would take up a swipe.
    canvas.style.width = `${Math.ceil(Math.max(frame.clientWidth - 4, bounds.w * scale + 32))}px`;
    canvas.style.height = `${Math.ceil(bounds.h * scale + 32)}px`;
    drawing.resize();
    drawing.zoom(scale);
    const left = Math.max(16, (canvas.clientWidth - bounds.w * scale) / 2);
    drawing.pan({ x: left - bounds.x1 * scale, y: 16 - bounds.y1 * scale });
    frame.scrollTo(0, 0);
    document.getElementById("wider").hidden = canvas.clientWidth <= frame.clientWidth;
    drawing.on("tap", "node", (event) => onNode(event.target.data("node")));
    drawing.on("tap", "edge", (event) => onEdge(event.target.data("edge")));
    for (const over of ["mouseover", "mouseout"]) {
      drawing.on(over, "node, edge", () => { canvas.style.cursor = over === "mouseover" ? "pointer" : ""; });
    }
  };
}

/** The edges as a list, each with its promotions and their links. */
function createStepList(holder, onNode) {
  return (edges) => {
    const list = make("ol", { class: "steps" });
    const more = make("button", { type: "button" });
    const items = new Map();
    function reference(node) {
      const button = make("button", { type: "button", class: `reference ${node.environment || "none"}` }, ...breakable(node.name));
      button.addEventListener("click", () => onNode(node));
      return button;
    }
    function add() {
      const from = list.childElementCount;
      for (const edge of edges.slice(from, from + STEPS_PAGE_SIZE)) {
        const promotions = edge.promotions.map((promotion) => make("li", {},
          link(promotion.action, promotion.address),
          promotion.status === "FAILED" ? make("span", { class: "pill bad" }, "failing") : null,
          promotion.disabled ? make("span", { class: "pill" }, "disabled") : null,
          make("span", { class: "path" }, promotion.path)));
        const item = make("li", { tabindex: "-1" },
          make("div", { class: "step" }, reference(edge.source),
            make("span", { class: "to" }, make("span", { "aria-hidden": "true" }, "→"), make("span", { class: "visually-hidden" }, "to"), reference(edge.target))),
          make("ul", {}, ...promotions));
        items.set(edge, item);
        list.append(item);
      }
      const left = edges.length - list.childElementCount;
      more.hidden = left <= 0;
      more.textContent = `Show ${Math.min(left, STEPS_PAGE_SIZE)} more of ${left.toLocaleString("en")} steps`;
    }
    more.addEventListener("click", () => {
      const last = list.lastElementChild;
      add();
      if (last.nextElementSibling) last.nextElementSibling.focus({ preventScroll: true });
    });
    holder.replaceChildren(list, more);
    add();
    return (edge) => {
      while (!items.has(edge) && list.childElementCount < edges.length) add();
      items.get(edge)?.focus();
    };
  };
}

/** The search box: an ARIA combobox, so that arrows, Enter and Escape do what people expect. */
function createSearchBox(input, list, search, onChoice) {
  let found = [];
  let at = -1;
  function close() {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function choose(choice) {
    input.value = choice.name;
    close();
    onChoice(choice);
  }
  function select(to) {
    at = to;
    [...list.children].forEach((item, number) => item.setAttribute("aria-selected", String(number === at)));
    if (at < 0) { input.removeAttribute("aria-activedescendant"); return; }
    input.setAttribute("aria-activedescendant", `found-${at}`);
    list.children[at].scrollIntoView({ block: "nearest" });
  }
  function show() {
    const all = search(input.value);
    found = all.slice(0, MAX_RESULTS);
    list.replaceChildren(...found.map((choice, number) => {
      const item = make("li", { role: "option", id: `found-${number}`, "aria-selected": "false" },
        make("span", { class: "name" }, choice.name), make("span", { class: "path" }, choice.what));
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(choice); });
      return item;
    }));
    if (!input.value.trim()) { close(); return; }
    if (!all.length) list.append(make("li", { class: "note", role: "option", "aria-disabled": "true", "aria-selected": "false" }, "No image of this run matches."));
    if (all.length > found.length) list.append(make("li", { class: "note", role: "option", "aria-disabled": "true", "aria-selected": "false" }, `and ${(all.length - found.length).toLocaleString("en")} more: type more letters`));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    at = -1;
  }
  input.addEventListener("input", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) show();
      if (found.length) select((at + (event.key === "ArrowDown" ? 1 : -1) + found.length + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % found.length);
    } else if (event.key === "Enter" && found.length && !list.hidden) {
      event.preventDefault();
      choose(found[Math.max(at, 0)]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
}
