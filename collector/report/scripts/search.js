// The search box of the map.

const MAX_RESULTS = 12;

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
