// The graph of references: what goes where, by which promotions, and the walk along a path. No drawing here.

/** Repository without tag and digest: what people call the image. */
function imageOf(reference) {
  const bare = reference.split("@")[0];
  const colon = bare.lastIndexOf(":");
  return colon > bare.lastIndexOf("/") ? bare.slice(0, colon) : bare;
}

/** Nodes (references of one installation) and edges (every promotion from one to the other). */
function graphOf(steps) {
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

  for (const step of steps) {
    const [installation, from, fromEnvironment, to, toEnvironment, action, way, status, address,
      fromHasVariable, toHasVariable, disabled] = step;
    const source = node(installation, from, fromEnvironment, fromHasVariable);
    const target = node(installation, to, toEnvironment, toHasVariable);
    const id = `${source.id}>${target.id}`;
    if (!edges.has(id)) {
      const edge = { id, source, target, promotions: [] };
      edges.set(id, edge);
      source.outs.push(edge);
      target.ins.push(edge);
    }
    edges.get(id).promotions.push({ action: text(action), way: text(way), status: text(status),
      address: text(address), disabled: Boolean(disabled) });
  }
  for (const edge of edges.values()) {
    edge.enabled = edge.promotions.some((promotion) => !promotion.disabled);
    edge.failing = edge.promotions.some((promotion) => promotion.status === "FAILED" && !promotion.disabled);
  }
  return { nodes, edges: [...edges.values()] };
}

/**
 * The edges met from some nodes, nearest first. Where a variable decides what a reference is, the walk ends:
 * equal text need not be the same image.
 */
function walk(starts, way, wanted) {
  const met = new Set();
  const counts = { up: 0, down: 0 };
  let frontier = starts.flatMap((node) => [[node, "up"], [node, "down"]]).filter(([, to]) => way === "both" || way === to);
  const seen = new Set(frontier.map(([node, to]) => to + node.id));
  while (frontier.length) {
    const next = [];
    for (const [node, to] of frontier) {
      for (const edge of to === "up" ? node.ins : node.outs) {
        if (!wanted(edge)) continue;
        met.add(edge);
        const other = to === "up" ? edge.source : edge.target;
        if (seen.has(to + other.id)) continue;
        seen.add(to + other.id);
        counts[to] += 1;
        if (other.certain) next.push([other, to]);
      }
    }
    frontier = next;
  }
  return { edges: [...met], counts };
}

/** What the map begins with: the ways to those production references that most steps lead to. */
function beginning(graph, wanted, most) {
  const ends = [...graph.nodes.values()]
    .filter((node) => node.environment === "production")
    .map((node) => ({ node, edges: walk([node], "up", wanted).edges }))
    .sort((one, other) => other.edges.length - one.edges.length);
  const chosen = new Set();
  for (const end of ends) {
    const fresh = end.edges.filter((edge) => !chosen.has(edge));
    if (chosen.size && chosen.size + fresh.length > most) continue;
    fresh.slice(0, most).forEach((edge) => chosen.add(edge));
  }
  // A lake without production still has a map.
  return chosen.size ? [...chosen] : graph.edges.filter(wanted).slice(0, most);
}

/** Images and references that hold all the words, images first, as choices of the search. */
function choicesOf(graph) {
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
    // People know a part of the name; the same image stands in several registries.
    return nodes.length > 1 ? [{ name: typed.trim(), what: `all ${counted(nodes.length, "reference")} that match`, nodes }, ...found] : found;
  };
}
