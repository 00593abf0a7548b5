// Tables of all rows, a screenful at a time; they replace the first rows that the page itself holds.

const PAGE_SIZE = innerWidth < 640 ? 12 : 25;

/** Where a row is. When it is the same as in the row above, only screen readers get it again. */
function locationCell(row, above) {
  const [name, path, address, badLink] = row.slice(0, 4).map(text);
  const same = above && above.slice(0, 4).every((part, at) => part === row[at]);
  const cell = make("td", { role: "cell", class: same ? "place same" : "place", "data-label": "where" },
    same ? make("span", {}, name) : link(name, address));
  if (badLink !== null) cell.append(make("span", { class: "bad-link" }, `address not followed: ${badLink}`));
  if (path) cell.append(make("span", { class: "path" }, path));
  return cell;
}

function valueCell(column, value) {
  const shown = column.kind === "number" && value !== null ? value.toLocaleString("en") : text(value);
  return make("td", { role: "cell", class: column.kind, "data-label": column.title },
    ...(shown === null ? ["–"] : column.kind === "reference" ? breakable(shown) : [shown]));
}

/** All texts of a row in lower case, for the filter. */
function searchText(table, row) {
  const values = table.located ? row.slice(4) : row;
  const location = table.located ? row.slice(0, 2).map(text) : [];
  const texts = values.map((value, at) => (table.columns[at].kind === "number" ? String(value) : text(value)));
  return [...location, ...texts].filter((word) => word !== null).join(" ").toLowerCase();
}

/** One table. The function it returns shows the rows that hold all the words and returns their number. */
function createTable(holder, table) {
  const body = make("tbody", { role: "rowgroup" });
  const head = make("tr", { role: "row" });
  const titles = (table.located ? [{ title: "where", kind: "text" }] : []).concat(table.columns);
  for (const column of titles) {
    head.append(make("th", { scope: "col", role: "columnheader", class: column.kind }, column.title));
  }
  const screenful = Math.min(Number(holder.dataset.screenful || PAGE_SIZE), PAGE_SIZE);
  const note = make("p", { class: "note" });
  const more = make("button", { type: "button" });
  holder.replaceChildren(
    make("table", { role: "table" },
      make("caption", { class: "visually-hidden" }, holder.dataset.caption),
      make("thead", { role: "rowgroup" }, head),
      body),
    note, more);
  let lines = null; // created by the first filter: most tables are never filtered
  let found = table.rows;

  function add() {
    const from = body.childElementCount;
    found.slice(from, from + screenful).forEach((row, at) => {
      const cells = (table.located ? row.slice(4) : row).map((value, column) => valueCell(table.columns[column], value));
      body.append(make("tr", { role: "row" }, table.located ? locationCell(row, at ? found[from + at - 1] : null) : null, ...cells));
    });
    const left = found.length - body.childElementCount;
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, screenful)} more of ${left.toLocaleString("en")}`;
  }

  more.addEventListener("click", () => {
    const last = body.lastElementChild;
    add();
    // The keyboard focus moves to the first new row, also when the button disappears.
    const next = last.nextElementSibling;
    if (next) { next.tabIndex = -1; next.focus({ preventScroll: true }); }
  });

  return (words) => {
    if (words.length && lines === null) lines = table.rows.map((row) => searchText(table, row));
    found = words.length ? table.rows.filter((_, at) => words.every((word) => lines[at].includes(word))) : table.rows;
    body.replaceChildren();
    add();
    const cut = table.total > table.rows.length
      ? `The report holds ${table.rows.length.toLocaleString("en")} of ${counted(table.total, "row")}; collector ask ${table.question} gives all.`
      : "";
    note.textContent = words.length && !found.length ? `Nothing here matches. ${cut}` : cut;
    note.hidden = !note.textContent;
    return found.length;
  };
}

/** Create every table, and connect the filters of the sections. */
function showTables() {
  const tables = new Map();
  for (const holder of document.querySelectorAll("[data-rows]")) {
    const name = holder.dataset.rows;
    tables.set(name, createTable(holder, data.tables[name]));
    tables.get(name)([]);
  }
  for (const input of document.querySelectorAll("[data-filters]")) {
    const section = input.closest("section");
    const names = [...section.querySelectorAll("[data-rows]")].map((holder) => holder.dataset.rows);
    const state = make("span", { class: "note", role: "status" });
    input.closest("label").after(state);
    function filter() {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let all = 0;
      for (const name of names) {
        const found = tables.get(name)(words);
        all += found;
        const details = document.getElementById(name);
        const count = document.querySelector(`[data-count="${name}"]`);
        if (!count) continue;
        const { total, certainties } = data.tables[name];
        count.textContent = words.length
          ? `${found.toLocaleString("en")} of ${total.toLocaleString("en")}`
          : certainties.certain.toLocaleString("en");
        details.classList.toggle("without", words.length > 0 && !found);
      }
      state.textContent = words.length ? `${counted(all, "row")} with ${words.join(" ")}` : "";
    }
    input.addEventListener("input", () => {
      address.write(section.id, { [input.dataset.filters]: input.value.trim() });
      filter();
    });
    address.follow((wanted) => {
      const words = wanted.get(input.dataset.filters) || "";
      if (words === input.value.trim()) return;
      input.value = words;
      filter();
    });
  }
}
