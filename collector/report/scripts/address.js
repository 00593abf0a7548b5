// The address of what is shown: after # the section, and after ? the image, the filters and the choices of the map. So a
// view can be sent, and the Back button leads to the one before.

const address = (() => {
  const followers = [];
  let section = "";
  let values = new URLSearchParams();

  function parse() {
    const [name, query] = location.hash.slice(1).split(/\?(.*)/s);
    return { name, query };
  }

  /** Show the section, opened where it is folded. The browser itself finds it only without a query. */
  function show(name, scrolls) {
    const target = name ? document.getElementById(name) : null;
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each instanceof HTMLDetailsElement) each.open = true;
    if (scrolls) target.scrollIntoView();
  }

  function replace() {
    const query = values.toString();
    history.replaceState(null, "", `#${section}${query ? `?${query}` : ""}`);
  }

  function arrive() {
    const { name, query } = parse();
    section = name;
    if (query === undefined) {
      replace(); // a link inside the page leads to a section: the rest of the view stays
    } else {
      values = new URLSearchParams(query);
      for (const follow of followers) follow(values);
    }
    show(name, query !== undefined);
  }

  return {
    /** Call `follow` with the values of the address, now and when another address is opened. */
    follow(follow) { followers.push(follow); },
    /** Write into the address what is shown now; an empty value is left out. */
    write(name, changed) {
      section = name;
      for (const [key, value] of Object.entries(changed)) {
        if (value) values.set(key, value); else values.delete(key);
      }
      replace();
    },
    /** Show what the address says, once everything is there. */
    start() {
      const { name, query } = parse();
      values = new URLSearchParams(query || "");
      section = name;
      for (const follow of followers) follow(values);
      show(name, query !== undefined);
      addEventListener("hashchange", arrive);
      document.addEventListener("toggle", (event) => {
        if (event.target.open && event.target.id && event.target.matches(".finding")) this.write(event.target.id, {});
      }, true);
    },
  };
})();
