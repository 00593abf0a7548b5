// Tables of all rows, a screenful at a time, in the place of the first rows that stand in the page.

const AT_A_TIME = innerWidth < 640 ? 12 : 25;

/** Where a row is. The same place as in the row above is there for readers of the page, and not drawn again. */
function placeCell(row, above) {
  const [action, way, address, bad] = row.slice(0, 4).map(text);
  const same = above && above.slice(0, 4).every((part, at) => part === row[at]);
  const cell = make("td", { role: "cell", class: same ? "place same" : "place", "data-label": "where" },
    same ? make("span", {}, action) : link(action, address));
  if (bad !== null) cell.append(make("span", { class: "bad-link" }, `address not followed: ${bad}`));
  if (way) cell.append(make("span", { class: "way" }, way));
  return cell;
}

function valueCell(column, value) {
  const words = column.kind === "number" && value !== null ? value.toLocaleString("en") : text(value);
  return make("td", { role: "cell", class: column.kind, "data-label": column.title },
    ...(words === null ? ["–"] : column.kind === "reference" ? breakable(words) : [words]));
}

/** Every text of a row in one line of small letters, for the filter. */
function haystack(table, row) {
  const values = table.placed ? row.slice(4) : row;
  const places = table.placed ? row.slice(0, 2).map(text) : [];
  const words = values.map((value, at) => (table.columns[at].kind === "number" ? String(value) : text(value)));
  return [...places, ...words].filter((word) => word !== null).join(" ").toLowerCase();
}

/** One table: `show(words)` shows the rows that hold all the words, and returns how many there are. */
function tableOf(holder, table) {
  const body = make("tbody", { role: "rowgroup" });
  const head = make("tr", { role: "row" });
  const titles = (table.placed ? [{ title: "where", kind: "text" }] : []).concat(table.columns);
  for (const column of titles) {
    head.append(make("th", { scope: "col", role: "columnheader", class: column.kind }, column.title));
  }
  const said = make("p", { class: "note" });
  const more = make("button", { type: "button" });
  holder.replaceChildren(
    make("table", { role: "table" },
      make("caption", { class: "unseen" }, holder.dataset.caption),
      make("thead", { role: "rowgroup" }, head),
      body),
    said, more);
  let lines = null; // made at the first filtering: most tables are never filtered
  let found = table.rows;

  function add() {
    const from = body.childElementCount;
    found.slice(from, from + AT_A_TIME).forEach((row, at) => {
      const cells = (table.placed ? row.slice(4) : row).map((value, column) => valueCell(table.columns[column], value));
      body.append(make("tr", { role: "row" }, table.placed ? placeCell(row, at ? found[from + at - 1] : null) : null, ...cells));
    });
    const left = found.length - body.childElementCount;
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, AT_A_TIME)} more of ${left.toLocaleString("en")}`;
  }

  more.addEventListener("click", () => {
    const last = body.lastElementChild;
    add();
    // The keyboard goes on where the new rows begin, also when the button has gone.
    const next = last.nextElementSibling;
    if (next) { next.tabIndex = -1; next.focus({ preventScroll: true }); }
  });

  return (words) => {
    if (words.length && lines === null) lines = table.rows.map((row) => haystack(table, row));
    found = words.length ? table.rows.filter((_, at) => words.every((word) => lines[at].includes(word))) : table.rows;
    body.replaceChildren();
    add();
    const cut = table.total > table.rows.length
      ? `The report holds ${table.rows.length.toLocaleString("en")} of ${counted(table.total, "row")}; collector ask ${table.question} gives all.`
      : "";
    said.textContent = words.length && !found.length ? `Nothing here matches. ${cut}` : cut;
    said.hidden = !said.textContent;
    return found.length;
  };
}

/** Puts every table in its place and wires the filters of the sections. */
function showTables() {
  const shows = new Map();
  for (const holder of document.querySelectorAll("[data-rows]")) {
    const name = holder.dataset.rows;
    shows.set(name, tableOf(holder, data.tables[name]));
    shows.get(name)([]);
  }
  for (const input of document.querySelectorAll("[data-filters]")) {
    const section = input.closest("section");
    const names = [...section.querySelectorAll("[data-rows]")].map((holder) => holder.dataset.rows);
    const state = make("span", { class: "note", role: "status" });
    input.closest("label").after(state);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let all = 0;
      for (const name of names) {
        const found = shows.get(name)(words);
        all += found;
        const details = document.getElementById(name);
        const count = document.querySelector(`[data-count="${name}"]`);
        if (!count) continue;
        const total = data.tables[name].total.toLocaleString("en");
        count.textContent = words.length ? `${found.toLocaleString("en")} of ${total}` : total;
        details.classList.toggle("without", words.length > 0 && !found);
      }
      state.textContent = words.length ? `${counted(all, "row")} with ${words.join(" ")}` : "";
    });
  }
}

/** A link to a finding opens it. */
function openWhatIsLinked() {
  const open = () => {
    const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  addEventListener("hashchange", open);
  open();
}
