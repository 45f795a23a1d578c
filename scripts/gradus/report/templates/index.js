// Sort the runs, and show two of them side by side. Without scripts all runs stand side by side.
(() => {
  document.documentElement.classList.add("js");
  const MINUS = "\u2212";
  const at = (id) => document.getElementById(id);

  const body = at("runs-table").tBodies[0];
  const order = (a, b) => (a === "") - (b === "") || (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
  const sortBy = (head, index) => {
    const down = head.getAttribute("aria-sort") !== "descending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.children[index].dataset.value;
    body.append(...[...body.rows].sort((a, b) => {
      const known = value(a) !== "" && value(b) !== "";
      return order(value(a), value(b)) * (known && down ? -1 : 1);
    }));
  };
  [...at("runs-table").tHead.rows[0].children].forEach((head, index) => {
    head.querySelector("button")?.addEventListener("click", () => sortBy(head, index));
  });

  if (!at("pair")) return;
  const [first, second] = [at("first"), at("second")];
  const lines = [...at("pair").rows].map((row) => {
    const [name, ...cells] = row.children;
    const change = document.createElement(row.parentNode.tagName === "THEAD" ? "th" : "td");
    if (change.tagName === "TH") { change.scope = "col"; change.textContent = "Change"; }
    return { row, name, cells, change };
  });
  const difference = ({ row, cells, change }, a, b, alike) => {
    if (!row.dataset.digits) return;
    const [from, to] = [cells[a].dataset.value, cells[b].dataset.value];
    const size = Math.abs(to - from).toFixed(row.dataset.digits);
    const gain = to - from;
    const same = Number(size) === 0;
    const unknown = from === "" || to === "";
    change.textContent = unknown ? "–" : same ? size : (gain < 0 ? MINUS : "+") + size;
    const better = row.dataset.better;
    change.className = unknown || same || !better || !alike ? "" : (gain > 0) === (better === "more") ? "good" : "bad";
  };
  const update = () => {
    const [a, b] = [Number(first.value), Number(second.value)];
    const alike = first.selectedOptions[0].dataset.test === second.selectedOptions[0].dataset.test;
    let settings = 0;
    for (const line of lines) {
      line.row.replaceChildren(line.name, line.cells[a], ...(a === b ? [] : [line.cells[b]]), line.change);
      difference(line, a, b, alike);
      if (line.row.classList.contains("setting")) {
        line.row.hidden = line.cells[a].dataset.value === line.cells[b].dataset.value;
        settings += !line.row.hidden;
      }
    }
    const told = settings ? `${settings} ${settings === 1 ? "setting differs" : "settings differ"}.` : "All settings are the same.";
    at("said").textContent = a === b ? "This is one and the same run." : `${graded(alike)} ${told}`;
  };
  const graded = (alike) => {
    if (!alike) return "Graded by different tests: scores do not compare.";
    const [one, other] = [first, second].map((select) => select.selectedOptions[0].dataset);
    const same = "Graded by the same test: the same questions, references, rubric and measures.";
    if (!one.low || !other.low) return same;
    const apart = Number(one.low) > Number(other.high) || Number(other.low) > Number(one.high);
    return `${same} The intervals of the two grades ${apart ? "lie apart." : "overlap: their difference may be chance."}`;
  };
  for (const select of [first, second]) select.addEventListener("input", update);
  update();
})();
