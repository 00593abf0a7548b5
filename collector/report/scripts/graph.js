// The graph of image references and the promotions between them, and the walk along its paths. Draws nothing.

/** The repository without tag and digest: what people call the image. */
function imageOf(reference) {
  const bare = reference.split("@")[0];
  const colon = bare.lastIndexOf(":");
  return colon > bare.lastIndexOf("/") ? bare.slice(0, colon) : bare;
}

/** Nodes are the references of one installation, an edge holds every promotion from one to another. */
function createGraph(promotions) {
  const nodes = new Map();
  const edges = new Map();

  function node(installation, reference, environment, hasVariable) {
    const id = `${installation}-${reference}`;
    if (!nodes.has(id)) {
      const name = text(reference);
      nodes.set(id, { id, name, installation: text(installation), image: imageOf(name),
        environment: text(environment), certain: !hasVariable, ins: [], outs: [] });
    }
    return nodes.get(id);
  }

  for (const row of promotions) {
    const [installation, from, fromEnvironment, to, toEnvironment, action, status, path, address,
      fromHasVariable, toHasVariable, disabled] = row;
    const source = node(installation, from, fromEnvironment, fromHasVariable);
    const target = node(installation, to, toEnvironment, toHasVariable);
    const id = `${source.id}>${target.id}`;
    if (!edges.has(id)) {
      const edge = { id, source, target, promotions: [] };
      edges.set(id, edge);
      source.outs.push(edge);
      target.ins.push(edge);
    }
    edges.get(id).promotions.push({ action: text(action), path: text(path), status: text(status),
      address: text(address), disabled: Boolean(disabled) });
  }
  for (const edge of edges.values()) {
    edge.enabled = edge.promotions.some((promotion) => !promotion.disabled);
    edge.failing = edge.promotions.some((promotion) => promotion.status === "FAILED" && !promotion.disabled);
  }
  return { nodes, edges: [...edges.values()] };
}

/**
 * The edges reached from some nodes, nearest first. The walk ends at a reference with a variable: equal text may mean
 * another image.
 */
function walk(starts, direction, wanted) {
  const reached = new Set();
  const counts = { up: 0, down: 0 };
  let frontier = starts.flatMap((node) => [[node, "up"], [node, "down"]]).filter(([, to]) => direction === "both" || direction === to);
  const seen = new Set(frontier.map(([node, to]) => to + node.id));
  while (frontier.length) {
    const next = [];
    for (const [node, to] of frontier) {
      for (const edge of to === "up" ? node.ins : node.outs) {
        if (!wanted(edge)) continue;
        reached.add(edge);
        const other = to === "up" ? edge.source : edge.target;
        if (seen.has(to + other.id)) continue;
        seen.add(to + other.id);
        counts[to] += 1;
        if (other.certain) next.push([other, to]);
      }
    }
    frontier = next;
  }
  return { edges: [...reached], counts };
}

/** What the map shows at first: the paths to the production references that most edges lead to. */
function overview(graph, wanted, limit) {
  const ends = [...graph.nodes.values()]
    .filter((node) => node.environment === "production")
    .map((node) => ({ node, edges: walk([node], "up", wanted).edges }))
    .sort((one, other) => other.edges.length - one.edges.length);
  const chosen = new Set();
  for (const end of ends) {
    const fresh = end.edges.filter((edge) => !chosen.has(edge));
    if (chosen.size && chosen.size + fresh.length > limit) continue;
    fresh.slice(0, limit).forEach((edge) => chosen.add(edge));
  }
  // Without production references, the first edges are shown.
  return chosen.size ? [...chosen] : graph.edges.filter(wanted).slice(0, limit);
}

/** The search: returns the images and references that hold all words, images first. */
function createSearch(graph) {
  const images = new Map();
  for (const node of graph.nodes.values()) {
    const key = `${node.installation} ${node.image}`;
    if (!images.has(key)) images.set(key, { name: node.image, what: "", nodes: [] });
    images.get(key).nodes.push(node);
  }
  const several = new Set([...graph.nodes.values()].map((node) => node.installation)).size > 1;
  const choices = [];
  for (const image of images.values()) {
    image.what = `image, ${counted(image.nodes.length, "reference")}`;
    if (image.nodes.length > 1) choices.push(image);
  }
  for (const node of graph.nodes.values()) {
    choices.push({ name: node.name, what: node.environment || "names no environment", nodes: [node] });
  }
  for (const choice of choices) {
    if (several) choice.what += `, ${choice.nodes[0].installation}`;
    choice.words = `${choice.name} ${choice.what}`.toLowerCase();
  }
  return (typed) => {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const found = choices.filter((choice) => words.every((word) => choice.words.includes(word)));
    const nodes = [...new Set(found.flatMap((choice) => choice.nodes))];
    // People know a part of a name, and the same image is in several registries.
    return nodes.length > 1 ? [{ name: typed.trim(), what: `all ${counted(nodes.length, "reference")} that match`, nodes }, ...found] : found;
  };
}
