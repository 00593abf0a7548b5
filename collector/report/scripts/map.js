// The promotion map: the drawing, and the same as a list.

const MAX_DRAWN = 80; // more cannot be read, and its layout takes too long
const STEPS_PAGE_SIZE = 20;
const NARROW = 640;
const FRAME_HEIGHT = 0.72; // of the window: as max-height in the style sheet
const SMALLEST = 0.45; // smaller labels cannot be read
const LARGEST = 2.5;
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

/**
 * Draw edges so that they fit the frame; calls `onNode(node)` and `onEdge(edge)` when one is tapped. The functions it
 * returns draw other edges, and zoom by a factor (none: fit again); what is larger than the frame scrolls in it.
 */
function createDrawing(frame, canvas, { onNode, onEdge }) {
  let drawing = null;
  let bounds = null;
  let scale = 1;
  let fitting = 1;

  function place() {
    // Whole pixels: a frame that can scroll by a fraction of one would take up a swipe.
    canvas.style.width = `${Math.ceil(Math.max(frame.clientWidth - 4, bounds.w * scale + 32))}px`;
    canvas.style.height = `${Math.ceil(bounds.h * scale + 32)}px`;
    canvas.dataset.scale = scale.toFixed(2);
    drawing.resize();
    drawing.zoom(scale);
    const left = Math.max(16, (canvas.clientWidth - bounds.w * scale) / 2);
    drawing.pan({ x: left - bounds.x1 * scale, y: 16 - bounds.y1 * scale });
    document.getElementById("wider").hidden = canvas.clientWidth <= frame.clientWidth;
  }

  function zoom(factor) {
    const [x, y] = [frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2];
    const before = scale;
    scale = factor ? Math.min(LARGEST, Math.max(Math.min(fitting, SMALLEST), scale * factor)) : fitting;
    place();
    // What was in the middle stays there.
    frame.scrollTo((x * scale) / before - frame.clientWidth / 2, (y * scale) / before - frame.clientHeight / 2);
  }

  // cytoscape stops the browser from scrolling when a finger touches a box, even where nothing can be dragged. It still
  // has to see the movement, or it would treat a swipe as a tap.
  const leaveScrolling = (event) => { if (event.type === "touchmove" || !event.cancelable) event.preventDefault = () => {}; };
  for (const touch of ["touchmove", "touchend"]) canvas.addEventListener(touch, leaveScrolling, { passive: true });
  function draw(edges, starts) {
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
    bounds = drawing.elements().boundingBox();
    const room = { width: frame.clientWidth - 36, height: innerHeight * FRAME_HEIGHT - 36 };
    fitting = Math.min(1.15, Math.max(SMALLEST, Math.min(room.width / bounds.w, room.height / bounds.h)));
    scale = fitting;
    canvas.dataset.nodes = String(nodes.size);
    canvas.dataset.edges = String(edges.length);
    place();
    frame.scrollTo(0, 0);
    drawing.on("tap", "node", (event) => onNode(event.target.data("node")));
    drawing.on("tap", "edge", (event) => onEdge(event.target.data("edge")));
    for (const over of ["mouseover", "mouseout"]) {
      drawing.on(over, "node, edge", () => { canvas.style.cursor = over === "mouseover" ? "pointer" : ""; });
    }
  }

  return { draw, zoom };
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
